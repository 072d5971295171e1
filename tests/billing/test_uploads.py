"""Uploaded statement files: checked by a job, imported once and on somebody's word, then deleted."""

import re
import stat
import time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from django.urls import reverse
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from billing import uploads
from billing.models import ImportBatch, Journal, Statement, StatementUpload, UploadState
from billing.sweep import sweep
from billing.uploads import accept_upload, discard_upload, take_upload
from patients.models import Patient
from practice.accounts import roles
from tests import factories
from tests.billing.test_imports import owes, table

pytestmark = pytest.mark.django_db

GOOD = table({}, {"statement_number": "S-2", "account_number": "A-2"})
BAD = table({"charge": "x", "line": "0"}, {"statement_number": ""})


@pytest.fixture
def clerk(db):
    return factories.UserFactory(roles=[roles.BILLING], is_staff=True)


@pytest.fixture
def take(clerk, run_jobs):
    """A function that uploads this file and lets it be checked."""

    def upload(data=GOOD, name="statements.csv"):
        row = take_upload(SimpleUploadedFile(name, data), by=clerk)
        run_jobs()
        row.refresh_from_db()
        return row

    return upload


def files(settings):
    """What lies in private storage."""
    root = Path(settings.PRIVATE_ROOT)
    return [path for path in root.rglob("*") if path.is_file()]


def stands(upload):
    """The upload's state, and whether its file is named."""
    upload.refresh_from_db()
    return upload.state, bool(upload.file)


# ---- Taking ---------------------------------------------------------------------------------------------------------


def test_file_is_kept_privately_under_a_random_name(clerk, settings):
    names = ["Patientson bills.csv", "../../etc/passwd.csv"]
    for name in names:
        take_upload(SimpleUploadedFile(name, GOOD), by=clerk)

    kept = files(settings)
    assert sorted(StatementUpload.objects.values_list("state", flat=True)) == ["waiting", "waiting"]
    assert [path.read_bytes() for path in kept] == [GOOD, GOOD]
    assert len({path.name for path in kept}) == 2
    for path in kept:
        assert re.fullmatch(r"statements/[0-9a-f]{32}\.csv", str(path.relative_to(settings.PRIVATE_ROOT)))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {upload.file.url for upload in StatementUpload.objects.all()} == {""}
    assert list(Path(settings.MEDIA_ROOT).rglob("*")) == []


def test_nothing_is_imported_before_somebody_says_so(take, private_files):
    upload = take()

    assert stands(upload) == (UploadState.CHECKED, True)
    assert [private_files.read(name) for name in private_files.names()] == [GOOD]
    assert Statement.objects.count() == Patient.objects.count() == ImportBatch.objects.count() == 0


def test_check_says_what_an_import_would_do(take):
    factories.StatementFactory(number="S-0")
    upload = take()

    assert upload.report == {
        "lines": 2,
        "new": 2,
        "changed": 0,
        "unchanged": 0,
        "new_patients": 2,
        "total_cents": 20_000,
        "stopped": 0,
        "changes": [],
    }
    assert upload.stage == ""


def test_check_shows_new_changed_and_unchanged(take, clerk, run_jobs):
    accept_upload(take(), by=clerk)
    run_jobs()

    upload = take(table(owes(60), {"statement_number": "S-2", "account_number": "A-2"}, {"statement_number": "S-3"}))

    report = upload.report
    assert (report["new"], report["changed"], report["unchanged"], report["new_patients"]) == (1, 1, 1, 0)
    assert report["changes"] == [{"number": "S-1", "before_cents": 10_000, "after_cents": 6_000, "credit_cents": 0}]
    assert Statement.objects.get(number="S-1").charges_cents == 10_000


def test_bad_file_is_refused_with_every_row_and_column_and_deleted(take, private_files):
    upload = take(BAD)

    assert stands(upload) == (UploadState.REFUSED, False)
    assert upload.report == {
        "problem_count": 3,
        "refused_rows": 2,
        "problems": [
            [2, "line", "is not a line number like 1"],
            [2, "charge", "is not an amount like 1234.50"],
            [3, "statement_number", "is empty"],
        ],
    }
    assert private_files.names() == []
    assert Statement.objects.count() == Patient.objects.count() == 0


