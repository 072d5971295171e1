"""One person who applied twice for the same opening becomes one application."""

from django.db import transaction
from django.utils.translation import gettext as _

from careers.models import Application, ApplicationStatus, SlotState
from careers.models.applications import ApplicationQuerySet
from careers.review import ReviewError, check_step, forget_scheduled, locked, set_status


def known_of_same_person(application: Application, user) -> ApplicationQuerySet:
    """Other applications from the same e-mail address, for whatever opening, that this person may see the name of.

    The others would tell who they are from.
    """
    same = Application.objects.filter(email__iexact=application.email).exclude(pk=application.pk)
    return same.visible_to(user).with_known_to(user).known().select_related("opening")


def duplicates_of(application: Application, user) -> ApplicationQuerySet:
    """Those of them for the same opening that could be merged with it."""
    return known_of_same_person(application, user).filter(opening=application.opening).unanswered()


@transaction.atomic
def merge(application: Application, into: Application, *, by) -> Application:
    """End `application` and give its files, comments and scorecards to `into`; its private link leads there then.

    A person's second scorecard stays where it is. No mail: one application of theirs goes on. Raises ReviewError.
    """
    first, second = sorted([application, into], key=lambda row: row.pk)
    rows = {first.pk: locked(first), second.pk: locked(second)}  # in one order, so that nobody waits for each other
    application, into = rows[application.pk], rows[into.pk]
    check_step(application, ApplicationStatus.MERGED)
    if into.pk == application.pk or into.opening_id != application.opening_id or into.is_decided:
        raise ReviewError(_("Only two open applications for the same opening can become one."))
    if application.slots.exclude(state=SlotState.GONE).exists():
        raise ReviewError(
            _("%(application)s has an interview. Merge the other one into it.") % {"application": application}
        )
    if application.is_held:
        raise ReviewError(_("%(application)s is on legal hold.") % {"application": application})
    forget_scheduled(application)
    application.reason, application.reason_note = "", ""
    application.files.update(application=into)
    application.comments.update(application=into)
    application.scorecards.exclude(reviewer__in=into.scorecards.values("reviewer")).update(application=into)
    application.merged.update(merged_into=into)
    application.merged_into = into
    if application.message and application.message not in into.message:
        into.message = f"{into.message}\n\n{application.message}".strip()[:8000]
    into.phone = into.phone or application.phone
    into.save()
    set_status(application, ApplicationStatus.MERGED, by=by)
    return into
