"""Moves an application on, and tells the applicant each time; scores and comments on the way."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks import task

from careers import letters
from careers.models import (
    FINAL_STATUSES,
    NEXT_STATUSES,
    Application,
    ApplicationStatus,
    Comment,
    Criterion,
    DeclineReason,
    Letter,
    LetterKind,
    Opening,
    OpeningStatus,
    Reveal,
    Score,
    Scorecard,
    SlotState,
)
from practice.business_days import business_days_after

LONGEST_DELAY = timedelta(days=30)


class ReviewError(Exception):
    """What was asked is not possible; the message is for the person who tried."""


def locked(application: Application) -> Application:
    """The row as it is now, kept from others until the end of the transaction."""
    found = (
        Application.objects.select_for_update(of=("self",)).select_related("opening").filter(pk=application.pk).first()
    )
    if found is None:
        raise ReviewError(_("This application has been erased."))
    return found


def check_step(application: Application, status: ApplicationStatus) -> None:
    """Raises ReviewError where that step does not exist."""
    if status not in NEXT_STATUSES[ApplicationStatus(application.status)]:
        now, wanted = application.get_status_display().lower(), ApplicationStatus(status).label.lower()
        raise ReviewError(
            _("%(application)s is “%(now)s” and cannot become “%(wanted)s”.")
            % {"application": application, "now": now, "wanted": wanted}
        )


def set_status(application: Application, status: ApplicationStatus, *, by=None) -> None:
    """Write the new status of a locked application with all that hangs on it: the clocks and what was scheduled."""
    now = timezone.now()
    application.status, application.status_changed_at = status, now
    application.decline_at = None
    if application.answered_at is None and status not in (ApplicationStatus.WITHDRAWN, ApplicationStatus.MERGED):
        application.answered_at = now
    if status in FINAL_STATUSES:
        application.decided_at, application.decided_by, application.answer_by = now, by, None
        application.slots.filter(state=SlotState.OFFERED).update(state=SlotState.GONE)
    else:
        application.answer_by = business_days_after(timezone.localdate(now), application.opening.answer_days)
    application.save()


@transaction.atomic
def change_status(
    application: Application, status: ApplicationStatus, *, by=None, text: tuple[str, str] | None = None
) -> Application:
    """Take it into review, to the interviews, or hire; `text` is the letter's subject and text where it was changed.

    Raises ReviewError where that step does not exist.
    """
    application = locked(application)
    check_step(application, status)
    set_status(application, status, by=by)
    letters.write(application, LetterKind(status), by=by, text=text)
    return application


@transaction.atomic
def decline(
    application: Application,
    reason: DeclineReason,
    *,
    by,
    note: str = "",
    at: datetime | None = None,
    text: tuple[str, str] | None = None,
) -> Application:
    """Decline for this reason, now or at a later instant; until then the applicant sees nothing of it.

    Deciding again before that instant takes the place of what was decided. Raises ReviewError.
    """
    application = locked(application)
    check_step(application, ApplicationStatus.DECLINED)
    now = timezone.now()
    if at is not None and not now < at <= now + LONGEST_DELAY:
        raise ReviewError(_("Choose a time within the next 30 days."))
    forget_scheduled(application)
    application.reason, application.reason_note, application.decided_by = reason, note, by
    if at is None:
        set_status(application, ApplicationStatus.DECLINED, by=by)
        letters.write(application, LetterKind.DECLINED, by=by, text=text)
    else:
        application.decline_at = at
        application.save()
        letter = letters.write(application, LetterKind.DECLINED, by=by, text=text, is_sent_now=False)
        decline_later.using(run_after=at).enqueue(letter.pk)
    return application


@transaction.atomic
def keep_after_all(application: Application) -> Application:
    """Take back a decision that has not been sent yet. Raises ReviewError where there is none."""
    application = locked(application)
    if application.decline_at is None:
        raise ReviewError(_("No decision is waiting to be sent."))
    forget_scheduled(application)
    application.reason, application.reason_note, application.decided_by, application.decline_at = "", "", None, None
    application.save()
    return application


def forget_scheduled(application: Application) -> None:
    Letter.objects.filter(application=application, kind=LetterKind.DECLINED, sent_at=None).delete()


@task()
def decline_later(letter_id: int) -> None:
    """Do what was scheduled, unless somebody decided otherwise meanwhile: then the letter is gone."""
    _decline_with(letter_id)


def decline_missed(at: datetime | None = None) -> int:
    """Do what was scheduled and did not happen, because the job failed; returns how many."""
    late = Letter.objects.filter(
        kind=LetterKind.DECLINED, sent_at=None, application__decline_at__lt=(at or timezone.now()) - timedelta(hours=1)
    )
    numbers = list(late.values_list("pk", flat=True))
    for number in numbers:
        _decline_with(number)
    return len(numbers)


def _decline_with(letter_id: int) -> None:
    with transaction.atomic():
        letter = Letter.objects.select_related("application").filter(pk=letter_id, sent_at=None).first()
        if letter is None:
            return
        application = locked(letter.application)
        if application.decline_at is None or not Letter.objects.filter(pk=letter_id).exists():
            return
        set_status(application, ApplicationStatus.DECLINED, by=application.decided_by)
        letters.send.enqueue(letter.pk)


@transaction.atomic
def withdraw(application: Application) -> Application:
    """The applicant does not want to go on. Raises ReviewError once it is decided."""
    application = locked(application)
    if application.is_decided:
        raise ReviewError(_("Your application has been decided already."))
    forget_scheduled(application)
    application.reason, application.reason_note = "", ""
    set_status(application, ApplicationStatus.WITHDRAWN)
    letters.write(application, LetterKind.WITHDRAWN)
    return application


@transaction.atomic
def close_opening(opening: Opening) -> Opening:
    """Close it. Raises ReviewError while an applicant lacks an outcome; the database would refuse it too."""
    opening = Opening.objects.select_for_update(no_key=True).get(pk=opening.pk)
    check_may_close(opening)
    opening.status = OpeningStatus.CLOSED
    opening.save(update_fields=["status"])
    return opening


def check_may_close(opening: Opening) -> None:
    """Raises ReviewError while an applicant lacks an outcome."""
    waiting = opening.applications.unanswered().count()
    if waiting:
        scheduled = opening.applications.exclude(decline_at=None).count()
        text = ngettext(
            "%(count)s applicant still waits for an answer, so this opening cannot close.",
            "%(count)s applicants still wait for an answer, so this opening cannot close.",
            waiting,
        ) % {"count": waiting}
        if scheduled:
            text += " " + _("Decided and not sent yet: %(count)s.") % {"count": scheduled}
        raise ReviewError(text)


@transaction.atomic
def score(
    application: Application, points: dict[Criterion, int], recommendation: str, *, by, note: str = ""
) -> Scorecard:
    """Write this person's scorecard, once: what others think is shown afterwards. Raises ReviewError.

    `points` gives 1 to 4 for each criterion of the opening.
    """
    application = locked(application)
    if application.is_decided:
        raise ReviewError(_("This application has been decided already."))
    was_blind = application.is_blind_for(by)
    try:
        with transaction.atomic():
            card = Scorecard.objects.create(
                application=application, reviewer=by, recommendation=recommendation, note=note, was_blind=was_blind
            )
    except IntegrityError:
        raise ReviewError(_("You have scored this application already.")) from None
    Score.objects.bulk_create(
        Score(scorecard=card, criterion=criterion, points=given) for criterion, given in points.items()
    )
    return card


def comment(application: Application, text: str, *, by) -> Comment:
    """Say something to the others who read it; the same again within a minute was a double click."""
    lately = timezone.now() - timedelta(minutes=1)
    same = Comment.objects.filter(application=application, author=by, text=text, written_at__gt=lately).first()
    return same or Comment.objects.create(application=application, author=by, text=text)


def reveal(application: Application, reason: str, *, by) -> None:
    """Show this person who the application is from before they have scored it; the reason is kept."""
    Reveal.objects.get_or_create(application=application, person=by, defaults={"reason": reason})
