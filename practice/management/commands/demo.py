"""`manage.py demo`: everything from an empty folder to a practice one can look at."""

import os
import signal
import socket
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from practice.accounts.demo import LOGINS, PASSWORD, current_codes
from practice.management.commands.migrate import ONE_MIGRATION
from practice.one_at_a_time import alone_in_turn
from practice.orphans import end_with_parent

ADDRESS = "127.0.0.1"  # the demo is for this machine only: its keys are no secret


class Command(BaseCommand):
    help = "Migrate, load the demo practice, and serve it with its background worker."

    def add_arguments(self, parser):
        parser.add_argument("--no-serve", action="store_true", help="only prepare the database and the files")
        parser.add_argument("--workers", type=int, default=2, help="processes that serve pages")

    def handle(self, *args, no_serve, workers, **options):
        if not settings.DEMO:
            raise CommandError(
                "This is not a demo: unset DATABASE_URL, or set DEMO=1 for a database with nothing real in it."
            )
        if not no_serve:
            check_port(settings.PORT)
        call_command("migrate", verbosity=0)
        with alone_in_turn(ONE_MIGRATION):  # two that begin at once would both write the same rows
            modules = load_demo()
        call_command("collectstatic", interactive=False, verbosity=0)
        connection.close()
        self._announce(modules)
        if not no_serve:
            serve(workers, [job for module in modules for job in getattr(module, "jobs", list)()])

    def _announce(self, modules):
        say = self.stdout.write
        say("")
        say(
            self.style.SUCCESS(
                f"  The demo practice is at {settings.PUBLIC_ORIGIN}/  (Spanish: {settings.PUBLIC_ORIGIN}/es/)"
            )
        )
        say("")
        for module in modules:
            for line in getattr(module, "announcements", list)():
                say(f"  {line}")
        say("")
        say(f"  Sign in at /accounts/login/ (the office is at /admin/). The password of all is  {PASSWORD}")
        codes = current_codes()
        for email, (_name, role) in LOGINS.items():
            say(f"    {email:34} {codes[email]}   {role}")
        say("  The number is the code of the login's authenticator, for half a minute; new ones: manage.py demo_codes")
        say("")
        if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
            say(f"  Mail is written to {settings.EMAIL_CONFIG['EMAIL_FILE_PATH']}. Ctrl+C stops everything.")
        say("")


def check_port(port: int) -> None:
    """Raises CommandError where something else already serves there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise CommandError(f"Port {port} is taken. Choose another one: PORT={port + 1} make run") from error


def load_demo() -> list:
    """Run `demo.load()` of every app that has one, all or nothing; returns those modules."""
    modules = []
    with transaction.atomic():
        for config in apps.get_app_configs():
            if find_spec(f"{config.name}.demo") is not None and config.path.startswith(str(settings.BASE_DIR)):
                module = import_module(f"{config.name}.demo")
                module.load()
                modules.append(module)
    return modules


def serve(workers: int, jobs: list[list[str]]) -> None:
    """Granian, a job worker and the apps' own jobs, until one ends or somebody presses Ctrl+C; then all are gone."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "practice.settings", "DEMO": "1"}
    python = [sys.executable, "-W", "ignore"]
    commands = [
        [
            *python, "-m", "granian", "--interface", "wsgi", "--host", ADDRESS, "--port", str(settings.PORT),
            "--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
            "--respawn-failed-workers",
            "practice.wsgi:application",
        ],
        *(
            [*python, str(settings.BASE_DIR / "manage.py"), *job]
            for job in [["db_worker", "--no-startup-delay", "--interval", "1"], *jobs]
        ),
    ]  # fmt: skip
    children = [
        subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, preexec_fn=end_with_parent)  # noqa: PLW1509
        for command in commands
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while all(child.poll() is None for child in children):
            try:
                children[0].wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
    except KeyboardInterrupt:
        pass
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
