"""Applications that are not sent yet: kept over an error in the form, or saved to be finished by a private link."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation
from django.utils.formats import date_format

from careers import letters
from careers.files import discard
from careers.models import ApplicationFile, Draft, LetterKind, Opening
from practice import mail
from practice.throttles import DRAFT_LINKS_PER_RECIPIENT, count_try


class DraftGone(Exception):
    """The draft was sent in another tab, or its time is over."""


SAVED_FOR = timedelta(days=30)
KEPT_FOR = timedelta(days=1)  # what nobody asked us to save


def keep_files(
    draft: Draft | None, opening: Opening, language: str, files: list[ApplicationFile], replaced: list[int]
) -> Draft:
    """Keep files that are in order while something else in the form is not: browsers do not.

    `replaced` are the numbers of the draft's files in whose place they come. Raises DraftGone.
    """
    with transaction.atomic():
        draft = _again(draft) if draft else Draft.objects.create(opening=opening, language=language)
        _give(draft, files)
    drop_files(draft, replaced)
    return draft


def _again(draft: Draft) -> Draft:
    """The draft as it is now, kept from other tabs. Raises DraftGone."""
    found = Draft.objects.select_for_update(of=("self",)).select_related("opening").filter(pk=draft.pk).first()
    if found is None:
        raise DraftGone
    return found


def save_draft(
    draft: Draft | None,
    opening: Opening,
    language: str,
    files: list[ApplicationFile],
    *,
    name: str,
    email: str,
    phone: str,
    message: str,
) -> Draft:
    """Save what was typed, to be finished later; the link is mailed to the address the first time. Raises DraftGone."""
    with transaction.atomic():
        draft = _again(draft) if draft else Draft(opening=opening)
        is_new_address = bool(email) and email != draft.email
        draft.name, draft.email, draft.phone, draft.message = name, email, phone, message
        draft.language, draft.is_saved, draft.changed_at = language, True, timezone.now()
        draft.save()
        _give(draft, files)
        if is_new_address and count_try(DRAFT_LINKS_PER_RECIPIENT, email.lower()):
            mail_link.enqueue(draft.pk)
    return draft


def _give(draft: Draft, files: list[ApplicationFile]) -> None:
    ApplicationFile.objects.filter(pk__in=[file.pk for file in files]).update(draft=draft)


def drop_files(draft: Draft, numbers: list[int]) -> None:
    """Delete files of the draft that its writer does not want to send."""
    with transaction.atomic():
        dropped = list(draft.files.filter(pk__in=numbers))
        ApplicationFile.objects.filter(pk__in=[file.pk for file in dropped]).update(draft=None)
    discard(dropped)


def kept_until(draft: Draft) -> datetime:
    return draft.changed_at + (SAVED_FOR if draft.is_saved else KEPT_FOR)


def delete_draft(draft: Draft) -> None:
    """The draft and its files."""
    with transaction.atomic():
        files = list(draft.files.all())
        draft.files.update(draft=None)
        draft.delete()
    discard(files)


def old_drafts(at: datetime | None = None) -> QuerySet[Draft]:
    """Those that nobody finished in time."""
    at = at or timezone.now()
    return Draft.objects.filter(
        Q(is_saved=True, changed_at__lt=at - SAVED_FOR) | Q(is_saved=False, changed_at__lt=at - KEPT_FOR)
    )


def delete_old_drafts(at: datetime | None = None) -> int:
    """Delete those; returns how many."""
    deleted = 0
    for draft in old_drafts(at):
        delete_draft(draft)
        deleted += 1
    return deleted


@mail.mail_job
def mail_link(draft_id: int) -> None:
    """Mail the private link. A draft that was sent or deleted meanwhile needs none."""
    draft = Draft.objects.select_related("opening").filter(pk=draft_id).first()
    if draft is None or not draft.email:
        return
    with translation.override(draft.language):
        address = draft.get_absolute_url()
    subject, body = letters.compose(
        LetterKind.SAVED,
        draft.language,
        opening=draft.opening,
        link=f"{settings.PUBLIC_ORIGIN}{address}",
        date=lambda: date_format(timezone.localdate(kept_until(draft)), "DATE_FORMAT"),
    )
    mail.send_text(subject, body, [draft.email])
