from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from billing.sweep import sweep
from practice.accounts.invitations import notify
from practice.jobs import forget_finished

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def job(status, **age):
    notify("Password changed", "From Firefox", ["ann@example.com"])
    result = DBTaskResult.objects.latest("enqueued_at")
    DBTaskResult.objects.filter(pk=result.pk).update(status=status, finished_at=NOW - timedelta(**age) if age else None)
    return result.pk


def test_jobs_that_are_done_are_forgotten_and_others_are_not():
    kept = {job("READY"), job("RUNNING"), job("SUCCESSFUL", hours=23), job("FAILED", days=13)}
    job("SUCCESSFUL", hours=24)
    job("FAILED", days=14)

    assert forget_finished(NOW) == 2
    assert set(DBTaskResult.objects.values_list("pk", flat=True)) == kept


def test_sweep_forgets_them(settings):
    settings.BILLING_GATEWAY = ""
    job("SUCCESSFUL", days=2)

    sweep()

    assert DBTaskResult.objects.count() == 0


def test_notice_waits_sealed_and_is_sent_as_it_was(run_jobs, mailoutbox):
    notify("Password changed", "From Firefox at 192.0.2.1", ["ann@example.com"])

    assert [word for word in ("ann@", "Firefox", "192.0") if word in str(DBTaskResult.objects.get().args_kwargs)] == []
    run_jobs()
    (sent,) = mailoutbox
    assert (sent.subject, sent.body, sent.to) == ("Password changed", "From Firefox at 192.0.2.1", ["ann@example.com"])


@pytest.mark.django_db(transaction=True)
def test_job_that_is_deleted_while_it_is_done_does_not_end_its_worker(run_jobs, mailoutbox, monkeypatch, caplog):
    notify("First", "", ["ann@example.com"])
    send = EmailMessage.send

    def send_and_lose_the_row(message):
        monkeypatch.setattr(EmailMessage, "send", send)
        DBTaskResult.objects.all().delete()
        notify("Second", "", ["ann@example.com"])
        return send(message)

    monkeypatch.setattr(EmailMessage, "send", send_and_lose_the_row)
    run_jobs()

    assert [mail.subject for mail in mailoutbox] == ["First", "Second"]
    assert "was deleted while it was done" in caplog.text
