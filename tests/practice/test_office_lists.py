"""The office's lists at any size: nothing is counted to its end, and nobody chooses from a list of thousands."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import flatten_fieldsets
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from practice.office_lists import CappedPaginator, LargeListMixin
from tests import factories

pytestmark = pytest.mark.usefixtures("identity")

# Tables that grow for as long as the practice works.
LARGE = {
    "accounts.accessentry", "accounts.change", "billing.attempt", "billing.dispute", "billing.estimaterequest",
    "billing.gatewayevent", "billing.journal", "billing.payment", "billing.paymentplan", "billing.question",
    "billing.refund", "billing.statement", "careers.application", "patients.patient", "practice.feedback",
    "search.missedsearch",
}  # fmt: skip
# Tables short enough for a select.
SHORT = {"practice.location", "practice.subspecialty", "practice.notice", "auth.group"}
PAGES = {model._meta.label_lower: page for model, page in admin.site._registry.items()}


def lists():
    return sorted(f"/admin/{label.replace('.', '/')}/" for label in LARGE)


def test_large_tables_have_large_lists():
    assert {label for label, page in PAGES.items() if isinstance(page, LargeListMixin)} == LARGE


@pytest.mark.parametrize("address", lists())
@pytest.mark.parametrize("query", ["", "?q=12345"])
def test_large_list_counts_no_further_than_shown_and_reads_no_column_to_its_end(staff, address, query):
    client = staff("Administrator", is_superuser=True)
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address + query).status_code == 200
    told = [entry["sql"] for entry in asked.captured_queries]
    endless = [sql for sql in told if re.search(r"\bCOUNT\(|\bDISTINCT\b|\bMIN\(|\bMAX\(", sql) and "LIMIT" not in sql]
    assert endless == []


def test_count_stops_and_says_so(staff, monkeypatch):
    monkeypatch.setattr(CappedPaginator, "most_counted", 2)
    factories.FeedbackFactory.create_batch(2)
    client = staff("Front desk")
    assert "more than" not in client.get("/admin/practice/feedback/").text
    factories.FeedbackFactory()
    page = client.get("/admin/practice/feedback/").text
    assert "more than 2 feedback: search or filter to narrow them down" in " ".join(page.split())


def may_add(part, request):
    return part.has_add_permission(request, *([None] if isinstance(part, InlineModelAdmin) else []))


LIMITED = {"reviewers"}  # those with one role


def test_nobody_chooses_from_a_select_of_a_table_that_grows(rf, admin_user):
    request = RequestFactory().get("/")
    request.user = admin_user
    selects = set()
    for page in PAGES.values():
        for part in [page, *page.get_inline_instances(request)]:
            names = set(flatten_fieldsets(part.get_fieldsets(request))) - set(part.get_readonly_fields(request))
            quick = {*part.autocomplete_fields, *part.raw_id_fields}
            selects |= {
                field.related_model._meta.label_lower
                for field in [*part.model._meta.fields, *part.model._meta.many_to_many]
                if field.name in names - quick - LIMITED
                and field.related_model not in (None, page.model)
                and may_add(part, request)
            }
    assert selects <= SHORT


# ---- Search across --------------------------------------------------------------------------------------------------


def found(client, words):
    """{room: [words]} as the page of the search shows them."""
    rooms = client.get("/admin/find/", {"q": words}).context["found"]
    return {str(room.room): [text for text, _url in room.rows] for room in rooms}


def test_search_finds_in_every_room_that_the_person_may_open(staff):
    physician = factories.PhysicianFactory(name="Quill Marsh")
    statement = factories.StatementFactory()
    assert found(staff("Editor"), "quill") == {"physicians": [str(physician)]}
    assert found(staff("Billing"), statement.number) == {"statements": [statement.number]}
    assert found(staff("Billing"), "quill") == {}
    assert found(staff("Editor"), statement.number) == {}


def test_search_finds_nothing_of_another_team(staff):
    factories.ApplicationFactory(name="Quill Marsh", opening__is_read_blind=False)
    seen = {role: list(found(staff(role), "quill")) for role in ("Hiring", "Editor", "Front desk", "Resources editor")}
    assert seen == {"Hiring": ["applications"], "Editor": [], "Front desk": [], "Resources editor": []}


def test_search_finds_pages_and_tasks_by_name(staff):
    assert found(staff("Editor"), "ANNOUNCÉ")["Pages"] == ["Announce something", "Announcements"]
    assert "Pages" not in found(staff("Hiring"), "announcement")


def test_search_shows_five_of_a_room_and_leads_to_the_rest(staff):
    factories.PhysicianFactory.create_batch(7, name="Quill Marsh")
    client = staff("Editor")
    (room,) = client.get("/admin/find/?q=quill").context["found"]
    assert (len(room.rows), room.more) == (5, "/admin/practice/physician/?q=quill")
    assert client.get(room.more).context["cl"].result_count == 7
    assert all(client.get(url).status_code == 200 for _text, url in room.rows)


def test_search_leaves_the_logs_out_and_writes_nothing_in_them(staff):
    client = staff("Administrator", is_superuser=True, email="quill@example.com")
    client.get("/admin/practice/feedback/")
    assert set(found(client, "quill")) == {"users"}


@pytest.mark.parametrize(
    "words",
    ["", " ", "'", '"', "%", "_", "\\", "0", "-1", "9" * 40, "1e309", "ﷺ", "a" * 300, "🦴", "é", "SELECT 1;", "\x01"],
)
def test_search_takes_any_words(staff, words):
    factories.StatementFactory()
    assert staff("Administrator", is_superuser=True).get("/admin/find/", {"q": words}).status_code == 200


def test_search_is_on_every_page_of_the_office_and_nowhere_else(staff, client):
    page = staff("Hiring").get("/admin/careers/opening/").text
    assert 'action="/admin/find/"' in page
    assert client.get("/admin/find/?q=x").status_code == 302
    assert 'action="/admin/find/"' not in client.get("/").text


def test_whole_words_are_looked_up_in_each_columns_own_index(staff):
    """Joined and compared afterwards, as Django does it, a million rows are read to find one."""
    bill = factories.StatementFactory()
    client = staff("Billing")
    for words in (bill.number, bill.patient.account_number):
        page = client.get("/admin/billing/statement/", {"balance": "all", "q": words})
        assert [row.pk for row in page.context["cl"].result_list] == [bill.pk]
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/billing/statement/", {"q": bill.patient.account_number})
    (listed,) = [
        sql for sql in (entry["sql"] for entry in asked.captured_queries) if 'ORDER BY "billing_statement"' in sql
    ]
    assert listed.partition("WHERE")[2].count("account_number") == 0