@pytest.mark.parametrize("data", [b" ", b"\xff\xfe\x00", b"PK\x03\x04", b"a,b\n1,2\n", GOOD + b'"open'])
def test_file_that_is_no_statement_file_is_refused(take, settings, data):
    upload = take(data)

    assert stands(upload) == (UploadState.REFUSED, False)
    assert upload.report["problem_count"] == len(upload.report["problems"]) > 0
    assert files(settings) == []


def test_report_holds_so_many_problems_and_counts_them_all(take, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_PROBLEMS", 2)

    report = take(BAD).report

    assert (report["problem_count"], len(report["problems"])) == (3, 2)


def test_report_repeats_nothing_a_cell_says(take):
    upload = take(table({"last_name": "Xyzzy", "charge": "Xyzzy", "issued_on": "Xyzzy"}, {"line": "Xyzzy"}))

    assert "Xyzzy" not in str(upload.report)


def test_file_that_is_too_large_is_refused_before_it_is_kept(clerk, settings, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)

    with pytest.raises(uploads.UploadRefused, match=r"^The file is larger than 100 MB\. Split it\.$"):
        take_upload(SimpleUploadedFile("a.csv", GOOD), by=clerk)

    assert StatementUpload.objects.count() == 0
    assert files(settings) == []


# ---- Accepting ------------------------------------------------------------------------------------------------------


def test_accepted_file_is_imported_and_deleted(take, run_jobs, private_files):
    upload = take()
    lead = factories.UserFactory(roles=[roles.BILLING_LEAD], is_staff=True)

    assert accept_upload(upload, by=lead) is True
    assert (stands(upload), upload.stage) == ((UploadState.ACCEPTED, True), "waiting for the worker")
    assert Statement.objects.count() == 0
    run_jobs()

    assert stands(upload) == (UploadState.IMPORTED, False)
    assert (upload.report["new"], upload.report["new_patients"], upload.stage) == (2, 2, "")
    assert sorted(Statement.objects.values_list("number", "charges_cents")) == [("S-1", 10_000), ("S-2", 10_000)]
    assert private_files.names() == []


def test_import_names_who_gave_the_word(take, run_jobs, clerk):
    lead = factories.UserFactory(roles=[roles.BILLING_LEAD], is_staff=True)
    upload = take()
    accept_upload(upload, by=lead)
    run_jobs()

    batch = ImportBatch.objects.get()
    assert (upload.uploaded_by, batch.imported_by, batch.file_name) == (clerk, lead, "statements.csv")


def test_accepted_twice_is_imported_once(take, run_jobs, clerk):
    upload = take()
    first_page, second_page = (StatementUpload.objects.get(pk=upload.pk) for _tab in range(2))

    answers = [accept_upload(first_page, by=clerk), accept_upload(second_page, by=clerk)]
    run_jobs()
    answers.append(accept_upload(upload, by=clerk))
    run_jobs()

    assert answers == [True, False, False]
    assert (ImportBatch.objects.count(), Journal.objects.count(), Statement.objects.count()) == (1, 1, 2)
    assert stands(upload) == (UploadState.IMPORTED, False)


def test_job_that_runs_twice_imports_once(take, run_jobs, clerk):
    """A worker that was killed after the import finds it done."""
    upload = take()
    accept_upload(upload, by=clerk)
    uploads.import_upload.enqueue(str(upload.pk), clerk.pk)
    run_jobs()

    assert (ImportBatch.objects.count(), Statement.objects.count()) == (1, 2)
    assert stands(upload) == (UploadState.IMPORTED, False)


def test_same_file_twice_is_a_no_op(take, run_jobs, clerk):
    for _time in range(2):
        upload = take()
        accept_upload(upload, by=clerk)
        run_jobs()

    upload.refresh_from_db()
    assert (upload.state, upload.report["new"], upload.report["unchanged"]) == (UploadState.IMPORTED, 0, 2)
    assert (ImportBatch.objects.count(), Journal.objects.count(), Statement.objects.count()) == (1, 1, 2)


def test_file_that_fits_no_more_is_refused_when_its_turn_comes(take, run_jobs, clerk, settings):
    """Between the check and the word somebody else imported the account with another date of birth."""
    upload = take()
    factories.PatientFactory(account_number="A-2", born_on="1999-01-01")
    accept_upload(upload, by=clerk)
    run_jobs()

    assert stands(upload) == (UploadState.REFUSED, False)
    assert upload.report["problems"] == [
        [3, "date_of_birth", "differs from the one on file for this account; correct one of them first"]
    ]
    assert Statement.objects.count() == 0
    assert files(settings) == []


@pytest.mark.parametrize(("state", "may"), [(state, state == UploadState.CHECKED) for state in UploadState], ids=str)
def test_only_a_checked_file_is_accepted(take, clerk, state, may):
    upload = take()
    StatementUpload.objects.filter(pk=upload.pk).update(state=state)

    assert accept_upload(upload, by=clerk) is may
    assert stands(upload)[0] == (UploadState.ACCEPTED if may else state)


# ---- A database that is busy ----------------------------------------------------------------------------------------


def gives_up(*args, **options):
    raise OperationalError("canceling statement due to lock timeout")


def test_check_that_the_database_gave_up_is_told_and_the_file_deleted(take, settings, monkeypatch):
    monkeypatch.setattr(uploads, "import_statements", gives_up)
    upload = take()

    assert stands(upload) == (UploadState.REFUSED, False)
    assert upload.report == {
        "problem_count": 1,
        "refused_rows": 1,
        "problems": [[1, "", "could not be checked just now, the database was busy; upload the file again"]],
    }
    assert files(settings) == []


def test_import_that_the_database_gave_up_is_asked_for_again(take, run_jobs, clerk, monkeypatch, private_files):
    upload = take()
    report = upload.report
    accept_upload(upload, by=clerk)
    with monkeypatch.context() as broken:
        broken.setattr(uploads, "import_statements", gives_up)
        run_jobs()

    assert (stands(upload), upload.report, upload.stage) == ((UploadState.CHECKED, True), report, "")
    assert (len(private_files.names()), Statement.objects.count()) == (1, 0)

    accept_upload(upload, by=clerk)
    run_jobs()
    assert (stands(upload), Statement.objects.count()) == ((UploadState.IMPORTED, False), 2)


# ---- Discarding -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", UploadState)
def test_file_is_discarded_while_nobody_imports_it(take, state, private_files):
    upload = take()
    StatementUpload.objects.filter(pk=upload.pk).update(state=state)

    discard_upload(upload)

    may = state in {UploadState.WAITING, UploadState.CHECKED, UploadState.REFUSED}
    assert stands(upload) == ((UploadState.DISCARDED, False) if may else (state, True))
    assert len(private_files.names()) == (0 if may else 1)


def test_discarded_before_its_check_is_not_checked(clerk, run_jobs, settings):
    upload = take_upload(SimpleUploadedFile("a.csv", GOOD), by=clerk)
    discard_upload(upload)
    run_jobs()

    assert (stands(upload), upload.report) == ((UploadState.DISCARDED, False), {})
    assert files(settings) == []


def test_discarded_during_its_check_stays_discarded(clerk, settings):
    upload = take_upload(SimpleUploadedFile("a.csv", GOOD), by=clerk)
    at_work = StatementUpload.objects.get(pk=upload.pk)
    discard_upload(upload)

    uploads._finish(at_work, UploadState.CHECKED, {"new": 2})

    assert (stands(upload), upload.report) == ((UploadState.DISCARDED, False), {})
    assert files(settings) == []


def test_discarded_is_not_imported(take, clerk, run_jobs):
    upload = take()
    discard_upload(upload)

    assert accept_upload(upload, by=clerk) is False
    run_jobs()
    assert Statement.objects.count() == 0


# ---- Progress -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_progress_is_seen_while_the_import_is_at_work():
    """Others see how far it is before the import's own transaction has ended."""
    upload = take_upload(SimpleUploadedFile("a.csv", GOOD), by=factories.UserFactory())
    seen = []
    with uploads._at_work_on(upload) as progress, transaction.atomic():
        Statement.objects.count()  # the import's transaction has begun
        for done in (0, 5_000):
            progress("writing statements", done, 9_000)
            seen.append(StatementUpload.objects.values_list("stage", "done", "total").get())
        transaction.set_rollback(True)

    upload.refresh_from_db()
    assert seen == [("writing statements", 0, 9_000), ("writing statements", 5_000, 9_000)]
    assert (upload.stage, upload.done, upload.total) == seen[-1]


@pytest.mark.django_db(transaction=True)
def test_upload_is_taken_checked_and_imported_with_real_transactions(run_jobs, settings):
    lead = factories.UserFactory(is_staff=True)
    upload = take_upload(SimpleUploadedFile("a.csv", GOOD), by=lead)
    run_jobs()
    accept_upload(upload, by=lead)
    run_jobs()

    assert (stands(upload), upload.stage) == ((UploadState.IMPORTED, False), "")
    assert Statement.objects.count() == 2
    assert files(settings) == []


# ---- A worker that was killed ---------------------------------------------------------------------------------------


@pytest.fixture
def killed(monkeypatch):
    """A function that does a job up to the import, which ends it without a word to anybody."""

    def in_the_middle(*args, progress, **options):
        progress("writing patients", 0, 2)
        raise KeyboardInterrupt

    def run(job, *facts):
        with monkeypatch.context() as broken:
            broken.setattr(uploads, "import_statements", in_the_middle)
            with pytest.raises(KeyboardInterrupt):
                job.call(*facts)
        wait_until_its_locks_are_gone()

    return run


def wait_until_its_locks_are_gone():
    """The server notices that a connection has ended a moment after it has."""
    with connection.cursor() as cursor:
        for _try in range(200):
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = "
                "current_database() WHERE l.locktype = 'advisory' AND l.pid <> pg_backend_pid()"
            )
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.01)


