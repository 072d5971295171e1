"""The office's first page: what waits for this person, and what they do most. Each room says what of it waits.

A room registers its queues and tasks in its own `office_home_pages.py`; what somebody may not open is not shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

MOST_COUNTED = 1000  # beyond that a number says nothing, and counting takes time


@dataclass(frozen=True)
class Queue:
    """Rows that wait for somebody. `list_of` is the admin's list, `query` the filter that shows them there."""

    label: Any  # a translated text
    permission: str
    list_of: str
    rows: Callable[[], QuerySet]
    query: str = ""
    position: int = 50
    limit_to: Callable[[Any, QuerySet], QuerySet] = lambda user, rows: rows  # those of the rows this person may see


@dataclass(frozen=True)
class Task:
    """Something done every day: its words and its page in the admin."""

    label: Any
    permission: str
    url_name: str
    position: int = 50


@dataclass(frozen=True)
class Waiting:
    label: Any
    count: int
    url: str

    @property
    def count_in_words(self) -> str:
        return f"{MOST_COUNTED}+" if self.count > MOST_COUNTED else str(self.count)


QUEUES: list[Queue] = []
TASKS: list[Task] = []


def register(*entries: Queue | Task) -> None:
    for entry in entries:
        (QUEUES if isinstance(entry, Queue) else TASKS).append(entry)  # type: ignore[arg-type]


def waiting_for(user) -> list[Waiting]:
    """What waits for this person, the empty queues too: seeing that nothing waits is worth a line."""
    return [
        Waiting(
            queue.label,
            queue.limit_to(user, queue.rows()).order_by()[: MOST_COUNTED + 1].count(),
            reverse(f"admin:{queue.list_of}_changelist") + queue.query,
        )
        for queue in sorted(QUEUES, key=lambda queue: queue.position)
        if user.has_perm(queue.permission)
    ]


def tasks_of(user) -> list[tuple[Any, str]]:
    """[(what to do, its address)] for this person."""
    return [
        (task.label, reverse(f"admin:{task.url_name}"))
        for task in sorted(TASKS, key=lambda task: task.position)
        if user.has_perm(task.permission)
    ]
