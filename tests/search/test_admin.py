import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse

from practice.accounts import roles
from practice.search.models import MissedSearch, SynonymGroup, Word
from tests.factories import ArticleFactory

pytestmark = pytest.mark.usefixtures("identity")

OUTSIDE = [
    role for role in roles.STAFF_ROLES if role not in (roles.EDITOR, roles.CLINICAL_REVIEWER, roles.ADMINISTRATOR)
]
NOON = datetime(2026, 5, 1, 16, tzinfo=UTC)
SYNONYMS = reverse("admin:search_synonymgroup_changelist")
ADD = reverse("admin:search_synonymgroup_add")
MISSED = reverse("admin:search_missedsearch_changelist")


def change_address(row):
    return reverse(f"admin:search_{row._meta.model_name}_change", args=[row.pk])


def errors_of(response):
    return [str(error) for errors in response.context["errors"] for error in errors]


def said(response):
    found = re.search(r'<ul class="messagelist">(.*?)</ul>', response.text, re.DOTALL)
    return re.findall(r'<li class="(\w+)">(.*?)</li>', found.group(1), re.DOTALL) if found else []


def shown(response):
    return [str(row) for row in response.context["cl"].result_list]


# ---- Synonyms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("broken = fracture", ["broken", "fracture"]),
        (" Cat  Scan=CT scan = cat scan = ", ["cat scan", "ct scan"]),
        ("Tomografía = TC", ["tomografia", "tc"]),
    ],
)
def test_synonyms_are_kept_without_case_and_accents(staff, text, keys):
    response = staff("Editor").post(ADD, {"language": "en", "text": text}, follow=True)
    assert [kind for kind, _text in said(response)] == ["success"]
    assert list(SynonymGroup.objects.values_list("text", "keys")) == [(text.strip(), keys)]


SEVERAL = "Write at least two words with = between them."


@pytest.mark.parametrize(
    ("language", "text", "errors"),
    [
        ("en", "broken", [SEVERAL]),
        ("en", "broken =", [SEVERAL]),
        ("en", "Broken = bróken", [SEVERAL]),
        ("en", "? = !", [SEVERAL]),
        ("en", "broken, fracture", [SEVERAL]),
        ("en", "there = already", ["These words are already there."]),
        ("fr", "broken = fracture", ["Select a valid choice. fr is not one of the available choices."]),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_synonyms_that_cannot_be_are_refused(staff, is_new, language, text, errors):
    SynonymGroup.objects.create(language="en", text="there = already")
    other = SynonymGroup.objects.create(language="en", text="old = ancient")
    before = list(SynonymGroup.objects.values())
    address = ADD if is_new else change_address(other)
    response = staff("Editor").post(address, {"language": language, "text": text})
    assert (response.status_code, errors_of(response)) == (200, errors)
    assert list(SynonymGroup.objects.values()) == before


@pytest.mark.parametrize(
    "is_new",
    [
        False,
        True,
    ],
)
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "This field is required."),
        ("a = " + "b" * 497, "Ensure this value has at most 500 characters (it has 501)."),
    ],
    ids=["empty", "long"],
)
def test_synonyms_have_a_text_that_fits(staff, is_new, text, error):
    address = ADD if is_new else change_address(SynonymGroup.objects.create(language="en", text="old = ancient"))
    response = staff("Editor").post(address, {"language": "en", "text": text})
    assert errors_of(response) == [error]


def test_the_same_synonyms_stand_in_each_language(staff):
    client = staff("Editor")
    for language in ("en", "es"):
        client.post(ADD, {"language": language, "text": "ct = tac"})
    assert list(SynonymGroup.objects.values_list("language", "text")) == [("en", "ct = tac"), ("es", "ct = tac")]


def test_search_takes_saved_synonyms_for_one_another(staff, client):
    ArticleFactory(title="Fracture", topic__slug="knee")
    found = ['href="/patient-information/knee/' in client.get("/search/", {"q": "kaputt"}).text]
    editor = staff("Editor")
    editor.post(ADD, {"language": "en", "text": "kaputt = fracture"})
    found.append('href="/patient-information/knee/' in client.get("/search/", {"q": "kaputt"}).text)
    assert list(Word.objects.filter(word="kaputt").values_list("language", "is_name")) == [("en", True)]
    (group,) = SynonymGroup.objects.all()
    editor.post(reverse("admin:search_synonymgroup_delete", args=[group.pk]), {"post": "yes"})
    found.append('href="/patient-information/knee/' in client.get("/search/", {"q": "kaputt"}).text)
    assert found == [False, True, False]


@pytest.mark.parametrize(
    ("role", "statuses", "rows"),
    [
        (roles.EDITOR, [200, 302, 302], ["new = newer"]),
        (roles.ADMINISTRATOR, [200, 302, 302], ["new = newer"]),
        (roles.CLINICAL_REVIEWER, [200, 403, 403], ["old = ancient"]),
    ]
    + [(role, [403, 403, 403], ["old = ancient"]) for role in OUTSIDE],
)
def test_who_writes_synonyms(staff, role, statuses, rows):
    group = SynonymGroup.objects.create(language="en", text="old = ancient")
    client = staff(role)
    responses = [
        client.get(SYNONYMS),
        client.post(ADD, {"language": "en", "text": "new = newer"}),
        client.post(reverse("admin:search_synonymgroup_delete", args=[group.pk]), {"post": "yes"}),
    ]
    assert [response.status_code for response in responses] == statuses
    assert list(SynonymGroup.objects.values_list("text", flat=True)) == rows


