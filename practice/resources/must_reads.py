"""Who has confirmed that they read a document, who has not, and the mail that asks them."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.utils import timezone

from practice import mail
from practice.resources.audiences import people_addressed_by
from practice.resources.models import Acknowledgement, Document, Version


@dataclass(frozen=True)
class Reader:
    """Somebody a must-read is for, and when they confirmed it, if they did."""

    name: str
    email: str
    user_id: int
    read_at: datetime | None


def confirm(version: Version, user) -> None:
    """This person has read this version. Saying so again changes nothing."""
    Acknowledgement.objects.bulk_create([Acknowledgement(version=version, user=user)], ignore_conflicts=True)


def readers_of(version: Version) -> list[Reader]:
    """Everybody the version is for, those who have not confirmed first."""
    read = dict(version.acknowledgements.values_list("user", "made_at"))
    people = people_addressed_by(version.document.collection.audience)
    readers = [Reader(person.name, person.email, person.pk, read.get(person.pk)) for person in people]
    return sorted(readers, key=lambda reader: reader.read_at is not None)


def missing_readers(version: Version) -> list[Reader]:
    return [reader for reader in readers_of(version) if reader.read_at is None]


def remind(version: Version) -> int:
    """Queue a mail to everybody who has not confirmed; returns how many."""
    missing = missing_readers(version)
    for reader in missing:
        ask_to_read.enqueue(version.pk, reader.user_id)
    return len(missing)


@mail.mail_job
def ask_to_read(version_id: int, user_id: int) -> None:
    """One reminder; none to somebody who has confirmed, left, or may not see it any more in the meantime."""
    user = get_user_model().objects.get(pk=user_id)
    version = Version.objects.to_read_by(user).filter(pk=version_id).first() if user.is_active else None
    if version:
        mail.send("resources/email/must_read", [user.email], {"document": version.document, "reader": user})


def unconfirmed_documents(on=None):
    """Must-reads on the site whose version in force somebody it is for has not confirmed."""
    on = on or timezone.localdate()
    versions = Version.objects.in_force(on).filter(document__is_must_read=True, document__is_current=True)
    waiting = [
        version.document_id for version in versions.select_related("document__collection") if missing_readers(version)
    ]
    return Document.objects.filter(pk__in=waiting)
