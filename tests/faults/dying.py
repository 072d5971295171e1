"""A process that does jobs of ours and kills itself in the middle, for test_kill, test_applications and test_migrating.

It reads a job a line from its standard input, forks, and answers with how the child ended. The child counts its steps:
each answer of the processor, each file that is
written or deleted, and before and after each commit. (Just before the processor is asked all is as it was
after the step before.) At the step it was told it sends itself SIGKILL, which nobody can catch: no transaction is
ended, no lock given back, no file closed.
"""

import json
import os
import signal
import sys
from datetime import date, datetime
from pathlib import Path
from uuid import UUID


class Steps:
    """Counts, and dies at the one it was told. The names go to a file, so that a failing test can say where it was."""

    def __init__(self, die_at: int, log: str):
        self.die_at, self.count = die_at, 0
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def __call__(self, name: str) -> None:
        self.count += 1
        os.write(self.log, f"{self.count} {name}\n".encode())
        if self.count == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(step: Steps) -> None:
    from django.db import connection  # noqa: PLC0415

    from billing.gateways.stripe import StripeGateway  # noqa: PLC0415
    from practice.private_files import PrivateStorage  # noqa: PLC0415

    ask = StripeGateway._ask
    commit = connection._commit

    def watched_ask(gateway, call):
        answer = ask(gateway, call)
        step("after the processor answered")
        return answer

    def watched_commit():
        step("before a commit")
        commit()
        step("after a commit")

    def watched_statement(execute, text, params, many, context):
        """Outside of a transaction each statement that writes is a commit of its own."""
        commits = not connection.in_atomic_block and text.startswith(("INSERT", "UPDATE", "DELETE"))
        result = execute(text, params, many, context)
        if commits:
            step(f"after {text[:40]}")
        return result

    for name in ("_save", "delete"):
        setattr(PrivateStorage, name, watched_file(getattr(PrivateStorage, name), step))
    StripeGateway._ask = watched_ask
    connection._commit = watched_commit
    connection.execute_wrappers.append(watched_statement)


def watched_file(work, step):
    def watched(storage, name, *arguments):
        done = work(storage, name, *arguments)
        step(f"after a file: {work.__name__}")
        return done

    return watched


# ---- The jobs -------------------------------------------------------------------------------------------------------


def pay(statement: int, cents: int) -> None:
    from billing.models import Statement  # noqa: PLC0415
    from billing.payments import start_payment  # noqa: PLC0415

    start_payment(Statement.objects.get(pk=statement), cents, "en", receipt_to="payer@example.com")


def look(attempt: str) -> None:
    from billing.models import Attempt  # noqa: PLC0415
    from billing.payments import look_at  # noqa: PLC0415

    look_at(Attempt.objects.get(pk=attempt))


def message(body: str, signature: str) -> None:
    from billing.webhooks import receive  # noqa: PLC0415

    receive("stripe", body.encode(), {"Stripe-Signature": signature})


def refund(payment: int, cents: int, by: int, once: str) -> None:
    from billing.models import Payment  # noqa: PLC0415
    from billing.refunds import request_refund  # noqa: PLC0415
    from practice.accounts.models import User  # noqa: PLC0415

    clerk = User.objects.get(pk=by)
    request_refund(Payment.objects.get(pk=payment), cents, by=clerk, reason="moved away", refund_id=UUID(once))


def load(data: str) -> None:
    from billing.imports import import_statements  # noqa: PLC0415

    import_statements(data.encode(), "killed.csv")


def load_upload(upload: str, by: int, folder: str) -> None:
    from django.conf import settings  # noqa: PLC0415

    from billing.uploads import import_upload  # noqa: PLC0415

    settings.PRIVATE_ROOT = Path(folder)
    import_upload.call(upload, by)


def close(day: str) -> None:
    from billing.close import close_day  # noqa: PLC0415

    close_day(date.fromisoformat(day))


def charge(at: str) -> None:
    from billing.instalments import charge_due  # noqa: PLC0415

    charge_due(datetime.fromisoformat(at))


def sweep(at: str) -> None:
    from billing.sweep import sweep as sweep_all  # noqa: PLC0415

    sweep_all(datetime.fromisoformat(at))


def receive_application(opening: int, draft: int | None, folder: str) -> None:
    from django.conf import settings  # noqa: PLC0415
    from django.core.files.base import ContentFile  # noqa: PLC0415

    from careers.files import take_in  # noqa: PLC0415
    from careers.intake import receive_application  # noqa: PLC0415
    from careers.models import Draft, FileKind, Opening  # noqa: PLC0415

    settings.PRIVATE_ROOT = Path(folder)
    files = take_in([(FileKind.CV, ContentFile(b"cv", "cv.pdf")), (FileKind.OTHER, ContentFile(b"x", "x.pdf"))])
    who = {"name": "Ann Lee", "email": "ann@example.com", "phone": "", "message": "", "language": "en"}
    kept = Draft.objects.get(pk=draft) if draft else None
    receive_application(Opening.objects.get(pk=opening), files=files, draft=kept, **who)


def purge_applications(folder: str) -> None:
    from django.conf import settings  # noqa: PLC0415

    from careers.retention import purge  # noqa: PLC0415

    settings.PRIVATE_ROOT = Path(folder)
    purge()


def migrate(database: str) -> None:
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    connection.close()
    connection.settings_dict["NAME"] = database
    call_command("migrate", verbosity=0)


JOBS = {job.__name__: job for job in (
    pay, look, message, refund, load, load_upload, close, charge, sweep, receive_application, purge_applications,
    migrate,
)}  # fmt: skip


def in_child(order: dict) -> None:
    from django.conf import settings  # noqa: PLC0415

    settings.STRIPE_API_BASE = order["origin"]
    watch(Steps(order["die_at"], order["log"]))
    JOBS[order["job"]](**order["facts"])


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415

    settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
    django.setup()
    import billing.gateways.stripe  # noqa: PLC0415  (once, and not in each child)
    import billing.sweep  # noqa: F401, PLC0415

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                in_child(json.loads(line))
                status = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(status)  # as it is: what the parent opened is not the child's to close
        _pid, ended = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(ended)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
