"""Kill -9 at every step of taking an application in and of deleting one: no file without a row, nothing half."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from careers import files
from careers.drafts import keep_files
from careers.files import sweep_loose, take_in
from careers.models import Application, ApplicationFile, Certificate, Draft, FileKind, Letter
from careers.retention import purge
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NOBODY = SimpleNamespace(origin="")  # the card processor has no part in this
MOST_STEPS = 60
LATER = timedelta(hours=2)


@pytest.fixture
def practice(identity, settings, tmp_path):
    settings.PRIVATE_ROOT = tmp_path / "private"
    return settings.PRIVATE_ROOT


def on_disk(folder):
    return {f"applications/{path.name}" for path in folder.rglob("*") if path.is_file()}


def in_rows():
    return set(ApplicationFile.objects.values_list("stored", flat=True))


def at_every_step(undertaker, job, prepare, check):
    """Do the job on new rows, killed one step later each time, until it comes to its end."""
    for die_at in range(1, MOST_STEPS):
        facts = prepare()
        was_killed = undertaker.run(NOBODY, job, die_at, **facts)
        check(undertaker.steps[-1] if undertaker.steps else "nothing", was_killed)
        if not was_killed:
            assert die_at > 5
            return
    raise AssertionError(f"{job} has more than {MOST_STEPS} steps")


@pytest.mark.parametrize("has_draft", [False, True])
def test_application(undertaker, practice, has_draft):
    opening = factories.OpeningFactory()

    def prepare():
        Application.objects.all().update(email="x@example.com")
        draft = None
        if has_draft:
            kept = take_in([(FileKind.OTHER, ContentFile(b"kept", "kept.pdf"))])
            draft = keep_files(None, opening, "en", kept, []).pk
        return {"opening": opening.pk, "draft": draft, "folder": str(practice)}

    def check(step, was_killed):
        assert on_disk(practice) <= in_rows(), step  # at once, before anything is swept
        sweep_loose(timezone.now() + LATER)
        assert on_disk(practice) == in_rows(), step
        mine = Application.objects.filter(email="ann@example.com")
        for application in mine:
            assert application.files.count() == 2 + has_draft, step
            assert Letter.objects.filter(application=application).count() == 1, step
        drafts = Draft.objects.all()
        assert len(mine) + len(drafts) == (1 if has_draft else len(mine)), step  # one or the other
        assert [draft.files.count() for draft in drafts] == [1] * len(drafts), step
        if not was_killed:
            assert len(mine) == 1
        for draft in drafts:
            draft.files.update(draft=None)
            draft.delete()
        sweep_loose(timezone.now() + LATER)

    at_every_step(undertaker, "receive_application", prepare, check)


def test_purge(undertaker, practice):
    def prepare():
        long_ago = timezone.now() - timedelta(days=1000)
        for _number in range(2):
            factories.ApplicationFactory(status="declined", decided_at=long_ago)
        return {"folder": str(practice)}

    def check(step, was_killed):
        assert on_disk(practice) <= in_rows(), step
        certified = {line["application"] for one in Certificate.objects.all() for line in one.deleted}
        assert certified.isdisjoint(Application.objects.values_list("pk", flat=True)), step
        assert Application.objects.count() in (0, 2), step  # all or none
        purge()
        sweep_loose(timezone.now() + LATER)
        assert (on_disk(practice), in_rows(), Application.objects.count()) == (set(), set(), 0), step

    at_every_step(undertaker, "purge_applications", prepare, check)


def test_file_of_a_killed_worker_is_left_alone_while_another_could_still_be_at_work(practice):
    take_in([(FileKind.CV, ContentFile(b"x", "x.pdf"))])
    assert (sweep_loose(timezone.now() + files.LOOSE_FOR - timedelta(minutes=1)), len(on_disk(practice))) == (0, 1)
