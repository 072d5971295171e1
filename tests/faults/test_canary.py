"""Unique words typed into everything of a running site, every kind of answer provoked, then looked for everywhere.

A word may stand in the column it was meant for and nowhere else: not in a log, a session, a cache, a queue, a mail's
subject, a temporary file; and what is encrypted, not even there. `MEANT_FOR` and `MAILED` are the whole list.
"""

import base64
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import zlib
from datetime import date
from email import message_from_bytes, policy

import pytest
import requests
from aiosmtpd.controller import Controller
from django.conf import global_settings
from django.conf import settings as project
from django.core.management import call_command
from django.db import connection

from billing.codes import printed
from practice.embedded import base
from practice.embedded.server import BINARIES
from practice.resources.demo_pdf import one_page
from tests import database_address, factories
from tests.billing.test_imports import table

pytestmark = pytest.mark.django_db(transaction=True)

# Words by what they are typed into. Each becomes `qz…canary`, which is nobody's name.
MEANT_FOR = {
    "feedback message": {"practice_feedback.message"},
    "feedback name": {"practice_feedback.name"},
    "feedback email": {"practice_feedback.email"},
    "application name": {"careers_application.name", "careers_letter.body"},  # what the applicant was written
    "application email": {"careers_application.email"},
    "application phone": {"careers_application.phone"},
    "application message": {"careers_application.message"},
    "cv name": {"careers_applicationfile.name"},
    "draft name": {"careers_draft.name"},
    "draft email": {"careers_draft.email"},
    "draft message": {"careers_draft.message"},
    "browser of somebody who signed in": {"usersessions_usersession.user_agent"},
    "email of a member": {"accounts_user.email", "account_emailaddress.email"},
    # From the statement file. Account numbers and what was done are not encrypted; see docs/operate.md.
    "account number": {"patients_patient.account_number"},
    "statement number": {"billing_statement.number"},
    "description": {"billing_statementline.description"},
    "facility": {"billing_statement.facility"},
    "insurer": {"billing_statement.insurer"},
}
# Where mails may have a word: (who it is to, where).
MAILED = {
    "application name": {("applicant", "body")},
    "application email": {("applicant", "to")},
    "draft email": {("draft", "to")},
    "receipt email": {("payer", "to")},
    "browser of somebody who signed in": {("member", "body")},  # from which they changed their password
    "email of a member": {("member", "to")},
}
BORN = date(1931, 2, 3)
BIRTH_DATES = ["1931-02-03", "2/3/1931", "02/03/1931", "02031931", "Feb. 3, 1931", "February 3, 1931"]
FAULTS = {
    500: "ALTER TABLE practice_feedback ADD CONSTRAINT canary CHECK (false) NOT VALID",
    503: """CREATE FUNCTION canary() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'gone' USING ERRCODE = '57P01'; END $$;
            CREATE TRIGGER canary BEFORE INSERT ON practice_feedback FOR EACH ROW EXECUTE FUNCTION canary()""",
}
UNDO = """ALTER TABLE practice_feedback DROP CONSTRAINT IF EXISTS canary;
          DROP TRIGGER IF EXISTS canary ON practice_feedback; DROP FUNCTION IF EXISTS canary"""


class Words(dict):
    """{what it is typed into: a word that is nowhere else}."""

    def __missing__(self, what):
        self[what] = f"qz{len(self):03d}canary"
        return self[what]

    def address(self, what):
        return f"{self[what]}@example.com"