def taken_up():
    """How many uploads go on that a killed worker left."""
    return sum([uploads.take_up(upload) for upload in uploads.begun_uploads()])


@pytest.fixture
def taken(transactional_db):
    """An upload that is seen from every connection, because its transaction has ended."""
    return take_upload(SimpleUploadedFile("a.csv", GOOD), by=factories.UserFactory(is_staff=True))


def test_import_whose_worker_was_killed_is_offered_again(taken, run_jobs, killed):
    run_jobs()
    accept_upload(taken, by=taken.uploaded_by)
    killed(uploads.import_upload, str(taken.pk), taken.uploaded_by_id)
    assert (stands(taken), taken.stage) == ((UploadState.ACCEPTED, True), "writing patients")
    DBTaskResult.objects.filter(status=TaskResultStatus.READY).delete()  # the killed worker had taken it

    assert (taken_up(), taken_up()) == (1, 0)
    assert (stands(taken), taken.stage) == ((UploadState.WAITING, True), "")
    run_jobs()
    assert accept_upload(taken, by=taken.uploaded_by) is True
    run_jobs()
    assert (stands(taken), taken.report["new"]) == ((UploadState.IMPORTED, False), 2)


def test_file_whose_check_was_killed_is_refused_and_not_read_again(taken, settings, killed):
    killed(uploads.check_upload, str(taken.pk))

    assert taken_up() == 1
    assert (stands(taken), files(settings)) == ((UploadState.REFUSED, False), [])
    assert taken.report["problems"] == [[1, "", "could not be checked to its end; upload the file again"]]


