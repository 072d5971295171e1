"""What is kept, for how long, and the proof of what was deleted."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, InternalError, connection, transaction

from careers import merging, retention, review
from careers.management.commands.purge_applications import ONE_PURGE
from careers.models import Application, ApplicationFile, Certificate, Comment, Draft, LegalHold, Letter, Scorecard
from careers.review import ReviewError
from practice.accounts.models import Change
from practice.one_at_a_time import alone
from tests.factories import ApplicationFactory, OpeningFactory, UserFactory

pytestmark = pytest.mark.usefixtures("identity")

NOW = datetime(2026, 5, 15, 15, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=731)


def decided(at=LONG_AGO, status="declined", **facts):
    return ApplicationFactory(status=status, received_at=at - timedelta(days=9), decided_at=at, **facts)


def files_on_disk(settings):
    return sorted(f"applications/{path.name}" for path in settings.PRIVATE_ROOT.rglob("*") if path.is_file())


def names(*applications):
    return sorted(file.stored.name for file in ApplicationFile.objects.filter(application__in=applications))


def sql(*statements):
    with connection.cursor() as cursor:
        for statement in ("SET CONSTRAINTS ALL IMMEDIATE", *statements):
            cursor.execute(statement)


def purge(*arguments):
    with time_machine.travel(NOW, tick=False):
        call_command("purge_applications", *arguments)


def test_clock_counts_from_the_decision(settings):
    settings.APPLICATIONS_KEPT_DAYS = 400
    assert retention.delete_on(decided(datetime(2026, 1, 1, 12, tzinfo=UTC))).isoformat() == "2027-02-05"
    assert retention.delete_on(ApplicationFactory()) is None


def test_what_is_due_goes_with_its_files_and_all_that_was_written_about_it(settings, capsys):
    by = UserFactory()
    opening = OpeningFactory()
    due = decided(opening=opening)
    due.scorecards.create(reviewer=by, recommendation="yes").scores.create(
        criterion=opening.criteria.create(text="X"), points=3
    )
    Comment.objects.create(application=due, author=by, text="x")
    Letter.objects.create(application=due, kind="declined", subject="x", body="x")
    LegalHold.objects.create(application=due, reason="x", placed_by=by, released_by=by, released_at=NOW)
    kept = [
        decided(NOW - timedelta(days=730)),
        ApplicationFactory(received_at=LONG_AGO),
        decided(status="hired", at=NOW),
    ]
    digest = due.files.get().sha256
    purge()
    assert list(Application.objects.order_by("pk")) == kept
    assert [model.objects.count() for model in (Scorecard, Comment, Letter, LegalHold)] == [0] * 4
    assert files_on_disk(settings) == names(*kept)
    certificate = Certificate.objects.get()
    assert capsys.readouterr().out == (
        f"Deleted: 1 applications, 0 unfinished ones, 0 loose files. Certificate {certificate.pk} says which.\n"
    )
    assert certificate.deleted == [
        {
            "application": due.pk,
            "with": [],
            "opening": opening.pk,
            "status": "declined",
            "received_on": "2024-05-05",
            "decided_on": "2024-05-14",
            "files": [digest],
        }
    ]
    told = Change.objects.filter(table_name="careers_application", action="delete").values_list("before", flat=True)
    assert {value for before in told for value in (before or {}).values()} <= {"…"}


def test_dry_run_says_what_would_go_and_touches_nothing(settings, capsys):
    due, held = decided(), decided()
    retention.hold(held, "A charge", by=UserFactory())
    before = files_on_disk(settings)
    purge("--dry-run")
    assert capsys.readouterr().out.splitlines() == [
        f"{due}: decided on 2024-05-14, declined",
        "To delete: 1 applications kept 730 days after their decision, 0 unfinished ones, 0 loose files. On legal hold: "
        "1. Nothing was deleted.",
    ]
    assert (Application.objects.count(), files_on_disk(settings), Certificate.objects.count()) == (2, before, 0)


def test_nothing_due_leaves_no_certificate(capsys):
    ApplicationFactory()
    purge()
    assert capsys.readouterr().out == "Deleted: 0 applications, 0 unfinished ones, 0 loose files.\n"
    assert Certificate.objects.count() == 0


def test_certificate_is_also_written_to_a_file(tmp_path, capsys):
    decided()
    path = tmp_path / "certificate.json"
    purge("--certificate", str(path))
    written = json.loads(path.read_text())
    certificate = Certificate.objects.get()
    assert (written["digest"], written["deleted"]) == (certificate.digest, certificate.deleted)
    with pytest.raises(CommandError, match="is there already"):
        purge("--certificate", str(path))


# ---- Holds ----------------------------------------------------------------------------------------------------------


def test_hold_stops_every_way_of_deleting():
    by, application = UserFactory(), decided()
    retention.hold(application, "A charge", by=by)
    purge()
    with pytest.raises(ReviewError, match="on legal hold"):
        retention.erase(application, by=by)
    with pytest.raises(ReviewError, match="on legal hold"):
        retention.hold(application, "Again", by=by)
    ApplicationFile.objects.update(application=None)
    for statement in (
        f"DELETE FROM careers_application WHERE id = {application.pk}",
        f"DELETE FROM careers_legalhold WHERE application_id = {application.pk}",
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            sql(statement)
    assert Application.objects.count() == 1
    retention.release(application, by=by)
    purge()
    assert Application.objects.count() == 0
    with pytest.raises(ReviewError, match="is not on legal hold"):
        retention.release(decided(), by=by)


def test_hold_on_a_merged_one_keeps_the_whole():
    opening = OpeningFactory()
    into, other = ApplicationFactory(opening=opening), ApplicationFactory(opening=opening)
    by = UserFactory()
    merging.merge(other, into, by=by)
    retention.hold(other, "A charge", by=by)
    review.decline(into, "filled", by=by)
    Application.objects.update(decided_at=LONG_AGO)
    purge()
    with pytest.raises(ReviewError):
        retention.erase(into, by=by)
    assert Application.objects.count() == 2


# ---- Merging --------------------------------------------------------------------------------------------------------


def test_merged_application_gives_all_it_has_and_its_link_leads_on(client, settings):
    opening = OpeningFactory()
    into = ApplicationFactory(opening=opening, message="One", phone="")
    other = ApplicationFactory(opening=opening, message="Two", phone="5")
    one, two, by = UserFactory(), UserFactory(), UserFactory()
    for application, reviewer in ((into, one), (other, one), (other, two)):
        review.score(application, {}, "yes", by=reviewer)
    review.comment(other, "x", by=by)
    merging.merge(other, into, by=by)
    into.refresh_from_db()
    assert (into.files.count(), into.comments.count(), into.scorecards.count(), other.scorecards.count()) == (
        2,
        1,
        2,
        1,
    )
    assert (into.message, into.phone) == ("One\n\nTwo", "5")
    page = client.get(other.get_absolute_url())
    assert (page.status_code, into.token in page.text) == (200, True)
    review.decline(into, "filled", by=by)
    Application.objects.update(decided_at=LONG_AGO)
    purge()
    assert (Application.objects.count(), files_on_disk(settings)) == (0, [])
    assert [(line["application"], line["with"]) for line in Certificate.objects.get().deleted] == [
        (into.pk, [other.pk])
    ]


@pytest.mark.parametrize("facts", [{}, {"status": "hired"}])
def test_only_open_ones_of_the_same_opening_are_merged(facts):
    opening = OpeningFactory()
    into = ApplicationFactory(**({"opening": opening} | facts if facts else {}))
    other = ApplicationFactory(opening=opening)
    with pytest.raises(ReviewError, match="Only two open applications"):
        merging.merge(other, into, by=UserFactory())
    with pytest.raises(ReviewError, match="Only two open applications"):
        merging.merge(other, other, by=UserFactory())


def test_one_with_an_interview_is_not_merged_away():
    opening = OpeningFactory()
    into, other = ApplicationFactory(opening=opening), ApplicationFactory(opening=opening, status="interview")
    other.slots.create(starts_at=NOW, place="Here", state="chosen")
    with pytest.raises(ReviewError, match="has an interview"):
        merging.merge(other, into, by=UserFactory())
    assert merging.merge(into, other, by=UserFactory()) == other


# ---- Erasure and certificates ---------------------------------------------------------------------------------------


def test_erasure_needs_an_answer_first_and_leaves_a_certificate(settings):
    by, application = UserFactory(), ApplicationFactory()
    with pytest.raises(ReviewError, match="Decline the application first"):
        retention.erase(application, by=by)
    review.decline(application, "other", by=by, note="x")
    certificate = retention.erase(application, by=by)
    assert (certificate.kind, certificate.made_by) == ("erasure", by)
    assert (Application.objects.count(), ApplicationFile.objects.count(), files_on_disk(settings)) == (0, 0, [])


def test_certificates_hang_together_and_a_changed_one_stops_the_purge():
    for _number in range(3):
        retention.erase(decided(), by=UserFactory())
    certificates = list(Certificate.objects.order_by("pk"))
    assert [c.previous for c in certificates] == ["", certificates[0].digest, certificates[1].digest]
    assert retention.first_broken() is None
    sql(
        "ALTER TABLE careers_certificate DISABLE TRIGGER careers_certificate_stays",
        f"UPDATE careers_certificate SET deleted = '[]' WHERE id = {certificates[1].pk}",
        "ALTER TABLE careers_certificate ENABLE TRIGGER careers_certificate_stays",
    )
    assert retention.first_broken() == certificates[1]
    with pytest.raises(CommandError, match="does not say what it said when it was made"):
        purge()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE careers_certificate SET kind = 'purge'",
        "DELETE FROM careers_certificate",
        "TRUNCATE careers_certificate",
    ],
)
def test_certificate_stays(statement):
    retention.erase(decided(), by=UserFactory())
    with pytest.raises(InternalError, match="stays as it was made"), transaction.atomic():
        sql(statement)
    assert Certificate.objects.count() == 1


def test_purge_also_takes_unfinished_applications_and_loose_files(capsys):
    Draft.objects.create(opening=OpeningFactory(), language="en", changed_at=LONG_AGO)
    ApplicationFactory()
    ApplicationFile.objects.update(application=None, created_at=LONG_AGO)
    purge()
    assert capsys.readouterr().out == "Deleted: 0 applications, 1 unfinished ones, 1 loose files.\n"
    assert (Draft.objects.count(), ApplicationFile.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_second_purge_leaves_the_first_alone(capsys):
    ApplicationFactory(status="declined", decided_at=datetime(2020, 1, 1, tzinfo=UTC))

    def second_machine():
        call_command("purge_applications")
        connection.close()

    with alone(ONE_PURGE) as is_ours:
        other = threading.Thread(target=second_machine)
        other.start()
        other.join()
    assert (is_ours, Application.objects.count()) == (True, 1)
    assert capsys.readouterr().out == "Another purge is at work; nothing was deleted.\n"
    call_command("purge_applications")
    assert (Application.objects.count(), Certificate.objects.count()) == (0, 1)