class Post:
    """A mail server that keeps what it gets."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  (aiosmtpd's)
        self.mails.append(envelope.content)
        return "250 OK"


class Visitor:
    """A browser of one person, who also sends odd headers."""

    def __init__(self, site):
        self.site, self.line = site, requests.Session()
        self.line.headers.update(
            {
                "User-Agent": site.words["browser"],
                "Referer": f"{site.origin}/{site.words['referrer']}",
                "Connection": "close",
            }
        )

    def get(self, path, **options):
        return self._seen(self.line.get(self.site.origin + path, allow_redirects=False, **options))

    def send(self, path, data=None, **options):
        """Fill in the form at this address and send it."""
        page = self.get(path)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        token = {"csrfmiddlewaretoken": found.group(1)} if found else {}
        return self.post(path, token | (data or {}), **options)

    def post(self, path, data=None, **options):
        return self._seen(self.line.post(self.site.origin + path, data, allow_redirects=False, **options))

    def _seen(self, response):
        self.site.statuses.add(response.status_code)
        return response


class Site:
    """granian, a job worker and a mail server, on the database of the tests."""

    def __init__(self, folder, words):
        self.folder, self.words, self.statuses, self.post = folder, words, set(), Post()
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.logged_before = postgres_log().stat().st_size if postgres_log() else 0

    @contextlib.contextmanager
    def running(self):
        mail = Controller(self.post, hostname="127.0.0.1", port=free_port())
        mail.start()
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
            "DEMO": "1", "PORT": str(self.port), "VAR_DIR": str(self.folder / "var"), "TMPDIR": str(self.folder / "tmp"),
            "DATABASE_URL": database_address.database_url(), "LOG_LEVEL": "DEBUG",
            "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}", "STATIC_ROOT": str(self.folder / "static"),
            "DJANGO_SETTINGS_MODULE": "practice.settings",
        }  # fmt: skip
        (self.folder / "tmp").mkdir()
        python = [sys.executable, "-W", "ignore"]
        commands = {
            "web": [*python, "-m", "granian", "--interface", "wsgi", "--port", str(self.port), "--workers", "1",
                    "--blocking-threads", "2", "--log-level", "debug", "practice.wsgi:application"],
            "worker": [*python, "manage.py", "db_worker", "--no-startup-delay", "--interval", "0.2"],
        }  # fmt: skip
        statements = self.folder / "statements.csv"
        statements.write_bytes(self.statement_file())
        done = [*python, "manage.py", "import_statements", str(statements)]
        with (self.folder / "import.log").open("w") as log:
            subprocess.run(done, cwd=project.BASE_DIR, env=environment, stdout=log, stderr=log, check=True, timeout=60)
        statements.unlink()
        with contextlib.ExitStack() as left:
            left.callback(mail.stop)
            for name, command in commands.items():
                log = left.enter_context((self.folder / f"{name}.log").open("w"))
                process = subprocess.Popen(command, cwd=project.BASE_DIR, env=environment, stdout=log, stderr=log)
                left.callback(process.wait, 30)
                left.callback(process.terminate)
            wait_for(lambda: answers(self.port))
            yield self

    def statement_file(self):
        words = self.words
        return table(
            {
                "statement_number": words["statement number"], "account_number": words["account number"],
                "first_name": words["first name"], "last_name": words["last name"], "date_of_birth": BORN.isoformat(),
                "description": words["description"], "facility": words["facility"], "insurer": words["insurer"],
                "statement_code": factories.code_of(77), "charge": "900.00", "patient_owes": "700.00",
            }
        )  # fmt: skip

    # Where words may have come to

    def logs(self):
        found = {path.name: path.read_bytes() for path in self.folder.glob("*.log")}
        if postgres_log():
            with postgres_log().open("rb") as log:
                log.seek(self.logged_before)
                found["postgres.log"] = log.read()
        return found

    def files(self):
        """{folder: all that lies in it}, but for the style sheets and such."""
        found = {}
        for path in self.folder.rglob("*"):
            if path.is_file() and path.suffix != ".log" and not path.is_relative_to(self.folder / "static"):
                folder = str(path.parent.relative_to(self.folder))
                found[folder] = found.get(folder, b"") + f"{path.name}\n".encode() + path.read_bytes()
        return found

    def columns(self):
        """{table.column: all that stands in it}, from a dump of the whole database as it is backed up."""
        ours = {"PATH": os.environ["PATH"]} | database_address.for_programs()
        dump = subprocess.run([str(BINARIES / "pg_dump")], env=ours, capture_output=True, text=True, check=True)
        found = {}
        for name, columns, rows in re.findall(
            r"^COPY public\.(\w+) \(([^)]+)\) FROM stdin;\n(.*?)^\\\.$", dump.stdout, re.MULTILINE | re.DOTALL
        ):
            names = columns.replace('"', "").split(", ")
            for row in rows.splitlines():
                for column, value in zip(names, row.split("\t"), strict=True):
                    found.setdefault(f"{name}.{column}", []).append(opened(value))
        assert len(found) > 300
        return {name: "\n".join(values) for name, values in found.items()}


def postgres_log():
    """The log of the embedded server; one of Debian's keeps its own, which is the operator's to switch off."""
    return base.SERVER.log if connection.settings_dict["ENGINE"] == "practice.embedded" else None


def opened(value):
    """A value with what is only packed in it: sessions and the cache are base64 of something, maybe compressed."""
    parts = [value]
    for piece in re.findall(r"[A-Za-z0-9_\-+/]{20,}={0,2}", value):
        with contextlib.suppress(ValueError):
            packed = base64.b64decode(piece.replace("-", "+").replace("_", "/") + "==")
            parts.append(packed.decode("latin-1"))
            with contextlib.suppress(zlib.error):
                parts.append(zlib.decompress(packed).decode("latin-1"))
    return "\n".join(parts)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)
    return found


@pytest.fixture
def site(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = project.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    factories.IdentityFactory()
    words = Words()
    site = Site(tmp_path, words)
    site.member = factories.UserFactory(email=words.address("email of a member"), password="a long test password")
    site.opening = factories.OpeningFactory()
    with site.running():
        yield site
    connection.close()


def walk_as_a_reader(site):
    words, reader = site.words, Visitor(site)
    for path in ("/", "/search/", "/glossary/", "/patient-information/", "/physicians/", "/notices/", "/infobutton", "/nope/",
                 "/es/search/", "/careers/", "/pay/", "/admin/", "/accounts/login/", "/sheet/"):  # fmt: skip
        asked = {name: words[f"{name} of {path}"] for name in ("q", "on", "next", "code", "page")}
        reader.get(path, params=asked | {words[f"a parameter of {path}"]: "1"})
        reader.get(f"{path.rstrip('/')}/{words[f'below {path}']}/")
    reader.get(
        "/infobutton", params={"mainSearchCriteria.v.dn": words["infobutton"], "mainSearchCriteria.v.c": words["code"]}
    )
    reader.get(f"/physicians/{words['physician']}")
    reader.get("/", headers={"Host": f"{words['host']}.example", "X-Forwarded-For": words["forwarded"]})
    reader.get("/", headers={"Cookie": f"session={words['session']}; csrf={words['csrf']}; {words['cookie']}=1"})
    reader.post("/feedback/", {"message": words["refused message"]})
    reader.post("/feedback/", {"message": words["too large"] * 300_000}, headers={"Cookie": "csrf=" + "a" * 32})
    reader.post("/pay/webhooks/sandbox/", words["message"])
    reader.post("/pay/webhooks/sandbox/", words["large message"] * 30_000)
    reader.get(f"/pay/webhooks/{words['gateway']}/")
    reader._seen(
        reader.line.delete(f"{site.origin}/healthz", headers={"X-CSRFToken": "a" * 32, "Cookie": "csrf=" + "a" * 32})
    )
    reader.get("/static/" + words["file"])


def give_feedback(site):
    words = site.words

    def write(kind):
        facts = {"topic": "visit", "message": words[f"{kind} message"], "name": words[f"{kind} name"]}
        return Visitor(site).send("/feedback/", facts | {"email": words.address(f"{kind} email")}).status_code

    written = [write("feedback")]
    for status, fault in FAULTS.items():
        with connection.cursor() as cursor:
            cursor.execute(fault)
            written.append(write(f"feedback that ends in {status}"))
            cursor.execute(UNDO)
    Visitor(site).send("/feedback/", {"topic": words["topic"], "message": "Hello", "email": words["no address"]})
    trap = {"topic": "visit", "message": words["trapped"], "website": words["website"]}
    written.append(Visitor(site).send("/feedback/", trap).status_code)
    return written


def apply(site):
    words, applicant, path = site.words, Visitor(site), f"/careers/{site.opening.slug}/apply/"
    cv = ("cv", (f"{words['cv name']}.pdf", one_page(words["cv"], [words["cv text"]]), "application/pdf"))
    facts = {"name": words["application name"], "email": words.address("application email"),
             "phone": words["application phone"], "message": words["application message"]}  # fmt: skip
    broken = ("cv", (f"{words['broken cv name']}.pdf", words["broken cv"].encode(), "application/pdf"))
    applicant.send(path, {"name": words["no application"], "email": words["no email"]}, files=[broken])
    draft = {"name": words["draft name"], "email": words.address("draft email"), "message": words["draft message"]}
    Visitor(site).send(path, draft | {"save": "1"})
    sent = applicant.send(path, facts, files=[cv])
    private = sent.headers["Location"]
    applicant.get(private)
    questions = private.replace("/sent/", "/questions/")
    applicant.send(questions, {"sex": words["sex"], "ethnicity": words["ethnicity"]})
    return applicant.send(questions, {"sex": "female", "ethnicity": "unsaid"}).status_code


def pay(site):
    words, payer = site.words, Visitor(site)
    born = f"{BORN.month}/{BORN.day}/{BORN.year}"
    code = printed(factories.code_of(77))
    Visitor(site).send("/pay/", {"code": words["code of nobody"], "born_on": "1/1/1950"})
    Visitor(site).send("/pay/", {"code": code, "born_on": words["no date"]})
    assert payer.send("/pay/", {"code": code, "born_on": born}).status_code == 302
    bill = payer.get("/pay/statement/")
    assert words["description"] in bill.text
    payer.send("/pay/statement/", {"choice": "part", "amount": words["amount"], "email": words["no receipt"]})
    card_page = payer.send(
        "/pay/statement/", {"choice": "part", "amount": "200.00", "email": words.address("receipt email")}
    )
    address = card_page.headers["Location"].removeprefix(site.origin)
    receipt = payer.send(address, {"button": "pay"}).headers["Location"].removeprefix(site.origin)
    assert payer.get(receipt).status_code == 200
    assert payer.get(f"{receipt}receipt.pdf").content[:5] == b"%PDF-"
    payer.send("/pay/verify/", {"number": words["receipt number"]})
    plan = {"parts": "2", "email": words.address("plan email"), "agreed": "on"}
    assert payer.send("/pay/parts/?parts=2", plan).status_code == 303
    payer.send("/pay/ask/charge/", {"message": words["question"], "email": words.address("question email")})
    payer.send("/pay/questions/", {"question": "1", "q1-message": words["reply"]})
    facts = {"exam": words["exam"], "name": words["estimate name"], "contact": words.address("estimate contact")}
    payer.send("/pay/estimate/", facts)
    payer.send("/pay/leave/")
    for _time in range(11):
        Visitor(site).send("/pay/", {"code": words["guessed code"], "born_on": "1/1/1950"})


def sign_in(site):
    words, member = site.words, Visitor(site)
    member.line.headers["User-Agent"] = words["browser of somebody who signed in"]
    login = "/accounts/login/"
    stranger = Visitor(site)
    stranger.send(login, {"login": words.address("login"), "password": words["password"], "next": words["next"]})
    stranger.send(login, {"login": site.member.email, "password": words["wrong password"]})
    stranger.send("/accounts/password/reset/", {"email": words.address("reset email of nobody")})
    stranger.send("/accounts/password/reset/", {"email": site.member.email})
    stranger.get(f"/accounts/password/reset/key/1-{words['reset key']}/")
    assert member.send(login, {"login": site.member.email, "password": "a long test password"}).status_code == 302
    member.send("/accounts/2fa/totp/activate/", {"code": words["totp code"]})
    member.get("/resources/search/", params={"q": words["resources q"]})
    member.get(f"/resources/{words['document']}/")
    change = "/accounts/password/change/"
    member.send(change, {"oldpassword": words["old password"], "password1": words["new"], "password2": words["new 2"]})
    twice = dict.fromkeys(("password1", "password2"), f"a new {words['password that was taken']}")
    assert member.send(change, {"oldpassword": "a long test password"} | twice).status_code == 302
    assert member.send("/accounts/logout/").headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'


def hits(words, texts):
    """{what: where its word stands}."""
    found = {}
    for place, text in texts.items():
        lower = text.lower() if isinstance(text, str) else text.decode("latin-1").lower()
        for what, word in words.items():
            if word in lower:
                found.setdefault(what, set()).add(place)
        if any(written.lower() in lower for written in BIRTH_DATES):
            found.setdefault("date of birth", set()).add(place)
    return found


def test_no_word_comes_to_where_it_is_not_meant_for(site):
    words = site.words
    walk_as_a_reader(site)
    assert give_feedback(site) == [302, 500, 503, 302]
    assert apply(site) == 302
    pay(site)
    sign_in(site)
    wait_for(no_job_waits)

    assert {200, 301, 302, 303, 400, 403, 404, 405, 413, 429, 500, 503} <= site.statuses
    assert hits(words, site.logs()) == {}
    assert hits(words, site.files()) == {"cv": {"var/private/applications"}}  # as its title, in the file that was sent
    assert hits(words, site.columns()) == MEANT_FOR
    assert hits_in_mails(site) == MAILED


def no_job_waits():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE status = 'FAILED') FROM django_tasks_database_dbtaskresult "
                       "WHERE status IN ('READY', 'RUNNING', 'FAILED')")  # fmt: skip
        waiting, failed = cursor.fetchone()
    assert failed == 0
    return waiting == 0


def hits_in_mails(site):
    kinds = {"application email": "applicant", "draft email": "draft", "receipt email": "payer", "plan email": "plan",
             "question email": "asker", "email of a member": "member"}  # fmt: skip
    who = {site.words.address(what): kind for what, kind in kinds.items()}
    found = {}
    for raw in site.post.mails:
        mail = message_from_bytes(raw, policy=policy.default)
        kind = who.get(str(mail["To"]), "office")
        headers = "\n".join(f"{name}: {value}" for name, value in mail.items() if name != "To")
        body = "\n".join(part.get_content() for part in mail.walk() if part.get_content_maintype() == "text")
        parts = {(kind, "to"): str(mail["To"]), (kind, "headers"): headers, (kind, "body"): body}
        for what, places in hits(site.words, parts).items():
            found.setdefault(what, set()).update(places)
    return found