def test_sweep_takes_up_what_was_abandoned(taken, killed):
    killed(uploads.check_upload, str(taken.pk))

    sweep()

    assert stands(taken) == (UploadState.REFUSED, False)


def test_upload_that_is_being_worked_on_or_waits_its_turn_is_left_alone(taken, run_jobs):
    assert taken_up() == 0
    with uploads._at_work_on(taken) as progress:
        progress("reading", 1, 2)
        assert taken_up() == 0
    assert (stands(taken), taken.stage) == ((UploadState.WAITING, True), "reading")

    run_jobs()
    accept_upload(taken, by=taken.uploaded_by)
    assert taken_up() == 0
    assert stands(taken) == (UploadState.ACCEPTED, True)


def test_file_that_was_deleted_already_is_asked_for_again(take, run_jobs, clerk, private_files):
    upload = take()
    upload.file.storage.delete(upload.file.name)
    accept_upload(upload, by=clerk)
    run_jobs()

    assert stands(upload) == (UploadState.REFUSED, False)
    assert upload.report["problems"] == [[1, "", "was deleted already; upload the file again"]]


# ---- The office's pages ---------------------------------------------------------------------------------------------

ADD = "/admin/billing/statementupload/add/"


def page_of(upload):
    return reverse("admin:billing_statementupload_change", args=[upload.pk])


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def heading(page):
    return re.findall(r"<h2>([^<]*Nothing was changed\.)</h2>", page.content.decode())


