"""Notes what was searched for and not found: a count of words, never who asked; nothing with numbers in it."""

import re

from django.db.models import F
from django.utils import timezone

from practice.search.models import MissedSearch
from practice.search.query import Query

LONGEST = 60  # characters, as the column
MOST_ROWS = 10_000  # a machine that asks nonsense must not fill the disk
PLAIN_TEXT = re.compile(r"[\w\s'’?¿!¡,+-]+")
PLAIN_WORDS = re.compile(r"[^\W\d_]{2,20}(?: [^\W\d_]{1,20}){0,4}")  # no digits: no dates, no numbers of anybody


def note_missed(query: Query) -> None:
    """Count the words in the editors' queue, if they are a few plain words."""
    words = " ".join(query.words)
    if not PLAIN_TEXT.fullmatch(query.text):  # an address of somebody's mail
        return
    if not PLAIN_WORDS.fullmatch(words) or len(words) > LONGEST:
        return
    missed = MissedSearch.objects.filter(language=query.language, words=words)
    if missed.update(count=F("count") + 1, last_at=timezone.now(), handled_at=None):
        return
    if MissedSearch.objects.count() < MOST_ROWS:
        MissedSearch.objects.bulk_create([MissedSearch(language=query.language, words=words)], ignore_conflicts=True)
