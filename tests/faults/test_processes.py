"""Real processes killed, cut off and kept waiting: nothing half is left, nothing acknowledged is lost, all goes on."""

import io
import os
import re
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pikepdf
import psutil
import pytest
import requests

from billing.models import Statement
from practice.jobs import take_up_dropped
from practice.resources.demo_pdf import one_page
from tests.faults.running_site import PATIENCE, until

pytestmark = [pytest.mark.xdist_group("site"), pytest.mark.django_db]
CV = one_page("CV", ["Reads images."])
BEGUN = b'--x\r\nContent-Disposition: form-data; name="cv"; filename="cv.pdf"\r\nContent-Type: application/pdf\r\n\r\n'


def large_cv():
    with pikepdf.open(io.BytesIO(CV)) as pdf, io.BytesIO() as file:
        pdf.pages[0].contents_add(b"% " + os.urandom(2_500_000).hex().encode() + b"\n")
        pdf.save(file, compress_streams=False)
        return file.getvalue()


def half_a_request(site, path, body_bytes, content_type):
    """An open connection with the head of a request that promises more than it sent."""
    link = socket.create_connection(("127.0.0.1", site.port))
    link.sendall(
        # With the cookie the site reads on, for the token that must fit it.
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\nContent-Type: {content_type}\r\nCookie: csrf={'a' * 32}\r\n"
        f"Content-Length: {7 * 1024 * 1024}\r\n\r\n".encode()
    )
    with suppress(OSError):  # the site has answered already and hung up
        link.sendall(body_bytes)
    return link


# ---- Web workers ----------------------------------------------------------------------------------------------------


def test_web_workers_killed_in_the_middle_of_an_upload_leave_nothing(site):
    before = site.files(), site.files_in_rows()
    links = [
        half_a_request(site, "/careers/radiologist/apply/", BEGUN + b"x" * 3_000_000, "multipart/form-data; boundary=x")
        for _number in range(4)
    ]
    until(lambda: arriving(site), "the arrival of the first half")
    kill_web_workers(site)

    assert site.give_feedback("after the kill").status_code == 302
    assert (arriving(site), site.files(), site.files_in_rows()) == ([], *before)
    assert list((site.folder / "uploads").iterdir()) == []
    for link in links:
        link.close()


def arriving(site):
    """The files without a name that web workers are writing."""
    found = []
    for worker in site.web_workers():
        for descriptor in Path(f"/proc/{worker.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed in this moment
                found.append(str(descriptor.readlink()))
    return [link for link in found if link.startswith(str(site.folder / "uploads"))]


def kill_web_workers(site):
    # Granian gives up where a worker that it has just put in the place of another ends too.
    until(lambda: all(time.time() - worker.create_time() > 6 for worker in site.web_workers()), "a while")
    workers = site.web_workers()
    assert len(workers) >= 2
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    psutil.wait_procs(workers)
    until(lambda: len(site.web_workers()) >= 2 and site.is_ready(), "the return of the workers")


def test_web_workers_killed_in_the_middle_of_a_request_write_all_or_nothing(site):
    word = uuid4().hex
    with site.database() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE practice_feedback IN EXCLUSIVE MODE")
        answers = []

        def write():
            try:
                answers.append(site.give_feedback(word).status_code)
            except requests.ConnectionError:
                answers.append("cut")

        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: waits_for_lock(site), "the wait for the lock")
        kill_web_workers(site)
        writer.join()
        cursor.execute("ROLLBACK")
    assert answers == ["cut"]
    until(lambda: not waits_for_lock(site), "the end of the cut request")
    assert site.ask("SELECT count(*) FROM practice_feedback WHERE message = %s", word) == [(0,)]
    assert site.give_feedback(word).status_code == 302


def test_web_workers_end_with_their_server_and_leave_the_port_to_the_next(site):
    workers = site.web_workers()
    site.web.kill()
    site.web.wait()
    assert psutil.wait_procs(workers, timeout=PATIENCE)[1] == []

    site.web = site.start_web()
    until(site.is_ready, "the next server")
    assert site.give_feedback("after the kill of the server").status_code == 302


def waits_for_lock(site):
    return site.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")


# ---- Slow visitors --------------------------------------------------------------------------------------------------


