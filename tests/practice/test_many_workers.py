"""Jobs and recurring commands when several machines do them."""

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from practice.feedback import receive_feedback
from practice.jobs import LONGEST_MAIL, take_up_dropped
from practice.one_at_a_time import alone


def begun(*, ago, workers=1):
    """A job that as many workers as this have begun, the last one so long ago."""
    receive_feedback(topic="website", message="A line.", name="", email="", language="en")
    DBTaskResult.objects.update(
        status="RUNNING", started_at=timezone.now() - ago, worker_ids=[f"worker {n}" for n in range(workers)]
    )
    return DBTaskResult.objects.get()


@pytest.mark.django_db
def test_job_of_a_killed_worker_is_done_by_the_next(settings, identity, run_jobs, mailoutbox):
    settings.FEEDBACK_RECIPIENTS = ["front-desk@example.com"]
    job = begun(ago=LONGEST_MAIL + timedelta(seconds=1))
    assert take_up_dropped() == 1
    run_jobs()
    job.refresh_from_db()
    assert (job.status, len(job.worker_ids), len(mailoutbox)) == ("SUCCESSFUL", 2, 1)


@pytest.mark.django_db
def test_job_that_somebody_may_be_at_is_left_alone(settings, identity):
    settings.FEEDBACK_RECIPIENTS = ["front-desk@example.com"]
    job = begun(ago=LONGEST_MAIL - timedelta(minutes=1))
    assert take_up_dropped() == 0
    job.refresh_from_db()
    assert job.status == "RUNNING"


@pytest.mark.django_db
def test_job_that_kills_its_workers_comes_to_an_end(settings, identity):
    settings.FEEDBACK_RECIPIENTS = ["front-desk@example.com"]
    job = begun(ago=LONGEST_MAIL * 2, workers=3)
    assert take_up_dropped() == 0
    job.refresh_from_db()
    assert (job.status, job.traceback, job.finished_at is None) == ("FAILED", "Its workers were killed.", False)


@pytest.mark.django_db
def test_the_sweep_takes_them_up(settings, identity):
    settings.FEEDBACK_RECIPIENTS = ["front-desk@example.com"]
    settings.BILLING_GATEWAY = ""
    job = begun(ago=LONGEST_MAIL * 2)
    call_command("settle_payments", verbosity=0)
    job.refresh_from_db()
    assert job.status == "READY"


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time():
    seen = []

    def other_machine():
        with alone(1) as is_ours:
            seen.append(is_ours)
        with alone(2) as is_ours:
            seen.append(is_ours)
        connection.close()

    with alone(1) as is_ours:
        thread = threading.Thread(target=other_machine)
        thread.start()
        thread.join()
    assert (is_ours, seen) == (True, [False, True])
    with alone(1) as again:
        assert again is True


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_each_job_once(settings, identity, monkeypatch, mailoutbox):
    settings.FEEDBACK_RECIPIENTS = ["front-desk@example.com"]
    monkeypatch.setattr("django_tasks_db.management.commands.db_worker.Worker.configure_signals", lambda worker: None)
    for number in range(20):
        receive_feedback(topic="website", message=f"Line {number}.", name="", email="", language="en")

    def worker():
        call_command("db_worker", "--batch", "--interval", "0", "--no-startup-delay", verbosity=0)
        connection.close()

    workers = [threading.Thread(target=worker) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert [(job.status, len(job.worker_ids)) for job in DBTaskResult.objects.all()] == [("SUCCESSFUL", 1)] * 20
    assert len(mailoutbox) == 20