# ---- Searches without a result --------------------------------------------------------------------------------------


def missed():
    """Two that wait and two that are dealt with."""
    for words, count, handled_at in (
        ("barium", 2, None),
        ("dye", 7, None),
        ("magnet", 5, NOON),
        ("tube", 1, NOON),
    ):
        MissedSearch.objects.create(language="en", words=words, count=count, handled_at=handled_at)
    return {row.words: row for row in MissedSearch.objects.all()}


@pytest.mark.parametrize(
    ("query", "rows", "chosen"),
    [
        ({}, ["dye", "barium"], "No"),
        ({"dealt": "yes"}, ["magnet", "tube"], "Yes"),
        ({"dealt": "all"}, ["dye", "magnet", "barium", "tube"], "All"),
        ({"dealt": "nonsense"}, ["dye", "barium"], None),
        ({"q": "bar"}, ["barium"], "No"),
        ({"language__exact": "es"}, [], "No"),
    ],
)
def test_list_shows_first_what_waits_and_most_often(staff, query, rows, chosen):
    missed()
    response = staff("Editor").get(MISSED, query)
    choices = response.context["cl"].filter_specs[0].choices(response.context["cl"])
    marked = [choice["display"] for choice in choices if choice["selected"]]
    assert (shown(response), marked) == (rows, [chosen] if chosen else [])


def test_each_is_searched_again_in_its_language(staff):
    for language, words in (("en", "blue dye"), ("es", "azúcar")):
        MissedSearch.objects.create(language=language, words=words)
    page = staff("Editor").get(MISSED, {"o": "2"}).text
    assert re.findall(r'<td class="field-try_again"><a href="(.*?)">', page) == [
        "/search/?q=blue dye",
        "/es/search/?q=azúcar",
    ]


@pytest.mark.parametrize("role", [roles.EDITOR, roles.ADMINISTRATOR])
def test_dealt_with_is_marked_once(staff, role):
    rows = missed()
    with time_machine.travel(NOON.replace(hour=18), tick=False):
        response = staff(role).post(
            f"{MISSED}?dealt=all",
            {"action": "mark_dealt_with", "_selected_action": [rows["dye"].pk, rows["magnet"].pk], "sure": "yes"},
            follow=True,
        )
    assert said(response) == [("success", "Marked as dealt with: 2.")]
    assert dict(MissedSearch.objects.values_list("words", "handled_at")) == {
        "barium": None,
        "dye": NOON.replace(hour=18),
        "magnet": NOON,
        "tube": NOON,
    }


def test_what_is_missed_again_waits_again(staff, client):
    missed()
    client.get("/search/", {"q": "Magnet"})
    assert shown(staff("Editor").get(MISSED)) == ["dye", "magnet", "barium"]
    assert MissedSearch.objects.get(words="magnet").count == 6


@pytest.mark.parametrize("role", roles.STAFF_ROLES)
def test_who_sees_and_marks_what_was_missed(staff, role):
    rows = missed()
    client, before = staff(role), list(MissedSearch.objects.order_by("pk").values())
    response = client.get(MISSED)
    if role in OUTSIDE:
        assert response.status_code == 403
    else:
        may = [] if role == roles.CLINICAL_REVIEWER else ["mark_dealt_with"]
        assert re.findall(r'<option value="(\w+)">', response.text) == may
    if role not in (roles.EDITOR, roles.ADMINISTRATOR):
        client.post(MISSED, {"action": "mark_dealt_with", "_selected_action": [rows["dye"].pk], "sure": "yes"})
        client.post(change_address(rows["dye"]), {"words": "mine", "handled_at": "2026-05-01"})
        assert list(MissedSearch.objects.order_by("pk").values()) == before


def test_nobody_writes_or_deletes_what_was_missed(staff):
    row = missed()["dye"]
    before = list(MissedSearch.objects.order_by("pk").values())
    client = staff(roles.ADMINISTRATOR, is_superuser=True)
    assert [
        client.get(reverse("admin:search_missedsearch_add")).status_code,
        client.post(reverse("admin:search_missedsearch_delete", args=[row.pk]), {"post": "yes"}).status_code,
    ] == [403, 403]
    client.post(
        change_address(row), {"words": "mine", "count": "1", "handled_at_0": "2026-05-01", "handled_at_1": "1:00"}
    )
    assert list(MissedSearch.objects.order_by("pk").values()) == before


@pytest.mark.parametrize(("address", "queries"), [(SYNONYMS, 12), (f"{MISSED}?dealt=all", 11)])
@pytest.mark.parametrize("count", [1, 3])
def test_lists_do_not_ask_more_for_more_rows(staff, django_assert_num_queries, address, queries, count):
    for number in range(count):
        SynonymGroup.objects.create(language="en", text=f"word {number} = other {number}")
        MissedSearch.objects.create(language="en", words=f"word {number}")
    client = staff("Editor")
    client.get(address)
    with django_assert_num_queries(queries):
        page = client.get(address)
    assert page.context["cl"].result_count == count
