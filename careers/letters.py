"""Writes to applicants: from the office's wording, in the language in which they applied, kept as it was sent.

A letter is written in the transaction of what it tells, and mailed by a job. Its private link is filled in only then:
the office keeps and shows the letter without it, so that nobody there can act as the applicant.
"""

import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from careers.calendars import calendar_of
from careers.mail_texts import SHIPPED
from careers.models import Application, InterviewSlot, Letter, LetterKind, MailText, Opening, SlotState
from practice import mail
from practice.context import get_identity

# What may stand in braces in a text: {word: what it stands for}.
PLACES = {
    "name": gettext_lazy("the applicant's name"),
    "opening": gettext_lazy("the title of the opening"),
    "practice": gettext_lazy("the practice's name"),
    "phone": gettext_lazy("the practice's main number"),
    "link": gettext_lazy("the private link to the status page"),
    "date": gettext_lazy("the day by which the applicant hears from us"),
    "times": gettext_lazy("the times of the interview, in the mails about it"),
}
NEEDED = {  # besides the link, without which applicants could not look where they stand
    LetterKind.RECEIVED: {"date"},
    LetterKind.INTERVIEW: {"times"},
    LetterKind.BOOKED: {"times"},
}
PLACE = re.compile(r"\{([^{}\n]*)\}")


def check_places(text: str) -> set[str]:
    """The words in braces. Raises ValidationError where we cannot fill one in."""
    found = set(PLACE.findall(text))
    unknown = sorted(found - set(PLACES))
    if unknown:
        raise ValidationError(
            _("We cannot fill in {%(word)s}. Use one of: %(known)s.")
            % {"word": unknown[0], "known": ", ".join(f"{{{word}}}" for word in PLACES)}
        )
    if {"{", "}"} & set(PLACE.sub("", text)):
        raise ValidationError(_("A brace is alone: write {name}, with both."))
    return found


def check_text(kind: str, text: str) -> None:
    """Raises ValidationError where `check_places` does, or a word is missing that this mail needs."""
    found = check_places(text)
    missing = sorted(({"link"} | NEEDED.get(LetterKind(kind), set())) - found)
    if missing:
        raise ValidationError(_("This mail needs {%(word)s}.") % {"word": missing[0]})


def check_only_link(text: str) -> None:
    """A validator of one letter, in which all but the link is filled in already. Raises ValidationError."""
    others = sorted(check_places(text) - {"link"})
    if others:
        raise ValidationError(
            _("Nothing is filled in here but {link}; please write {%(word)s} out.") % {"word": others[0]}
        )


def wording_of(kind: str) -> MailText:
    """The office's wording, or the shipped one."""
    return MailText.objects.filter(kind=kind).first() or MailText(kind=kind, **SHIPPED[kind])


def compose(
    kind: str,
    language: str,
    *,
    opening: Opening,
    link: str = "{link}",
    name: str = "",
    date: Callable[[], str] = str,
    times: Callable[[], str] = str,
    wording: MailText | None = None,
) -> tuple[str, str]:
    """Subject and text of a mail in this language."""
    wording = wording or wording_of(kind)
    identity = get_identity()
    with translation.override(language):
        facts = {
            "name": name,
            "opening": opening.local("title"),
            "practice": identity.name,
            "phone": identity.main_phone,
            "link": link,
            "date": date(),
            "times": times(),
        }
        subject, body = wording.local("subject"), wording.local("body")

    def fill(text: str) -> str:
        return PLACE.sub(lambda place: facts.get(place[1], place[0]), text)

    return " ".join(fill(subject).split()), re.sub(r"\n{3,}", "\n\n", fill(body)).strip() + "\n"


def draft_letter(application: Application, kind: str) -> tuple[str, str]:
    """Subject and text of the letter as it would go to this applicant now, without the private link."""
    return compose(
        kind,
        application.language,
        opening=application.opening,
        name=application.name,
        date=lambda: date_format(application.answer_by, "DATE_FORMAT") if application.answer_by else "",
        times=lambda: times_in_words(application, kind),
    )


def times_in_words(application: Application, kind: str) -> str:
    """The times offered, or the one chosen; what to do about them, in the language that is active."""
    if kind == LetterKind.BOOKED:
        chosen = application.slots.filter(state=SlotState.CHOSEN).first()
        return slot_in_words(chosen) if chosen else ""
    offered = list(application.slots.filter(state=SlotState.OFFERED))
    if not offered:
        return _("We will call or write to find a time.") if kind == LetterKind.INTERVIEW else ""
    lines = [f"- {slot_in_words(slot)}" for slot in offered]
    return "\n".join([_("Please choose one of these times on your page, at the link below:"), *lines])


def slot_in_words(slot: InterviewSlot) -> str:
    starts = timezone.localtime(slot.starts_at)
    parts = [
        f"{date_format(starts, 'l')}, {date_format(starts, 'DATE_FORMAT')}",
        f"{date_format(starts, 'TIME_FORMAT')} ({starts:%Z})",
        _("%(minutes)s minutes") % {"minutes": slot.minutes},
        slot.place,
    ]
    if slot.interviewer:
        parts.append(_("with %(name)s") % {"name": slot.interviewer})
    return ", ".join(parts)


def write(
    application: Application, kind: str, *, by=None, is_sent_now: bool = True, text: tuple[str, str] | None = None
) -> Letter:
    """Keep the letter and, unless that comes later, have it mailed. In the transaction of what it tells."""
    subject, body = text or draft_letter(application, kind)
    letter = Letter.objects.create(
        application=application, kind=kind, subject=" ".join(subject.split()), body=body, written_by=by
    )
    if is_sent_now:
        send.enqueue(letter.pk)
    return letter


@mail.mail_job
def send(letter_id: int) -> None:
    """Mail the letter. One that is gone, because the application was erased, is not sent."""
    letter = Letter.objects.select_related("application").filter(pk=letter_id, sent_at=None).first()
    if letter is None:
        return
    files = []
    if letter.kind == LetterKind.BOOKED and (calendar := calendar_of(letter.application)):
        files = [("interview.ics", calendar, "text/calendar")]
    with translation.override(letter.application.language):
        body = letter.body.replace("{link}", f"{settings.PUBLIC_ORIGIN}{letter.application.get_absolute_url()}")
    mail.send_text(letter.subject, body, [letter.application.email], files, settings.HIRING_RECIPIENTS)
    Letter.objects.filter(pk=letter.pk).update(sent_at=timezone.now())