@pytest.mark.parametrize(
    ("role", "status"),
    [(role, 302 if role in {roles.BILLING, roles.BILLING_LEAD} else 403) for role in roles.STAFF_ROLES],
)
def test_who_may_upload(staff, settings, role, status):
    client = staff(role)
    page = client.get(ADD)
    response = client.post(ADD, {"file": SimpleUploadedFile("a.csv", GOOD)})

    assert (page.status_code, response.status_code) == (200 if status == 302 else 403, status)
    assert (StatementUpload.objects.count(), len(files(settings))) == ((1, 1) if status == 302 else (0, 0))


def test_a_visitor_uploads_nothing(client, settings):
    response = client.post(ADD, {"file": SimpleUploadedFile("a.csv", GOOD)})

    assert (response.status_code, StatementUpload.objects.count(), files(settings)) == (302, 0, [])
    assert response.url.startswith("/accounts/login/")


def test_upload_by_page_from_file_to_import(staff, run_jobs, private_files):
    client = staff(roles.BILLING)
    response = client.post(ADD, {"file": SimpleUploadedFile("October.csv", GOOD)})
    upload = StatementUpload.objects.get()
    assert response.url == page_of(upload)
    waiting = client.get(page_of(upload))
    assert 'http-equiv="refresh"' in waiting.content.decode()
    assert "At work: waiting for the worker" in text(waiting)

    run_jobs()
    checked = client.get(page_of(upload))
    assert 'http-equiv="refresh"' not in checked.content.decode()
    assert "What an import would do Rows 2 Patients owe in all $200.00 New statements 2" in text(checked)

    client.post(f"/admin/billing/statementupload/{upload.pk}/act/accept/")
    run_jobs()
    done = client.get(page_of(upload))
    assert "What was done Rows 2 Patients owe in all $200.00 New statements 2" in text(done)
    assert (Statement.objects.count(), private_files.names()) == (2, [])


def test_page_lists_errors_by_row_and_column(staff, take):
    page = staff(roles.BILLING).get(page_of(take(BAD)))

    cells = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", page.content.decode())
    assert cells == [
        ("2", "line", "is not a line number like 1"),
        ("2", "charge", "is not an amount like 1234.50"),
        ("3", "statement_number", "is empty"),
    ]
    assert heading(page) == ["3 problems. Nothing was changed."]


def test_page_counts_one_problem_as_one(staff, take):
    page = staff(roles.BILLING).get(page_of(take(table({"charge": "x"}))))

    assert heading(page) == ["1 problem. Nothing was changed."]


def test_page_escapes_what_a_file_says(staff, take):
    page = staff(roles.BILLING).get(page_of(take(b"<script>alert(1)</script>,b\n1,2\n", name="<b>.csv")))

    assert [tag for tag in ("<script>alert", "<b>.csv") if tag in page.content.decode()] == []


def test_page_shows_what_each_changed_statement_becomes(staff, take, run_jobs, clerk):
    accept_upload(take(), by=clerk)
    run_jobs()

    page = staff(roles.BILLING).get(page_of(take(table(owes(60)))))

    assert "S-1 $100.00 $60.00 $0.00" in text(page)


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "This file is empty."), (None, "Choose the file.")], ids=["empty", "none"]
)
def test_page_says_what_is_missing(staff, data, said):
    sent = {} if data is None else {"file": SimpleUploadedFile("a.csv", data)}
    response = staff(roles.BILLING).post(ADD, sent)

    assert response.context["form"].errors == {"file": [said]}
    assert StatementUpload.objects.count() == 0


def test_uploads_are_not_changed_or_deleted_by_hand(staff, take):
    upload = take()
    client = staff(is_superuser=True)

    statuses = [
        client.post(page_of(upload), {"state": "imported"}).status_code,
        client.post(reverse("admin:billing_statementupload_delete", args=[upload.pk]), {"post": "yes"}).status_code,
    ]

    assert statuses == [403, 403]
    assert stands(upload) == (UploadState.CHECKED, True)