def test_visitors_that_dawdle_over_their_headers_or_never_read_hold_up_nobody(site):
    dawdlers = [socket.create_connection(("127.0.0.1", site.port)) for _number in range(300)]
    for number, link in enumerate(dawdlers):
        link.sendall(b"GET /patient-information/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + (b"\r\n" if number % 2 else b"X"))

    assert site.visitor().get("/").status_code == 200
    assert site.give_feedback("beside slow ones").status_code == 302
    for link in dawdlers:
        link.close()


def test_visitors_that_never_send_the_rest_hold_up_no_page(site):
    heads = [
        half_a_request(site, "/careers/radiologist/apply/", BEGUN + b"x" * 3_000_000, "multipart/form-data; boundary=x")
        for _number in range(20)
    ]
    heads += [
        half_a_request(site, "/feedback/", b"topic=", "application/x-www-form-urlencoded") for _number in range(20)
    ]
    until(lambda: arriving(site), "the arrival of some")

    pages = ("/", "/feedback/", "/healthz", "/static/css/base.css")
    assert {path: site.visitor().get(path).status_code for path in pages} == dict.fromkeys(pages, 200)
    for link in heads:
        link.close()
    until(lambda: site.give_feedback("after slow ones").status_code == 302, "room for others")
    until(lambda: arriving(site) == [], "the end of what never came whole")


# ---- PostgreSQL restarted under load ----------------------------------------------------------------------------------


class Load:
    """Visitors who write feedback, apply and go to pay, one after another; it keeps what was acknowledged."""

    def __init__(self, site):
        self.site, self.is_over = site, threading.Event()
        self.acknowledged = {"feedback": [], "application": [], "payment": []}
        self.answers = []
        with site.orm():
            self.bills = [(bill.pk, bill.code) for bill in Statement.objects.filter(attempts=None)]
        self.threads = [
            threading.Thread(target=self.go_on, args=[kind, job])
            for kind, job in (("feedback", self.feedback), ("application", self.application), ("payment", self.payment))
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def go_on(self, kind, job):
        while not self.is_over.is_set():
            try:
                proof, answer = job()
            except requests.RequestException:
                self.answers.append("no answer")
                continue
            self.answers.append(answer.status_code)
            if answer.status_code in (302, 303):
                self.acknowledged[kind].append(proof)

    def feedback(self):
        word = uuid4().hex
        return word, self.site.give_feedback(word)

    def application(self):
        word = uuid4().hex
        return word, self.site.apply(word, CV)

    def payment(self):
        """The same bill until it is acknowledged, as people do."""
        bill, code = self.bills[len(self.acknowledged["payment"])]
        guest = self.site.visitor()
        answer = guest.fill_in("/pay/", code=code, born_on="6/15/1950")
        if answer.status_code == 302:
            answer = guest.fill_in("/pay/statement/", choice="full", email="ann@example.com")
        return bill, answer

    def counts(self):
        return {kind: len(proofs) for kind, proofs in self.acknowledged.items()}

    def has_written(self, times, beyond=None):
        """Whether each kind was acknowledged so many times more than `beyond`."""
        before = beyond or dict.fromkeys(self.acknowledged, 0)
        return all(count >= before[kind] + times for kind, count in self.counts().items())


@pytest.mark.parametrize("end", ["kill_postgres", "stop_postgres"])
def test_postgres_that_ends_under_load_loses_no_acknowledged_write_and_doubles_none(site, end):
    with Load(site) as load:
        until(lambda: load.has_written(2), "the load")
        getattr(site, end)()
        until(lambda: 503 in load.answers, "a page that says so")
        site.server.ensure_running()
        before = load.counts()
        until(lambda: load.has_written(2, before), "the load after the restart")

    # 200: the form again, with a sentence that the bill is being brought up to date.
    assert set(load.answers) <= {200, 302, 303, 503, "no answer"}
    texts = [row[0] for row in site.ask("SELECT message FROM practice_feedback")]
    assert [texts.count(word) for word in load.acknowledged["feedback"]] == [1] * len(load.acknowledged["feedback"])
    names = [row[0] for row in site.ask("SELECT name FROM careers_application")]
    assert [names.count(w) for w in load.acknowledged["application"]] == [1] * len(load.acknowledged["application"])
    begun = [row[0] for row in site.ask("SELECT statement_id FROM billing_attempt WHERE state = 'open'")]
    assert [begun.count(bill) for bill in load.acknowledged["payment"]] == [1] * len(load.acknowledged["payment"])
    assert site.files() <= site.files_in_rows()
    owned = site.ask("SELECT stored FROM careers_applicationfile WHERE application_id IS NOT NULL")
    assert {row[0] for row in owned} <= site.files()


# ---- PostgreSQL gone ------------------------------------------------------------------------------------------------

VISITED = ["/", "/es/", "/patient-information/mri/", "/locations/", "/careers/", "/careers/radiologist/", "/privacy/"]
SORRY = {"en": "We will be back in a moment", "es": "Volvemos en un momento"}
NEEDS_DATABASE = [
    "/pay/", "/es/pay/", "/admin/", "/resources/", "/es/resources/", "/accounts/login/", "/feedback/", "/es/feedback/",
    "/careers/radiologist/apply/", "/pay/statement/", "/search/?q=never+asked+before", "/glossary/?q=never+asked+before",
    "/pay/receipt/9e1c39a5-6c39-4a4f-8a7d-2a8f5f3c2b11/", "/admin/billing/statement/", "/no-such-page/",
    "/announcements/never-visited/",
]  # fmt: skip
POSTS = ["/pay/", "/feedback/", "/es/feedback/", "/accounts/login/", "/careers/radiologist/apply/", "/admin/login/"]


def sorry(answer):
    """The facts of an answer that should say that the site will be back."""
    language = answer.headers.get("Content-Language", "")
    return (
        answer.status_code,
        answer.headers.get("Retry-After"),
        SORRY.get(language, "no language") in answer.text,
        language,
    )


def test_postgres_gone_leaves_what_was_visited_and_says_so_elsewhere(site):
    with_session = site.visitor()
    form = with_session.get("/feedback/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)[1]
    there = {path: site.visitor().get(path).text for path in VISITED}
    site.stop_postgres("fast")

    away = {path: site.visitor().get(path) for path in VISITED * 2}
    assert {path: (page.status_code, page.text == there[path]) for path, page in away.items()} == dict.fromkeys(
        VISITED, (200, True)
    )
    answers = {path: site.visitor().get(path) for path in NEEDS_DATABASE}
    assert {path: sorry(answer) for path, answer in answers.items()} == {
        path: (503, "60", True, "es" if path.startswith("/es/") else "en") for path in NEEDS_DATABASE
    }
    with_session.cookies.set("session", "x" * 32)
    posted = {path: with_session.post(path, data={"csrfmiddlewaretoken": token, "message": "x"}) for path in POSTS}
    assert {path: sorry(answer) for path, answer in posted.items()} == {
        path: (503, "60", True, "es" if path.startswith("/es/") else "en") for path in POSTS
    }
    statuses = {path: site.visitor().get(path).status_code for path in ("/healthz", "/readyz", "/static/css/base.css")}
    assert statuses == {"/healthz": 200, "/readyz": 503, "/static/css/base.css": 200}

    site.server.ensure_running()
    until(site.is_ready, "the way back")
    assert {path: site.visitor().get(path).status_code for path in [*VISITED, "/pay/", "/feedback/"]} == dict.fromkeys(
        [*VISITED, "/pay/", "/feedback/"], 200
    )
    assert site.give_feedback("all is well").status_code == 302


def test_postgres_that_hangs_holds_no_thread_for_ever(site):
    """With more visitors who need it than there are threads."""
    there = {path: site.visitor().get(path).text for path in VISITED}
    with site.hung_postgres(), ThreadPoolExecutor(20) as visitors:
        answers = visitors.map(lambda _number: site.visitor().get("/pay/"), range(20))
        assert [sorry(answer) for answer in answers] == [(503, "60", True, "en")] * 20
        assert {path: site.visitor().get(path).text for path in VISITED} == there
        statuses = {path: site.visitor().get(path).status_code for path in ("/healthz", "/readyz", "/feedback/")}
        assert statuses == {"/healthz": 200, "/readyz": 503, "/feedback/": 503}

    until(site.is_ready, "the way back")
    until(lambda: site.visitor().get("/pay/").status_code == 200, "bills")
    assert site.give_feedback("all is well again").status_code == 302


def test_statement_that_takes_long_is_left_alone(site):
    """However long somebody waits: a server that lets others in is well."""
    word = uuid4().hex
    with site.database() as cursor, ThreadPoolExecutor(1) as writer:
        cursor.execute(
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(8); RETURN NEW; END $$; "
            "CREATE TRIGGER slowly BEFORE INSERT ON practice_feedback FOR EACH ROW EXECUTE FUNCTION slowly()"
        )
        try:
            assert writer.submit(site.give_feedback, word).result().status_code == 302
        finally:
            cursor.execute("DROP FUNCTION slowly CASCADE")
    assert site.ask("SELECT count(*) FROM practice_feedback WHERE message = %s", word) == [(1,)]
    forget_jobs(site)  # the next test lets no worker write how its job ended


def test_database_that_only_reads_says_so_where_something_is_written(site):
    with site.database("postgres") as cursor:
        cursor.execute("ALTER DATABASE site SET default_transaction_read_only = on")
        try:
            site.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'site' AND pid <> pg_backend_pid()"
            )
            until(site.is_ready, "new connections")
            assert sorry(site.give_feedback("nowhere to go")) == (503, "60", True, "en")
            assert site.visitor().get("/locations/").status_code == 200
        finally:
            cursor.execute("ALTER DATABASE site RESET default_transaction_read_only")
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'site'")
    until(lambda: site.give_feedback("somewhere again").status_code == 302, "writing again")
    assert site.ask("SELECT count(*) FROM practice_feedback WHERE message = 'nowhere to go'") == [(0,)]


# ---- Mail -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["away", "silent"])
def test_mail_server_in_trouble_slows_no_page_and_gets_each_mail_once_when_it_is_back(site, trouble):
    forget_jobs(site)
    words = [uuid4().hex for _number in range(3)]
    with getattr(site.mail, trouble)():
        assert [site.give_feedback(word).status_code for word in words] == [302] * 3
        until(lambda: len(waiting_for_another_try(site)) >= 3, "the tries that failed")
    site.ask("UPDATE django_tasks_database_dbtaskresult SET run_after = now() WHERE status = 'READY'")

    ids = [site.ask("SELECT id FROM practice_feedback WHERE message = %s", word)[0][0] for word in words]
    until(lambda: all(site.mail.about(feedback) for feedback in ids), "the mails")
    until(lambda: no_job_is_left(site), "the end of all jobs")
    assert [site.mail.about(feedback) for feedback in ids] == [1, 1, 1]


def forget_jobs(site):
    """What earlier tests left in the queue. A job that was dropped looks like one at work, but others began since."""
    last = "started_at = (SELECT max(started_at) FROM django_tasks_database_dbtaskresult)"
    at_work = f"SELECT 1 FROM django_tasks_database_dbtaskresult WHERE status = 'RUNNING' AND {last}"
    until(lambda: not site.ask(at_work), "a pause")
    site.ask("DELETE FROM django_tasks_database_dbtaskresult")


def waiting_for_another_try(site):
    """Jobs that wait for their hour. One that nobody has tried yet is put off to the end of the calendar."""
    return site.ask("SELECT id FROM django_tasks_database_dbtaskresult WHERE status = 'READY' AND run_after BETWEEN now() "
        "AND now() + interval '1 day' AND task_path = 'practice.feedback.announce_feedback'")  # fmt: skip


def no_job_is_left(site):
    return site.ask("SELECT 1 FROM django_tasks_database_dbtaskresult WHERE status IN ('READY', 'RUNNING')") == []


def test_two_workers_at_once_and_one_killed_at_work_send_each_mail_once(site):
    forget_jobs(site)
    with site.mail.silent():
        killed = site.worker
        words = [uuid4().hex for _number in range(6)]
        assert [site.give_feedback(word).status_code for word in words] == [302] * 6
        until(lambda: site.ask("SELECT 1 FROM django_tasks_database_dbtaskresult WHERE status = 'RUNNING'"), "a job")
        killed.send_signal(signal.SIGSTOP)  # so that it is certainly at work when it dies
        at_work = site.ask("SELECT id FROM django_tasks_database_dbtaskresult WHERE status = 'RUNNING'")
        killed.kill()
        killed.wait()
    site.worker = site.start_worker()
    second = site.start_worker()
    site.ask("UPDATE django_tasks_database_dbtaskresult SET run_after = now() WHERE status = 'READY'")
    ids = [site.ask("SELECT id FROM practice_feedback WHERE message = %s", word)[0][0] for word in words]
    until(lambda: sum(site.mail.about(feedback) for feedback in ids) >= 6 - len(at_work), "the others' mails")
    until(
        lambda: not site.ask("SELECT 1 FROM django_tasks_database_dbtaskresult WHERE status = 'READY'"),
        "an empty queue",
    )
    assert sorted(site.mail.about(feedback) for feedback in ids) == [0] * len(at_work) + [1] * (6 - len(at_work))

    site.ask(
        "UPDATE django_tasks_database_dbtaskresult SET started_at = now() - interval '11 minutes' WHERE status = 'RUNNING'"
    )
    with site.orm():
        take_up_dropped()
    until(lambda: all(site.mail.about(feedback) for feedback in ids), "the mail of the killed worker")
    until(lambda: no_job_is_left(site), "the end of all jobs")
    assert [site.mail.about(feedback) for feedback in ids] == [1] * 6
    second.terminate()
    second.wait()


# ---- A full disk ----------------------------------------------------------------------------------------------------


@contextmanager
def full_disk(folder):
    """A file system with room for half a megabyte in place of this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k,mode=0777", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"No file system can be mounted here: {mounted.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("place", ["private", "uploads"])
def test_full_disk_gets_a_sentence_and_nothing_half(site, place):
    large, who = large_cv(), f"Unlucky with {place}"
    rows = site.files_in_rows()
    with full_disk(site.folder / place):
        answer = site.apply(who, large)
        assert answer.status_code in (200, 507)
        assert "We have no room to take this file just now." in answer.text
        left = [path for path in (site.folder / place).rglob("*") if path.is_file()]
        assert left == []
        assert site.files_in_rows() == rows
        assert site.visitor().get("/feedback/").status_code == 200
    assert site.ask("SELECT count(*) FROM careers_application WHERE name = %s", who) == [(0,)]
    assert site.apply(who, large).status_code == 302
