"""The office's first page: what waits for whom, and nothing of what somebody may not open."""

import re

import pytest

from education.models import ArticleStatus
from practice import office_home
from practice.models import Feedback
from tests.factories import ApplicationFactory, ArticleFactory

pytestmark = pytest.mark.usefixtures("identity")

QUEUES = {
    "Editor": [
        "Feedback past its day", "Feedback to answer", "Articles whose regular review is due",
        "Translations that have fallen behind", "Searches that found nothing",
    ],
    "Clinical reviewer": [
        "Articles that wait for a physician’s review", "Articles whose regular review is due",
        "Translations that have fallen behind",
    ],
    "Hiring": [
        "Applicants without an answer", "Answers past the promised day", "Applications for me to score",
        "Applications to be erased", "Interview times to offer anew",
    ],
    "Application reviewer": ["Applications for me to score"],
    "Front desk": ["Estimates to give", "Feedback past its day", "Feedback to answer"],
}  # fmt: skip


def queues(client):
    """[(count, words, address)] as the page shows them."""
    page = client.get("/admin/").text
    return [
        (count, words.strip(), address)
        for address, count, words in re.findall(
            r'<a href="([^"]+)"><strong>([^<]+)</strong>(.*?)</a>', page.split("tasks-title")[0]
        )
    ]


@pytest.mark.parametrize("role", sorted(QUEUES))
def test_each_role_sees_its_own_queues(staff, role):
    assert [words for _count, words, _address in queues(staff(role))] == QUEUES[role]


def test_billing_sees_what_waits_in_billing(staff):
    seen = {role: [words for _count, words, _address in queues(staff(role))] for role in ("Billing", "Billing lead")}
    assert "Questions open" in seen["Billing"]
    assert ("Refunds that wait for a second person" in seen["Billing lead"]) is True
    assert ("Refunds that wait for a second person" in seen["Billing"]) is False


def test_counts_are_what_the_lists_show(staff):
    ArticleFactory(status=ArticleStatus.IN_REVIEW)
    ArticleFactory(status=ArticleStatus.DRAFT)
    Feedback.objects.create(topic="visit", message="Hello", language="en")
    ApplicationFactory.create_batch(2)
    client = staff("Administrator", is_superuser=True)
    found = [(int(count), address) for count, _words, address in queues(client)]
    shown = [client.get(address).context["cl"].result_count for _count, address in found]
    assert [count for count, _address in found] == shown
    assert sum(shown) == 6  # both applications also wait for a scorecard


def test_long_queue_is_counted_only_so_far(staff, monkeypatch):
    monkeypatch.setattr(office_home, "MOST_COUNTED", 1)
    ApplicationFactory.create_batch(3)
    assert [count for count, *_rest in queues(staff("Hiring"))] == ["1+", "0", "1+", "0", "0"]


@pytest.mark.parametrize(
    "role",
    [
        "Editor",
        "Clinical reviewer",
        "Billing",
        "Billing lead",
        "Hiring",
        "Front desk",
        "Resources editor",
        "Administrator",
    ],
)
def test_every_task_opens(staff, role):
    client = staff(role)
    tasks = re.findall(r'<a class="button" href="([^"]+)">', client.get("/admin/").text)
    assert {address: client.get(address).status_code for address in tasks} == dict.fromkeys(tasks, 200)
    assert tasks != [] or role == "Front desk"
