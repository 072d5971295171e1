"""Does jobs in a process of its own, `dying.py`, that kills itself at the step it is told."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import connection

from tests.faults.stand_in import SECRET

NAME = "a job that dies"


@pytest.fixture(scope="module")
def undertaker(django_db_setup, django_db_blocker, tmp_path_factory):
    """Runs jobs in a process of its own that dies when told to."""
    with django_db_blocker.unblock():
        database = connection.settings_dict["NAME"]
    folder = tmp_path_factory.mktemp("killed")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "practice.settings",
        "TEST_DATABASE": database,
        "PGAPPNAME": NAME,
        "BILLING_GATEWAY": "stripe",
        "STRIPE_API_KEY": "sk_test_stand_in",
        "STRIPE_WEBHOOK_SECRETS": SECRET,
    }
    with (
        (folder / "errors").open("w+") as errors,
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("dying.py"))],
            cwd=project.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Undertaker(process, folder)
        process.stdin.close()
        process.wait(30)


class Undertaker:
    def __init__(self, process, folder):
        self.process, self.folder = process, folder

    def run(self, stripe, job, die_at, **facts) -> bool:
        """Do the job, killed at this step. Returns whether it was: False means that it came to its end before."""
        log = self.folder / "steps"
        order = {"job": job, "facts": facts, "die_at": die_at, "origin": stripe.origin, "log": str(log)}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        ended = int(self.process.stdout.readline())
        assert ended in (0, -signal.SIGKILL), (self.folder / "errors").read_text()[-3000:]
        self._wait_until_its_connection_is_gone()
        self.steps = log.read_text().splitlines()
        return ended != 0

    def _wait_until_its_connection_is_gone(self):
        """The server rolls back and gives locks back as soon as it notices that nobody is there any more."""
        with connection.cursor() as cursor:
            alive = 1
            while alive:
                cursor.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
                    [NAME],
                )
                (alive,) = cursor.fetchone()
