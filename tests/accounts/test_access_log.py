import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import resolve

from careers.models import Opening
from practice.accounts.access_log import LoggedReadsMixin, record_read
from practice.accounts.models import AccessEntry
from tests.factories import OpeningFactory, PatientFactory, UserFactory


def readings():
    return list(AccessEntry.objects.order_by("pk").values_list("user__email", "what", "row", "how", "address"))


@pytest.fixture
def entry(db):
    return AccessEntry.objects.create(
        user=UserFactory(), what="patients.patient", row="7", how="x", address="192.0.2.1"
    )


@pytest.fixture
def request_by(rf, db):
    """A function that makes a request of a person with these roles to a page of the admin."""

    def make(*roles, method="get", address="192.0.2.7", **facts):
        request = getattr(rf, method)("/admin/", REMOTE_ADDR=address)
        request.user = UserFactory(email="ann@example.com", roles=roles, is_staff=True, **facts)
        request.resolver_match = resolve("/admin/careers/opening/1/change/")
        request.session = {}
        return request

    return make


# ---- Nobody edits the log -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "verb"),
    [
        ("UPDATE accounts_accessentry SET row = '8'", "UPDATE"),
        ("UPDATE accounts_accessentry SET read_at = now()", "UPDATE"),
        ("DELETE FROM accounts_accessentry", "DELETE"),
        ("TRUNCATE accounts_accessentry", "TRUNCATE"),
        ("TRUNCATE accounts_user CASCADE", "TRUNCATE"),
    ],
)
def test_database_refuses_to_change_the_log(entry, attack, verb):
    before = AccessEntry.objects.values().get()
    connection.check_constraints()  # else PostgreSQL has checks pending and refuses TRUNCATE for that
    with (
        pytest.raises(IntegrityError, match=f"the access log keeps what was written: {verb} refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(attack)
    assert AccessEntry.objects.values().get() == before


@pytest.mark.parametrize("change", [lambda entry: entry.save(), lambda entry: entry.delete()])
def test_models_cannot_change_the_log_either(entry, change):
    with pytest.raises(IntegrityError, match="the access log keeps what was written"), transaction.atomic():
        change(entry)
    assert AccessEntry.objects.count() == 1


def test_entry_names_the_row_only(entry):
    assert str(entry) == "patients.patient 7"


# ---- Who is written down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "written"), [("", "admin:careers_opening_change"), ("export", "export")])
def test_record_read(request_by, how, written):
    opening = OpeningFactory()
    record_read(request_by(), opening, how)
    assert readings() == [("ann@example.com", "careers.opening", str(opening.pk), written, "192.0.2.7")]


class Logged(LoggedReadsMixin, admin.ModelAdmin):
    pass


@pytest.fixture
def logged():
    return Logged(Opening, admin.site)


@pytest.mark.parametrize("view", ["change_view", "history_view"])
@pytest.mark.parametrize("role", ["Hiring", "Administrator"])
def test_opening_a_row_is_logged(request_by, logged, view, role):
    opening = OpeningFactory()
    getattr(logged, view)(request_by(role), str(opening.pk))
    assert [(what, row) for _user, what, row, _how, _address in readings()] == [("careers.opening", str(opening.pk))]


@pytest.mark.parametrize("view", ["change_view", "history_view"])
def test_opening_a_row_one_may_not_see_is_not_logged(request_by, logged, view):
    opening = OpeningFactory()
    with pytest.raises(PermissionDenied):
        getattr(logged, view)(request_by("Editor"), str(opening.pk))
    assert readings() == []


@pytest.mark.parametrize("row", ["999", "not-a-number"])
def test_opening_a_row_that_is_not_there_is_not_logged(staff, identity, row):
    response = staff("Hiring").get(f"/admin/careers/application/{row}/change/")
    assert (response.status_code, readings()) == (302, [])


def test_admins_of_what_is_about_people_are_logged():
    logged = {
        model._meta.label_lower for model, found in admin.site._registry.items() if isinstance(found, LoggedReadsMixin)
    }
    assert logged == {
        "billing.attempt",
        "billing.dispute",
        "billing.estimaterequest",
        "billing.journal",
        "billing.payment",
        "billing.paymentplan",
        "billing.question",
        "billing.refund",
        "billing.statement",
        "careers.application",
        "patients.patient",
        "practice.feedback",
    }


def test_lists_and_searches_that_show_people_are_logged(staff, identity):
    patient = PatientFactory()
    client = staff("Billing")
    client.get("/admin/patients/patient/")
    client.get("/admin/find/", {"q": patient.account_number})
    client.get("/admin/find/", {"q": "no such number"})
    client.get("/admin/billing/statement/credit/")
    read = AccessEntry.objects.order_by("pk").values_list("what", "row", "how")
    assert list(read) == [
        ("patients.patient", "list", "admin:patients_patient_changelist"),
        ("patients.patient", "search", "admin:search"),
        ("billing.statement", "credit", "admin:billing_statement_credit"),
    ]
