"""The billing office: it sees what it needs, each look is logged, and nobody changes money by hand."""

import re

import pytest
from django.urls import reverse

from billing.codes import printed
from billing.gateways.interface import Outcome, OutcomeState
from billing.models import Journal, Payment
from billing.payments import settle
from practice.accounts import roles
from practice.accounts.models import AccessEntry
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(identity):
    statement = factories.StatementFactory(owes=10_000)
    settle(
        factories.AttemptFactory(statement=statement, amount_cents=4_000),
        Outcome(OutcomeState.PAID, payment_ref="pay_1", amount_cents=4_000),
    )
    return Payment.objects.get()


def text(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_statement_page_shows_lines_payments_and_code_and_logs_the_reading(staff, payment):
    statement = payment.statement
    client = staff(roles.BILLING)

    page = text(client.get(reverse("admin:billing_statement_change", args=[statement.pk])))

    assert "Testa Patientson" in page
    assert printed(statement.code) in page
    assert payment.receipt_number in page
    assert [amount for amount in ("$300.00", "$60.00", "$40.00") if amount not in page] == []
    entry = AccessEntry.objects.get()
    assert (entry.what, entry.row, entry.how) == (
        "billing.statement",
        str(statement.pk),
        "admin:billing_statement_change",
    )


@pytest.mark.parametrize("model", ["statement", "payment", "attempt", "journal", "importbatch", "gatewayevent"])
def test_money_is_read_only_even_for_the_administrator(staff, payment, model):
    client = staff(is_superuser=True)
    row = {"statement": payment.statement_id, "payment": payment.pk, "attempt": payment.attempt_id}.get(model)
    row = row or (Journal.objects.first().pk if model == "journal" else 1)

    add = client.post(reverse(f"admin:billing_{model}_add"), {})
    delete = client.post(reverse(f"admin:billing_{model}_delete", args=[row]), {"post": "yes"})
    change = client.post(reverse(f"admin:billing_{model}_change", args=[row]), {"amount_cents": "1"})

    assert add.status_code == 403
    assert (delete.status_code, change.status_code) in [(403, 403), (302, 302)]  # 302: there is no such row
    assert Payment.objects.get().amount_cents == 4_000


@pytest.mark.parametrize("role", [roles.EDITOR, roles.HIRING, roles.RESOURCES_EDITOR, roles.CLINICAL_REVIEWER])
@pytest.mark.parametrize("model", ["billing_statement", "billing_payment", "patients_patient", "billing_journal"])
def test_other_roles_see_no_bills(staff, payment, role, model):
    client = staff(role)

    assert client.get(reverse(f"admin:{model}_changelist")).status_code == 403
    assert reverse(f"admin:{model}_changelist") not in client.get("/admin/").content.decode()


def test_list_shows_what_is_owed_first(staff, payment):
    paid = factories.StatementFactory(owes=0)
    client = staff(roles.BILLING)
    url = reverse("admin:billing_statement_changelist")

    owed, everything = text(client.get(url)), text(client.get(url, {"balance": "all"}))

    assert (payment.statement.number in owed, paid.number in owed) == (True, False)
    assert (payment.statement.number in everything, paid.number in everything) == (True, True)


def test_list_names_no_patient(staff, payment):
    page = text(staff(roles.BILLING).get(reverse("admin:billing_statement_changelist")))

    assert payment.statement.patient.account_number in page
    assert "Patientson" not in page


@pytest.mark.parametrize(
    ("term", "found"), [("Patientson", True), ("pátientsón", True), ("Patient", False), ("Other", False)]
)
def test_patient_is_found_by_whole_last_name(staff, payment, term, found):
    page = text(staff(roles.BILLING).get(reverse("admin:patients_patient_changelist"), {"q": term}))

    assert (payment.statement.patient.account_number in page) is found


def test_patient_page_is_logged_and_only_the_lead_may_correct_it(staff, payment):
    patient = payment.statement.patient
    url = reverse("admin:patients_patient_change", args=[patient.pk])
    facts = {"first_name": "Testa", "last_name": "Corrected", "born_on": "1950-06-16", "language": "es"}

    refused = staff(roles.BILLING).post(url, facts)
    taken = staff(roles.BILLING_LEAD).post(url, facts)

    patient.refresh_from_db()
    assert (refused.status_code, taken.status_code) == (403, 302)
    assert (patient.last_name, patient.born_on.isoformat(), patient.language) == ("Corrected", "1950-06-16", "es")
    assert list(type(patient).objects.named("corrected")) == [patient]
    assert {entry.what for entry in AccessEntry.objects.all()} == {"patients.patient"}


def test_admin_log_never_holds_a_name(staff, payment):
    from django.contrib.admin.models import LogEntry  # noqa: PLC0415

    patient = payment.statement.patient
    staff(roles.BILLING_LEAD).post(
        reverse("admin:patients_patient_change", args=[patient.pk]),
        {"first_name": "Testa", "last_name": "Corrected", "born_on": "1950-06-16", "language": "es"},
    )

    entry = LogEntry.objects.get()
    assert entry.object_repr == patient.account_number
    assert "Corrected" not in entry.change_message
    assert "1950" not in entry.change_message
