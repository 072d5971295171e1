"""The billing office: it sees what it needs, each look is logged, and nobody changes money by hand."""

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from billing import links
from billing.close import close_day
from billing.codes import printed
from billing.disputes import apply_dispute
from billing.exports import statements_file
from billing.gateways.interface import DisputeOutcome, DisputeOutcomeState, Outcome, OutcomeState, Unknown
from billing.gateways.sandbox.models import CardSession, Movement
from billing.gateways.sandbox.processor import SandboxGateway, take_payment
from billing.imports import import_statements
from billing.ledger import credit_of, written_off_on
from billing.lookup import PER_STATEMENT
from billing.models import (
    Attempt,
    DailyClose,
    Dispute,
    EstimateRequest,
    GatewayEvent,
    ImportBatch,
    Instalment,
    Journal,
    Leg,
    Payment,
    PaymentPlan,
    Question,
    QuestionKind,
    QuestionMessage,
    Refund,
    RefundState,
    Statement,
    StatementUpload,
    UploadState,
)
from billing.office.dashboard import figures
from billing.payments import look_at, settle, start_payment
from billing.plans import agree
from billing.proof import prove
from billing.questions import answer, ask, close_question, record_estimate, request_estimate
from billing.refunds import decide_refund, request_refund
from billing.uploads import take_upload
from billing.withdrawals import reissue_statement, void_statement, write_off
from practice.accounts import roles
from practice.accounts.models import AccessEntry
from practice.models import Throttle
from practice.money import dollars
from practice.throttles import count_try
from tests import factories
from tests.billing import books
from tests.billing.books import statement_behind
from tests.billing.test_imports import owes, table

pytestmark = pytest.mark.django_db


def paid(billed=10_000, cents=4_000):
    """A payment that the sandbox knows too."""
    attempt = start_payment(factories.StatementFactory(owes=billed), cents, "en")
    take_payment(CardSession.objects.get(key=attempt.pk).pk, messages=0)
    return look_at(attempt).payment


@pytest.fixture
def payment(identity):
    return paid()


def seal():
    """Check and seal what was posted, as a commit does."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


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
    assert [secret for secret in ("sandbox_", statement.code_index, statement.link_index) if secret in page] == []
    entry = AccessEntry.objects.get()
    assert (entry.what, entry.row, entry.how) == (
        "billing.statement",
        str(statement.pk),
        "admin:billing_statement_change",
    )


@pytest.mark.parametrize(
    "model",
    [
        "statement",
        "payment",
        "attempt",
        "journal",
        "importbatch",
        "gatewayevent",
        "refund",
        "dispute",
        "paymentplan",
        "question",
        "estimaterequest",
        "dailyclose",
    ],
)
def test_money_is_read_only_even_for_the_administrator(staff, payment, model):
    client = staff(is_superuser=True)
    row = {"statement": payment.statement_id, "payment": payment.pk, "attempt": payment.attempt_id}.get(model)
    row = row or (Journal.objects.first().pk if model == "journal" else uuid4() if model == "paymentplan" else 1)

    add = client.post(reverse(f"admin:billing_{model}_add"), {})
    delete = client.post(reverse(f"admin:billing_{model}_delete", args=[row]), {"post": "yes"})
    change = client.post(reverse(f"admin:billing_{model}_change", args=[row]), {"amount_cents": "1"})

    assert add.status_code == 403
    assert (delete.status_code, change.status_code) in [(403, 403), (302, 302)]  # 302: there is no such row
    assert Payment.objects.get().amount_cents == 4_000


LISTS = (
    "billing_statement", "billing_payment", "patients_patient", "billing_journal", "billing_refund", "billing_dispute",
    "billing_paymentplan", "billing_question", "billing_estimaterequest", "billing_dailyclose", "billing_statementupload",
)  # fmt: skip


@pytest.mark.parametrize("role", [roles.EDITOR, roles.HIRING, roles.RESOURCES_EDITOR, roles.CLINICAL_REVIEWER])
def test_other_roles_see_no_bills(staff, payment, role, subtests):
    client = staff(role)
    front_page = client.get("/admin/").content.decode()

    for model in LISTS:
        with subtests.test(model=model):
            assert client.get(reverse(f"admin:{model}_changelist")).status_code == 403
            assert reverse(f"admin:{model}_changelist") not in front_page


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


@pytest.mark.parametrize("is_revoked", [False, True])
def test_statement_page_shows_the_qr_code_of_the_paper(staff, payment, is_revoked):
    svg = links.qr_svg(payment.statement)
    if is_revoked:
        links.revoke_link(payment.statement)
    page = staff(roles.BILLING).get(reverse("admin:billing_statement_change", args=[payment.statement_id]))

    assert (svg in page.content.decode(), "QR code: revoked" in text(page)) == (not is_revoked, is_revoked)


def test_list_says_since_when_a_bill_is_on_hold(staff, identity):
    held, free = owing(), owing()
    ask(held, QuestionKind.CHARGE, "Why?", at=datetime(2026, 11, 24, 3, tzinfo=UTC))  # the evening before, in Indiana
    page = staff(roles.BILLING).get(reverse("admin:billing_statement_changelist")).content.decode()

    days = re.findall(r'<td class="field-on_hold[^"]*">(.*?)</td>', page)
    numbers = re.findall(r'<th class="field-number">.*?>(.*?)</a>', page)
    assert dict(zip(numbers, days, strict=True)) == {held.number: "11/23/2026", free.number: "-"}


# ---- People ---------------------------------------------------------------------------------------------------------


def clara():
    return factories.UserFactory(name="Clara Clerk", email="clara@example.com")


def a_decided_refund():
    refund = request_refund(paid(30_000, 30_000), 25_000, by=factories.UserFactory(), reason="Paid twice")
    return decide_refund(refund, by=clara(), approve=False)


def an_answered_question():
    question = asked()
    answer(question, "Because.", by=clara())
    return question


def a_given_estimate():
    estimate = wanted()
    record_estimate(estimate, 100, by=clara())
    estimate.refresh_from_db()
    return estimate


def a_write_off():
    write_off(owing(), 100, by=clara(), reason="Hardship", cause=uuid4())
    return Journal.objects.get(kind="write-off")


def an_upload():
    return take_upload(SimpleUploadedFile("statements.csv", table()), by=clara())


def an_import():
    import_statements(table(), "statements.csv", by=clara())
    return ImportBatch.objects.get()


def a_closed_day():
    paid()
    seal()
    return close_day(by=clara())


@pytest.mark.parametrize(
    ("model", "make", "role"),
    [
        ("refund", a_decided_refund, roles.BILLING),
        ("payment", lambda: a_decided_refund().payment, roles.BILLING),
        ("question", an_answered_question, roles.BILLING),
        ("estimaterequest", a_given_estimate, roles.BILLING),
        ("statementupload", an_upload, roles.BILLING),
        ("importbatch", an_import, roles.BILLING),
        ("dailyclose", a_closed_day, roles.BILLING),
        ("journal", a_write_off, roles.BILLING_LEAD),
    ],
)
def test_people_are_named_without_a_link_to_their_account(staff, identity, model, make, role):
    page = staff(role).get(page_of(model, make())).content.decode()

    assert (page.count("Clara Clerk"), page.count("/admin/accounts/user/")) == (1, 0)


def test_person_without_a_name_is_shown_by_address_and_nobody_as_nothing(staff, identity):
    refund = a_decided_refund()
    type(refund.decided_by).objects.filter(pk=refund.decided_by_id).update(name="")
    waiting = proposed()
    client = staff(roles.BILLING)
    pages = [client.get(page_of("refund", row)).content.decode() for row in (refund, waiting)]

    shown = [re.findall(r"<label>Decided by:</label>\s*<div class=\"readonly\">(.*?)</div>", page) for page in pages]
    assert shown == [["clara@example.com"], [""]]


# ---- Searching ------------------------------------------------------------------------------------------------------


def a_paid_bill():
    statement = factories.StatementFactory(owes=0)
    return statement, statement.number


def a_made_refund():
    refund = request_refund(paid(), 1_000, by=factories.UserFactory(), reason="x")
    return refund, refund.payment.receipt_number


def a_won_dispute():
    ref = paid().payment_ref
    for state in (DisputeOutcomeState.OPEN, DisputeOutcomeState.WON):
        apply_dispute("sandbox", DisputeOutcome(state, "d_won", ref, 1_000))
    return Dispute.objects.get(), "d_won"


def a_closed_question():
    question = asked()
    close_question(question)
    return question, question.statement.number


@pytest.mark.parametrize(
    ("model", "make"),
    [
        ("statement", a_paid_bill),
        ("refund", a_made_refund),
        ("dispute", a_won_dispute),
        ("question", a_closed_question),
    ],
)
def test_search_finds_what_the_list_leaves_out(staff, identity, model, make):
    row, term = make()
    client, url = staff(roles.BILLING), reverse(f"admin:billing_{model}_changelist")

    found = [list(client.get(url, {"q": q}).context["cl"].result_list) for q in ("", " ", term, "nothing")]

    assert found == [[], [], [row], []]


def test_search_keeps_to_what_was_chosen(staff, identity):
    refund, term = a_made_refund()
    give_back(refund.payment, 100, timezone.now(), RefundState.FAILED)
    page = staff(roles.BILLING).get(reverse("admin:billing_refund_changelist"), {"q": term, "state": "failed"})

    assert [row.amount_cents for row in page.context["cl"].result_list] == [100]


# ---- Acts -----------------------------------------------------------------------------------------------------------


def owing():
    return factories.StatementFactory(owes=10_000)


def locked_out():
    """A statement somebody has tried too often."""
    statement = owing()
    for _time in range(PER_STATEMENT.times + 1):
        count_try(PER_STATEMENT, statement.code_index, subject=statement.code_index)
    return statement


def voided():
    return void_statement(paid().statement, by=factories.UserFactory(), reason="Wrong insurer")


def odd_payment():
    payment = paid()
    Payment.objects.filter(pk=payment.pk).update(needs_review="Captured in eur")
    return payment


def proposed():
    return request_refund(paid(30_000, 30_000), 25_000, by=factories.UserFactory(), reason="Paid twice")


def asked():
    statement = owing()
    return ask(statement, QuestionKind.CHARGE, "Why?", line=statement.lines.get(), email="testa@example.com")


def wanted():
    return request_estimate(name="Ann", contact="ann@example.com", exam="MRI", scheduled_on=None, language="en")


def planned():
    return agree(factories.StatementFactory(owes=30_000), 3, email="testa@example.com", language="en", address=None)


def checked():
    upload = take_upload(SimpleUploadedFile("statements.csv", table()), by=factories.UserFactory())
    StatementUpload.objects.update(state=UploadState.CHECKED)
    return upload


LEAD = {roles.BILLING_LEAD}
BOTH = {roles.BILLING, roles.BILLING_LEAD}
# The act's model and name, a row to do it with, what is filled in (None: it is done at once), and who may.
ACTS = [
    ("statement", "write-off", owing, {"amount": "25.00", "reason": "Hardship"}, LEAD),
    ("statement", "void", owing, {"reason": "Wrong insurer"}, LEAD),
    ("statement", "reissue", voided, {"number": "S-NEW"}, LEAD),
    ("statement", "unlock", locked_out, None, BOTH),
    ("statement", "revoke-link", owing, {}, BOTH),
    ("statement", "renew-link", owing, {}, BOTH),
    ("payment", "refund", paid, {"amount": "10.00", "reason": "Paid twice"}, BOTH),
    ("payment", "reviewed", odd_payment, None, LEAD),
    ("refund", "approve", proposed, {}, LEAD),
    ("refund", "decline", proposed, {}, LEAD),
    ("question", "answer", asked, {"message": "Because."}, BOTH),
    ("question", "close", asked, {}, BOTH),
    ("estimaterequest", "record", wanted, {"amount": "250.00"}, BOTH | {roles.FRONT_DESK}),
    ("paymentplan", "cancel", planned, None, BOTH),
    ("statementupload", "accept", checked, None, BOTH),
    ("statementupload", "discard", checked, None, BOTH),
]
NAMES = [f"{model} {act}" for model, act, *_rest in ACTS]
each_act = pytest.mark.parametrize(("model", "act", "make", "facts", "who"), ACTS, ids=NAMES)
TABLES = [
    Statement, Journal, Leg, Payment, Refund, Attempt, Question, QuestionMessage, EstimateRequest, PaymentPlan,
    Instalment, StatementUpload, Throttle, ImportBatch,
]  # fmt: skip


def world():
    """All that an act could change."""
    return {model.__name__: sorted(map(repr, model.objects.values())) for model in TABLES}


def page_of(model, row):
    return reverse(f"admin:billing_{model}_change", args=[row.pk])


def address(model, act, row):
    return f"/admin/billing/{model}/{row.pk}/act/{act}/"


def filled(client, url, facts):
    """What the browser sends: the form with its hidden id."""
    form = client.get(url).context["form"] if facts is not None else None
    return (facts or {}) | ({"once": str(form["once"].value())} if form and "once" in form.fields else {})


def facts_of(response):
    """What an act's page says of the row."""
    return {str(label): str(value) for label, value in response.context["facts"]}


def said(response):
    return [str(message) for message in response.context["messages"]]


def act_on(client, model, act, row, facts=None):
    url = address(model, act, row)
    return client.post(url, filled(client, url, facts), follow=True)


@each_act
def test_act_is_only_for_those_who_may(client, staff, identity, model, act, make, facts, who):
    row = make()
    url, before = address(model, act, row), world()

    for role in sorted({*roles.STAFF_ROLES} - who):
        member = staff(role)
        assert (role, member.get(url).status_code, member.post(url, facts or {}).status_code) == (role, 403, 403)
    assert client.post(url, facts or {}).url.startswith("/accounts/login/")
    assert world() == before
    assert AccessEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("model", "act", "make", "facts", "role"),
    [(*case[:4], role) for case in ACTS for role in sorted(case[4])],
    ids=[f"{case[0]} {case[1]} {role}" for case in ACTS for role in sorted(case[4])],
)
def test_act_is_done_by_those_who_may_and_logged(staff, identity, model, act, make, facts, role):
    row, client = make(), staff(role)
    url, before = address(model, act, row), world()
    sent = filled(client, url, facts)
    looked = AccessEntry.objects.count()

    response = client.post(url, sent)

    lands_on = Statement.objects.get(number="S-NEW") if act == "reissue" else row
    assert (response.status_code, response.headers.get("Location")) == (302, page_of(model, lands_on))
    assert world() != before
    logged = AccessEntry.objects.order_by("pk")[looked:]
    assert [(entry.what, entry.row, entry.how) for entry in logged] == [
        (f"billing.{model}", str(row.pk), f"admin:billing_{model}_{act.replace('-', '_')}")
    ]


@each_act
def test_act_is_not_done_by_looking(staff, identity, model, act, make, facts, who):
    """A page that asks is shown and logged; what is done at once is only done by its button."""
    row, client = make(), staff(is_superuser=True)
    before = world()

    response = client.get(address(model, act, row))

    assert world() == before
    if facts is None:
        assert (response.status_code, response.headers["Location"]) == (302, page_of(model, row))
        assert AccessEntry.objects.count() == 0
    else:
        assert response.status_code == 200
        assert AccessEntry.objects.get().row == str(row.pk)


@pytest.mark.parametrize(
    ("model", "act", "make", "facts", "who"),
    [case for case in ACTS if case[1] != "renew-link"],
    ids=[name for name in NAMES if name != "statement renew-link"],
)
def test_act_sent_twice_is_done_once(staff, identity, model, act, make, facts, who):
    row, client = make(), staff(is_superuser=True)
    url = address(model, act, row)
    sent = filled(client, url, facts)

    client.post(url, sent)
    once = world()
    again = client.post(url, sent)

    assert world() == once
    assert again.status_code == 302


@pytest.mark.parametrize(
    ("model", "act", "make", "facts"),
    [case[:4] for case in ACTS if case[3]],
    ids=[name for name, case in zip(NAMES, ACTS, strict=True) if case[3]],
)
def test_act_needs_what_is_asked(staff, identity, model, act, make, facts):
    row, client = make(), staff(is_superuser=True)
    before = world()

    response = client.post(address(model, act, row), dict.fromkeys(facts, " "))

    assert sorted(set(response.context["form"].errors) - {"once"}) == sorted(facts)
    assert world() == before


@each_act
def test_act_of_a_row_that_is_not_there(staff, identity, model, act, make, facts, who):
    make()
    absent = uuid4() if model in {"refund", "paymentplan", "statementupload"} else 999_999_999

    for wrong in (absent, "nonsense"):
        url = f"/admin/billing/{model}/{wrong}/act/{act}/"
        assert staff(is_superuser=True).post(url, facts or {}).status_code == 404


def offered(client, model, row):
    return [str(act["label"]) for act in client.get(page_of(model, row)).context["acts"]]


@pytest.mark.parametrize(
    ("model", "make", "role", "labels"),
    [
        ("statement", owing, roles.BILLING, ["Let the patient try again", "Revoke the QR code", "Make a new QR code"]),
        (
            "statement",
            owing,
            roles.BILLING_LEAD,
            [
                "Write off",
                "Void the statement",
                "Let the patient try again",
                "Revoke the QR code",
                "Make a new QR code",
            ],
        ),
        ("statement", voided, roles.BILLING, []),
        ("statement", voided, roles.BILLING_LEAD, ["Issue it again"]),
        ("payment", paid, roles.BILLING, ["Return money"]),
        ("payment", odd_payment, roles.BILLING, ["Return money"]),
        ("payment", odd_payment, roles.BILLING_LEAD, ["Return money", "I have looked at this"]),
        ("refund", proposed, roles.BILLING, []),
        ("refund", proposed, roles.BILLING_LEAD, ["Approve the refund", "Decline it"]),
        ("question", asked, roles.BILLING, ["Answer", "Close without an answer"]),
        ("estimaterequest", wanted, roles.FRONT_DESK, ["Record the estimate"]),
        ("paymentplan", planned, roles.BILLING, ["Cancel the plan"]),
        ("statementupload", checked, roles.BILLING, ["Import these statements", "Delete the file"]),
    ],
)
def test_page_offers_what_this_person_may_do_now(staff, identity, model, make, role, labels):
    assert offered(staff(role), model, make()) == labels


# ---- Acts on a statement --------------------------------------------------------------------------------------------


def test_write_off_lowers_what_is_owed_and_keeps_who_and_why(staff, identity):
    statement = owing()
    response = act_on(
        staff(roles.BILLING_LEAD, email="lead@example.com"),
        "statement",
        "write-off",
        statement,
        {"amount": "$25.50", "reason": "Hardship"},
    )

    statement.refresh_from_db()
    journal = Journal.objects.get(kind="write-off")
    assert said(response) == ["$25.50 was written off."]
    assert (statement.balance_cents, written_off_on(statement)) == (7_450, 2_550)
    assert (journal.posted_by.email, journal.note) == ("lead@example.com", "Hardship")
    seal()
    assert prove().first_problem == ""


NO_AMOUNT = "Enter an amount in dollars and cents, like 25.00."


@pytest.mark.parametrize(
    ("amount", "field", "error"),
    [
        ("100.01", "__all__", "$100.00 is owed. Write off that or less."),
        ("0", "__all__", "$100.00 is owed. Write off that or less."),
        ("-5", "amount", NO_AMOUNT),
        ("1e1", "amount", NO_AMOUNT),
        ("NaN", "amount", NO_AMOUNT),
        ("1_0", "amount", NO_AMOUNT),
        ("１２", "amount", NO_AMOUNT),
        ("١٢", "amount", NO_AMOUNT),
        ("0.001", "amount", NO_AMOUNT),
        ("", "amount", "This field is required."),
    ],
)
def test_write_off_refuses_an_amount(staff, identity, amount, field, error):
    statement = owing()
    before = world()
    response = act_on(
        staff(roles.BILLING_LEAD), "statement", "write-off", statement, {"amount": amount, "reason": "Hardship"}
    )

    assert response.context["form"].errors == {field: [error]}
    assert error in text(response)
    assert world() == before


def test_void_owes_back_what_was_paid_and_is_found_by_nobody(staff, payment):
    statement = payment.statement
    response = act_on(staff(roles.BILLING_LEAD), "statement", "void", statement, {"reason": "Wrong insurer"})

    statement.refresh_from_db()
    assert said(response) == ["The statement is void. What was paid on it is owed back."]
    assert (statement.balance_cents, credit_of(statement), statement.link_index) == (0, 4_000, None)
    assert statement.voided_at is not None
    reasons_kept = Journal.objects.filter(kind__in=["void", "release"]).values_list("kind", "note")
    assert sorted(reasons_kept) == [("release", "Wrong insurer"), ("void", "Wrong insurer")]


class Away(SandboxGateway):
    """A processor that does not answer."""

    def stop(self, attempt):
        raise Unknown

    def refund(self, order):
        raise Unknown

    def movements(self, since, until):
        raise Unknown


def test_void_refuses_while_nobody_can_say_whether_a_card_page_was_paid(staff, identity, monkeypatch):
    statement = owing()
    start_payment(statement, 10_000, "en")
    monkeypatch.setattr("billing.payments.get_gateway", lambda code: Away())
    response = act_on(staff(roles.BILLING_LEAD), "statement", "void", statement, {"reason": "Wrong insurer"})

    assert response.context["form"].errors == {
        "__all__": [
            "A card page for this bill is open and the card processor does not answer. Try again in a few minutes."
        ]
    }
    statement.refresh_from_db()
    assert (statement.voided_at, statement.balance_cents, Attempt.objects.get().is_live) == (None, 10_000, True)


def test_void_owes_back_what_a_card_page_brought_a_moment_before(staff, identity):
    statement = owing()
    start_payment(statement, 10_000, "en")
    take_payment(CardSession.objects.get().pk, messages=0)
    response = act_on(staff(roles.BILLING_LEAD), "statement", "void", statement, {"reason": "Wrong insurer"})

    assert said(response) == ["The statement is void. What was paid on it is owed back."]
    assert (Payment.objects.get().amount_cents, credit_of(statement)) == (10_000, 10_000)


def test_reissue_uses_the_credit_of_the_old_statement(staff, identity):
    old = voided()
    response = act_on(staff(roles.BILLING_LEAD), "statement", "reissue", old, {"number": " S-NEW "})

    new = Statement.objects.get(number="S-NEW")
    assert said(response) == [
        "S-NEW was issued; $60.00 is owed on it. Enter the number in your system, print its new code."
    ]
    assert (new.replaces, new.balance_cents, credit_of(old), new.patient) == (old, 6_000, 0, old.patient)
    assert new.code != old.code
    assert statement_behind(links.link_of(new).rsplit("/", 2)[-2]) == new


def replaced_by(client, statement):
    page = client.get(page_of("statement", statement)).content.decode()
    return re.findall(r"<label>Replaced by:</label>\s*<div class=\"readonly\">(.*?)</div>", page, re.DOTALL)


def test_reissue_leads_to_the_new_statement_and_the_old_one_names_it(staff, identity):
    old, client = voided(), staff(roles.BILLING_LEAD)
    before = replaced_by(client, old)
    response = act_on(client, "statement", "reissue", old, {"number": "S-NEW"})

    new = page_of("statement", Statement.objects.get(number="S-NEW"))
    assert response.redirect_chain == [(new, 302)]
    assert (before, replaced_by(client, old)) == ([""], [f'<a href="{new}">S-NEW</a>'])


def test_page_before_voiding_shows_how_it_stands_and_what_ends(staff, identity):
    client = staff(roles.BILLING_LEAD)
    plan, payment = planned(), paid()
    shown = [facts_of(client.get(address("statement", "void", row.statement))) for row in (plan, payment)]

    assert shown == [
        {
            "Patient": plan.statement.patient.full_name,
            "Statement": plan.statement.number,
            "Billed": "$300.00",
            "Paid or taken off": "$0.00",
            "Balance": "$300.00",
            "To return": "$0.00",
            "Payment plan": "ends with this",
        },
        {
            "Patient": payment.statement.patient.full_name,
            "Statement": payment.statement.number,
            "Billed": "$100.00",
            "Paid or taken off": "$40.00",
            "Balance": "$60.00",
            "To return": "$0.00",
        },
    ]


@pytest.mark.parametrize("number", ["TAKEN", " TAKEN "])
def test_reissue_refuses_a_number_in_use(staff, identity, number):
    factories.StatementFactory(number="TAKEN")
    old = voided()
    before = world()
    response = act_on(staff(roles.BILLING_LEAD), "statement", "reissue", old, {"number": number})

    assert response.context["form"].errors == {"__all__": ["Give a statement number that no other statement has."]}
    assert world() == before


def test_unlock_lets_the_patient_try_again(staff, identity):
    statement, other = locked_out(), locked_out()
    response = act_on(staff(roles.BILLING), "statement", "unlock", statement)

    assert said(response) == ["The patient can try again."]
    tries = [count_try(PER_STATEMENT, s.code_index, subject=s.code_index) for s in (statement, other)]
    assert tries == [True, False]


def test_link_is_revoked_and_made_anew(staff, identity):
    statement, client = owing(), staff(roles.BILLING)
    old = links.link_of(statement)

    told = [said(act_on(client, "statement", name, statement)) for name in ("revoke-link", "renew-link")]

    statement.refresh_from_db()
    assert told == [
        ["The QR code on the paper leads nowhere any more. The printed code still works."],
        ["There is a new link. Print the statement again."],
    ]
    assert links.link_of(statement) not in ("", old)
    assert statement_behind(old.rsplit("/", 2)[-2]) is None


# ---- Acts on money that came ----------------------------------------------------------------------------------------


def test_refund_goes_back_to_the_card(staff, payment):
    response = act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": "10.00", "reason": "Paid twice"})

    refund = Refund.objects.get()
    payment.statement.refresh_from_db()
    assert said(response) == [f"$10.00 was returned to the card. $70.00 is owed on {payment.statement.number} now."]
    assert (refund.state, refund.amount_cents, refund.reason) == (RefundState.SUCCEEDED, 1_000, "Paid twice")
    assert (payment.statement.balance_cents, Movement.objects.get(kind="refund").amount_cents) == (7_000, 1_000)
    seal()
    assert prove().first_problem == ""


def overpaid():
    """Forty dollars paid, of which twenty became credit when the bill was corrected."""
    import_statements(table(), "statements.csv")
    payment = books.pay(Statement.objects.get(), 4_000)
    import_statements(table(owes(20)), "corrected.csv")
    payment.statement.refresh_from_db()
    return payment


def voided_after_paying():
    return voided().payments.get()


def reissued(times=1):
    """The payment of a statement that was voided and issued again, under S-1, then S-2..."""
    payment = voided_after_paying()
    statement = payment.statement
    for number in range(1, times + 1):
        statement = reissue_statement(statement, f"S-{number}", by=factories.UserFactory())
        if number < times:
            statement = void_statement(statement, by=factories.UserFactory(), reason="Wrong again")
    return payment


def withdrawn():
    """The payment of a statement that was voided, issued again and voided again."""
    payment = reissued()
    void_statement(Statement.objects.get(number="S-1"), by=factories.UserFactory(), reason="Wrong again")
    return payment


VOID = "The statement is void: nothing is owed again."
# How a payment came to stand, its statement's credit, what returning does, what is owed after ten dollars, and where.
STANDS = [
    (paid, "$0.00", "What exceeds the credit is owed again on {old}.", "$70.00", "{old}"),
    (overpaid, "$20.00", "What exceeds the credit is owed again on {old}.", "$0.00", "{old}"),
    (voided_after_paying, "$40.00", VOID, "$0.00", "{old}"),
    (reissued, "$0.00", "{old} is void, so what exceeds the credit is owed again on S-1.", "$70.00", "S-1"),
    (
        lambda: reissued(3),
        "$0.00",
        "{old} is void, so what exceeds the credit is owed again on S-3.",
        "$70.00",
        "S-3",
    ),
    (withdrawn, "$0.00", VOID, "$0.00", "S-1"),
]
each_stand = pytest.mark.parametrize(
    ("make", "credit", "does", "owed", "where"),
    STANDS,
    ids=["paid", "overpaid", "void", "reissued", "reissued thrice", "withdrawn"],
)


@each_stand
def test_refund_page_names_the_credit_and_what_returning_does(staff, identity, make, credit, does, owed, where):
    payment = make()
    number = payment.statement.number
    page = staff(roles.BILLING).get(address("payment", "refund", payment))

    assert facts_of(page) == {
        "Patient": payment.statement.patient.full_name,
        "Receipt": payment.receipt_number,
        "Paid": "$40.00",
        f"Credit on {number}": credit,
        "Returned or being returned": "$0.00",
        "Held in disputes": "$0.00",
        "Can be returned": "$40.00",
        "What returning does": does.format(old=number),
    }
    assert f"Credit on {number} {credit} " in text(page)


@each_stand
def test_refund_says_what_is_owed_now_and_on_which_bill(staff, identity, make, credit, does, owed, where):
    payment = make()
    response = act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": "10.00", "reason": "x"})

    bill = where.format(old=payment.statement.number)
    assert said(response) == [f"$10.00 was returned to the card. {owed} is owed on {bill} now."]
    assert dollars(Statement.objects.get(number=bill).balance_cents) == owed


def test_refund_once_whatever_is_clicked(staff, payment):
    """Two forms are two refunds; one form sent three times is one."""
    client, url = staff(roles.BILLING), address("payment", "refund", payment)
    first, second = (filled(client, url, {"amount": "10.00", "reason": "x", "again": again}) for again in ("", "on"))

    for sent in (first, first, second, first, second):
        client.post(url, sent)

    assert sorted(str(pk) for pk in Refund.objects.values_list("pk", flat=True)) == sorted(
        [first["once"], second["once"]]
    )
    assert Movement.objects.filter(kind="refund").count() == 2


@pytest.mark.parametrize(
    ("amount", "error"),
    [
        ("40.01", "Of this payment $40.00 can be returned. Enter that or less."),
        ("0", "Of this payment $40.00 can be returned. Enter that or less."),
        ("0.00", "Of this payment $40.00 can be returned. Enter that or less."),
    ],
)
def test_refund_refuses_more_than_was_paid(staff, payment, amount, error):
    before = world()
    response = act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": amount, "reason": "x"})

    assert response.context["form"].errors == {"__all__": [error]}
    assert world() == before


def test_refund_refuses_what_is_disputed(staff, payment):
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, "d_1", payment.payment_ref, 1_000))
    before = world()
    response = act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": "10.00", "reason": "x"})

    assert response.context["form"].errors == {
        "__all__": ["The cardholder disputes this payment at the bank, so it cannot be refunded."]
    }
    assert world() == before


def test_refund_without_an_answer_is_not_called_failed(staff, payment, monkeypatch):
    monkeypatch.setattr("billing.refunds.get_gateway", lambda code: Away())
    response = act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": "10.00", "reason": "x"})

    payment.refresh_from_db()
    assert said(response) == [
        "The card processor did not answer about $10.00. It is asked again every minute."
        f" $60.00 is owed on {payment.statement.number} now."
    ]
    assert (Refund.objects.get().state, payment.refundable_cents) == (RefundState.UNKNOWN, 3_000)


def test_large_refund_waits_for_a_second_person(staff, identity):
    payment = paid(30_000, 30_000)
    asker, second = staff(roles.BILLING_LEAD), staff(roles.BILLING_LEAD)
    asked = act_on(asker, "payment", "refund", payment, {"amount": "200.01", "reason": "Paid twice"})
    refund = Refund.objects.get()
    assert said(asked) == [
        "A refund of $200.01 waits for a second person, who finds it under Refunds."
        f" $0.00 is owed on {payment.statement.number} now."
    ]
    assert (refund.state, Movement.objects.filter(kind="refund").count()) == (RefundState.PROPOSED, 0)

    approved = act_on(second, "refund", "approve", refund, {})
    refund.refresh_from_db()
    assert said(approved) == ["$200.01 was returned to the card."]
    assert (refund.state, Movement.objects.get(kind="refund").amount_cents) == (RefundState.SUCCEEDED, 20_001)
    assert refund.decided_by != refund.requested_by


def test_who_asked_is_offered_no_word_on_it_and_has_none(staff, identity):
    payment = paid(30_000, 30_000)
    asker, second = staff(roles.BILLING_LEAD), staff(roles.BILLING_LEAD)
    act_on(asker, "payment", "refund", payment, {"amount": "250.00", "reason": "Paid twice"})
    refund = Refund.objects.get()
    before, looked = world(), AccessEntry.objects.count()

    answers = [
        (response.status_code, response.headers.get("Location"))
        for name in ("approve", "decline")
        for response in (asker.get(address("refund", name, refund)), asker.post(address("refund", name, refund)))
    ]

    assert answers == [(302, page_of("refund", refund))] * 4
    assert (world(), AccessEntry.objects.count()) == (before, looked)
    assert [offered(client, "refund", refund) for client in (asker, second)] == [
        [],
        ["Approve the refund", "Decline it"],
    ]


def test_disputed_refund_is_not_approved_but_may_be_declined(staff, identity):
    refund, client = proposed(), staff(roles.BILLING_LEAD)
    apply_dispute("sandbox", DisputeOutcome(DisputeOutcomeState.OPEN, "d_1", refund.payment.payment_ref, 1_000))
    before = world()
    approved = act_on(client, "refund", "approve", refund, {})

    assert approved.context["form"].errors == {
        "__all__": ["The cardholder disputes this payment at the bank, so it cannot be refunded."]
    }
    assert re.findall(r'<p class="errornote">(.*?)</p>', approved.content.decode()) == ["Nothing was changed."]
    assert world() == before
    assert said(act_on(client, "refund", "decline", refund, {})) == ["The refund of $250.00 was declined."]


def test_refund_of_the_set_amount_needs_nobody_else(staff, identity):
    payment = paid(30_000, 30_000)
    response = act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": "200.00", "reason": "x"})

    assert said(response) == [f"$200.00 was returned to the card. $200.00 is owed on {payment.statement.number} now."]


@pytest.mark.parametrize(
    ("amounts", "states"),
    [
        (("150.00", "50.00"), ["succeeded", "succeeded"]),
        (("150.00", "50.01"), ["succeeded", "proposed"]),
        (("100.00", "100.00", "0.01"), ["succeeded", "succeeded", "proposed"]),
        (("200.01", "50.00"), ["proposed", "succeeded"]),  # what waits for a second person is no small step
    ],
)
def test_small_refunds_count_together_towards_the_limit(staff, identity, amounts, states):
    payment, client = paid(30_000, 30_000), staff(roles.BILLING)
    for amount in amounts:
        act_on(client, "payment", "refund", payment, {"amount": amount, "reason": "Paid twice", "again": "on"})

    assert list(Refund.objects.order_by("created_at").values_list("state", flat=True)) == states
    assert Movement.objects.filter(kind="refund").count() == states.count("succeeded")


def test_same_sum_again_is_asked_about_first(staff, payment):
    """From another tab, or by the browser's way back: the form is another one, with an id of its own."""
    client, sum_ = staff(roles.BILLING), {"amount": "10.00", "reason": "Paid twice"}
    act_on(client, "payment", "refund", payment, sum_)
    page = act_on(client, "payment", "refund", payment, sum_)
    assert "$10.00 of this payment was returned a moment ago. To return it once more, tick the box." in text(page)
    assert Refund.objects.count() == 1
    act_on(client, "payment", "refund", payment, sum_ | {"again": "on"})
    act_on(client, "payment", "refund", payment, sum_ | {"amount": "9.00"})
    assert Refund.objects.count() == 3


@pytest.mark.parametrize("state", [RefundState.FAILED, RefundState.DECLINED])
def test_refund_that_returned_nothing_does_not_count_towards_the_limit(staff, identity, state):
    payment = paid(30_000, 30_000)
    give_back(payment, 15_000, timezone.now(), state)
    act_on(staff(roles.BILLING), "payment", "refund", payment, {"amount": "200.00", "reason": "x"})

    assert Refund.objects.get(amount_cents=20_000).state == RefundState.SUCCEEDED


def test_declined_refund_returns_nothing_and_frees_its_amount(staff, identity):
    refund = proposed()
    response = act_on(staff(roles.BILLING_LEAD), "refund", "decline", refund, {})

    refund.refresh_from_db()
    assert said(response) == ["The refund of $250.00 was declined."]
    assert (refund.state, refund.payment.refundable_cents) == (RefundState.DECLINED, 30_000)
    assert Movement.objects.filter(kind="refund").count() == 0
    assert offered(staff(roles.BILLING_LEAD), "refund", refund) == []


def test_note_on_an_odd_payment_is_cleared(staff, identity):
    payment = odd_payment()
    response = act_on(staff(roles.BILLING_LEAD), "payment", "reviewed", payment)

    payment.refresh_from_db()
    assert (said(response), payment.needs_review) == (["The note is cleared."], "")


# ---- Acts on what patients ask --------------------------------------------------------------------------------------


def test_answer_is_told_and_releases_the_bill(staff, identity, run_jobs, mailoutbox):
    question = asked()
    response = act_on(staff(roles.BILLING), "question", "answer", question, {"message": "It is the second reading."})
    run_jobs()

    question.refresh_from_db()
    question.statement.refresh_from_db()
    assert said(response) == ["The answer is on the patient’s page."]
    assert (question.state, question.statement.is_on_hold) == ("answered", False)
    assert [message.body for message in question.messages.all()] == ["Why?", "It is the second reading."]
    assert [m.to for m in mailoutbox].count(["testa@example.com"]) == 1
    assert [m for m in mailoutbox if "second reading" in m.body or "Why?" in m.body] == []


def test_answer_page_shows_the_thread(staff, identity):
    question = asked()
    answer(question, "Because.", by=factories.UserFactory(name="Clara Clerk"))
    page = staff(roles.BILLING).get(address("question", "answer", question))

    assert list(facts_of(page).items()) == [
        ("Statement", question.statement.number),
        ("Patient", "Testa Patientson"),
        ("Reads", "English"),
        ("E-mail", "testa@example.com"),
        ("Line", "Chest X-ray"),
        ("Patient wrote", "Why?"),
        ("Clara Clerk", "Because."),
    ]
    assert "Patient Testa Patientson Reads English E-mail testa@example.com Line Chest X-ray" in text(page)


def test_answer_page_says_where_the_answer_is_read_without_an_address(staff, identity):
    question = ask(owing(), QuestionKind.INSURANCE, "¿Por qué?", language="es")
    page = staff(roles.BILLING).get(address("question", "answer", question))

    assert facts_of(page) == {
        "Statement": question.statement.number,
        "Patient": "Testa Patientson",
        "Reads": "Spanish",
        "E-mail": "none left: the answer is read at the bill",
        "Patient wrote": "¿Por qué?",
    }


@pytest.mark.parametrize(
    ("state", "labels"),
    [("open", ["Answer", "Close without an answer"]), ("answered", ["Answer"]), ("closed", ["Answer"])],
)
def test_only_an_open_question_is_closed_without_an_answer(staff, identity, state, labels):
    question, client = asked(), staff(roles.BILLING)
    Question.objects.update(state=state)

    assert offered(client, "question", question) == labels
    act_on(client, "question", "close", question)
    question.refresh_from_db()
    assert question.state == ("closed" if state == "open" else state)


def test_question_is_closed_without_an_answer(staff, identity):
    question = asked()
    response = act_on(staff(roles.BILLING), "question", "close", question)

    question.refresh_from_db()
    question.statement.refresh_from_db()
    assert said(response) == ["The question is closed."]
    assert (question.state, question.statement.is_on_hold, question.answered_at) == ("closed", False, None)


def test_estimate_is_recorded_with_who_gave_it(staff, identity):
    estimate = wanted()
    client = staff(roles.FRONT_DESK, email="desk@example.com")
    shown = text(client.get(address("estimaterequest", "record", estimate)))
    response = act_on(client, "estimaterequest", "record", estimate, {"amount": "250"})

    estimate.refresh_from_db()
    assert "Exam MRI Name Ann Send to ann@example.com" in shown
    assert said(response) == ["The estimate is recorded."]
    assert (estimate.estimate_cents, estimate.answered_by.email) == (25_000, "desk@example.com")


def test_plan_is_cancelled_and_the_patient_told(staff, identity, run_jobs, mailoutbox):
    plan = planned()
    response = act_on(staff(roles.BILLING), "paymentplan", "cancel", plan)
    run_jobs()

    plan.refresh_from_db()
    assert said(response) == ["The plan is cancelled; the patient is told by mail."]
    assert (plan.state, set(plan.instalments.values_list("state", flat=True))) == ("cancelled", {"cancelled"})
    assert [mail.to for mail in mailoutbox] == [["testa@example.com"]]


@pytest.mark.parametrize(
    ("name", "told", "state"),
    [
        ("accept", "The import has begun. This page shows how far it is.", "accepted"),
        ("discard", "The file is deleted.", "discarded"),
    ],
)
def test_upload_is_accepted_or_discarded(staff, identity, name, told, state):
    upload = checked()
    response = act_on(staff(roles.BILLING), "statementupload", name, upload)

    upload.refresh_from_db()
    assert (said(response), upload.state, bool(upload.file)) == ([told], state, state == "accepted")


# ---- Pages about many statements ------------------------------------------------------------------------------------

PAGES = "/admin/billing/statement"


def kept_by_no_cache(response):
    return {"no-store", "private"} <= set(response["Cache-Control"].split(", "))


@pytest.mark.parametrize("page", ["codes", "export", "credit", "dashboard"])
def test_pages_about_all_statements_are_for_the_billing_office(client, staff, payment, page):
    url = f"{PAGES}/{page}/"
    may = {role: staff(role).get(url).status_code for role in roles.STAFF_ROLES}

    assert may == {role: 200 if role in BOTH else 403 for role in roles.STAFF_ROLES}
    assert client.get(url).url.startswith("/accounts/login/")


@pytest.mark.parametrize(
    ("page", "lines", "name"),
    [("codes", links.codes_file, "statement-codes"), ("export", statements_file, "statements-owed")],
)
def test_downloads_hold_what_owes_and_no_cache_keeps_them(staff, payment, page, lines, name):
    factories.StatementFactory(owes=0)
    voided()
    response = staff(roles.BILLING).get(f"{PAGES}/{page}/")

    body = b"".join(response.streaming_content).decode()
    still_owed = Statement.objects.filter(pk=payment.statement_id)
    assert body == "".join(lines(still_owed))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="{name}-{timezone.localdate()}.csv"'
    assert kept_by_no_cache(response)
    assert "Patientson" not in body


def test_credit_page_lists_what_is_owed_back_largest_first(staff, identity):
    factories.StatementFactory()
    small, large = (
        void_statement(paid(9_000, c).statement, by=factories.UserFactory(), reason="x") for c in (100, 9_000)
    )
    returned = void_statement(paid(9_000, 5_000).statement, by=factories.UserFactory(), reason="x")
    request_refund(returned.payments.get(), 5_000, by=factories.UserFactory(), reason="x")

    page = staff(roles.BILLING).get(f"{PAGES}/credit/")

    assert [(statement.number, amount) for statement, amount in page.context["rows"]] == [
        (large.number, "$90.00"),
        (small.number, "$1.00"),
    ]
    assert f"{large.number} {large.patient.account_number} $90.00" in text(page)
    assert "Patientson" not in page.content.decode()


def test_credit_page_says_when_nothing_is_owed_back(staff, payment):
    assert "Nothing is owed back." in text(staff(roles.BILLING).get(f"{PAGES}/credit/"))


# ---- The dashboard --------------------------------------------------------------------------------------------------

MONDAY = datetime(2026, 11, 23, 17, tzinfo=UTC)  # noon of a Monday in Indiana


def pay(cents, at, ref):
    attempt = factories.AttemptFactory(statement=factories.StatementFactory(owes=cents, issued_on=date(2026, 11, 20)))
    settle(attempt, Outcome(OutcomeState.PAID, payment_ref=ref, amount_cents=cents), at)
    return Payment.objects.get(payment_ref=ref)


def give_back(payment, cents, at, state=RefundState.SUCCEEDED):
    Refund.objects.create(
        payment=payment,
        gateway="sandbox",
        amount_cents=cents,
        state=state,
        requested_by=factories.UserFactory(),
        closed_at=at,
    )


def plotted(place, at=MONDAY):
    """The bars of a plot that are not empty."""
    words = [bar.words for bar in figures(at)["plots"][place]["bars"]]
    return [word for word in words if not word.endswith((": $0.00", ": 0"))]


def tiles(at=MONDAY):
    return {str(label): value for label, value in figures(at)["tiles"]}


def waits(at=MONDAY):
    return {str(label): count for label, count, _model, _query in figures(at)["waiting"]}


def test_dashboard_adds_up_what_was_paid_each_day_of_the_practice(identity):
    pay(1_000, MONDAY, "a")
    pay(2_000, MONDAY - timedelta(hours=11), "b")  # one in the morning
    pay(400, MONDAY - timedelta(hours=13), "c")  # eleven the evening before
    pay(50, MONDAY - timedelta(days=29), "d")
    pay(7_777, MONDAY - timedelta(days=31), "too old")

    assert plotted(0) == ["10/25: $0.50", "11/22: $4.00", "11/23: $30.00"]
    assert tiles()["Paid in 30 days"] == "$34.50"
    assert len(figures(MONDAY)["plots"][0]["bars"]) == 30


def test_dashboard_adds_up_what_was_returned(identity):
    payment = pay(10_000, MONDAY - timedelta(days=3), "a")
    give_back(payment, 100, MONDAY - timedelta(days=1))
    give_back(payment, 200, MONDAY - timedelta(days=1))
    give_back(payment, 4_000, MONDAY)
    give_back(payment, 50, MONDAY, RefundState.FAILED)
    give_back(payment, 60, None, RefundState.PENDING)

    assert plotted(2) == ["11/22: $3.00", "11/23: $40.00"]


def test_dashboard_sorts_what_is_owed_by_the_age_of_the_bill(identity):
    days = {
        "2026-12-05": 1,
        "2026-11-23": 2,
        "2026-10-24": 4,
        "2026-10-23": 100,
        "2026-09-24": 200,
        "2026-09-23": 1_000,
        "2026-08-25": 3_000,
        "2026-08-24": 10_000,
        "2026-07-26": 50_000,
        "2026-07-25": 100_000,
        "2019-01-01": 600_000,
    }
    for issued_on, cents in days.items():
        factories.StatementFactory(owes=cents, issued_on=issued_on, due_on="2026-12-31")
    void_statement(
        factories.StatementFactory(owes=9_999, issued_on="2026-11-01"), by=factories.UserFactory(), reason="x"
    )
    part = factories.StatementFactory(owes=900, issued_on="2026-11-01")
    settle(
        factories.AttemptFactory(statement=part, amount_cents=860),
        Outcome(OutcomeState.PAID, payment_ref="p", amount_cents=860),
    )

    assert plotted(1) == ["0–30: $0.47", "31–60: $3.00", "61–90: $40.00", "91–120: $600.00", "121+: $7,000.00"]
    assert tiles()["Outstanding"] == "$7,643.47"


def test_dashboard_says_what_credit_there_is(identity):
    for cents in (4_000, 1_234):
        void_statement(paid(9_000, cents).statement, by=factories.UserFactory(), reason="x")

    assert tiles()["Credit to return"] == "$52.34"


def test_dashboard_counts_business_days_to_answer(identity):
    """Thursday to Monday are two business days; the weekend and Thanksgiving do not count."""
    statement = owing()
    for asked_on, answered_on in [
        ("2026-11-19", "2026-11-19"),
        ("2026-11-19", "2026-11-23"),
        ("2026-11-13", "2026-11-23"),
        ("2026-11-02", "2026-11-04"),
        ("2026-01-05", "2026-01-06"),  # too old
    ]:
        noon = [datetime.fromisoformat(f"{day}T17:00:00+00:00") for day in (asked_on, answered_on)]
        question = ask(statement, QuestionKind.CHARGE, "Why?", at=noon[0])
        answer(question, "Because.", by=factories.UserFactory(), at=noon[1])
    ask(statement, QuestionKind.CHARGE, "Why?", at=MONDAY)

    assert plotted(3) == ["0: 1", "2: 2", "5+: 1"]
    assert tiles()["Median business days to answer"] == "2"


def test_dashboard_shows_a_dash_where_nobody_asked(identity):
    assert tiles() == {
        "Paid in 30 days": "$0.00",
        "Outstanding": "$0.00",
        "Credit to return": "$0.00",
        "Median business days to answer": "–",
    }
    assert [plotted(place) for place in range(4)] == [[], [], [], []]


def test_dashboard_counts_what_waits(identity):
    proposed()
    odd_payment()
    ask(owing(), QuestionKind.CHARGE, "Why?", at=MONDAY)
    ask(owing(), QuestionKind.CHARGE, "Why?", at=MONDAY - timedelta(days=10))
    answer(asked(), "Because.", by=factories.UserFactory())
    wanted()
    record_estimate(wanted(), 100, by=factories.UserFactory())
    factories.AttemptFactory()
    factories.AttemptFactory(state="expired", closed_at=MONDAY)
    for number, processed_at in enumerate([None, None, MONDAY]):
        GatewayEvent.objects.create(
            gateway="sandbox", event_id=f"e{number}", kind="k", body="{}", processed_at=processed_at
        )

    assert waits() == {
        "Refunds that wait for a second person": 1,
        "Payments to look at": 1,
        "Disputes open": 0,
        "Questions open": 2,
        "Questions past their day": 1,
        "Estimates to give": 1,
        "Payments whose outcome is open": 1,
        "Messages not acted on": 2,
    }


def test_dashboard_page_shows_the_figures_and_draws_them(staff, identity, time_machine):
    time_machine.move_to(MONDAY, tick=False)
    pay(1_000, MONDAY, "a")
    pay(500, MONDAY - timedelta(days=1), "b")
    factories.StatementFactory(owes=2_345, issued_on="2026-11-01")
    client = staff(roles.BILLING)

    page = client.get(f"{PAGES}/dashboard/")

    assert "Paid in 30 days $15.00 Outstanding $23.45 Credit to return $0.00" in text(page)
    html = page.content.decode()
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"><title>(.*?)</title>', html)
    assert len(bars) == 30 + 5 + 30 + 6
    heights = {title: float(height) for _x, _y, _width, height, title in bars}
    assert heights["11/23: $10.00"] == 2 * heights["11/22: $5.00"] > 0
    assert "Patientson" not in html


# ---- Closing the day ------------------------------------------------------------------------------------------------

CLOSE = "/admin/billing/dailyclose/close/"
FEE = 146  # of the sandbox, for 40 dollars


def today():
    return timezone.localdate().isoformat()


def reasons(response):
    return response.context["form"].non_field_errors()


def test_closing_is_for_the_billing_office(client, staff, payment):
    seal()
    for role in sorted({*roles.STAFF_ROLES} - BOTH):
        member = staff(role)
        statuses = (member.get(CLOSE).status_code, member.post(CLOSE, {"day": today(), "deposit": "38.54"}).status_code)
        assert (role, *statuses) == (role, 403, 403)
    assert client.post(CLOSE, {}).url.startswith("/accounts/login/")
    assert DailyClose.objects.count() == 0


def test_close_page_shows_what_the_day_holds(staff, payment):
    seal()
    page = staff(roles.BILLING).get(CLOSE)

    assert [(str(label), amount) for label, amount in page.context["sums"]] == [
        ("Paid", "$40.00"),
        ("Returned", "$0.00"),
        ("Taken in disputes", "$0.00"),
        ("Fees of the card processor", "−$1.46"),
        ("Deposit there should be", "$38.54"),
    ]
    assert "The ledger holds, and every movement ties. Now compare the deposit with your bank." in text(page)
    assert DailyClose.objects.count() == 0


@pytest.mark.parametrize("facts", [{"show": "yes"}, {"deposit": "1.00"}])
def test_close_page_shows_the_day_that_was_chosen(staff, payment, facts):
    seal()
    day = timezone.localdate() - timedelta(days=1)

    page = staff(roles.BILLING).post(CLOSE, {"day": day.isoformat(), **facts})

    assert page.context["batch"].day == day
    assert {amount for _label, amount in page.context["sums"]} == {"$0.00"}
    assert DailyClose.objects.count() == 0


@pytest.mark.parametrize(("role", "linked"), [(roles.BILLING, False), (roles.BILLING_LEAD, True)])
def test_dashboard_links_only_to_lists_one_may_open(staff, identity, role, linked):
    page = staff(role).get(reverse("admin:billing_dashboard")).content.decode()

    messages = reverse("admin:billing_gatewayevent_changelist")
    assert (f'href="{messages}?acted=no"' in page) is linked
    assert f'href="{reverse("admin:billing_payment_changelist")}?look=odd"' in page


@pytest.mark.parametrize(
    ("deposit", "sentence"),
    [
        (
            "38.55",
            "The deposit is $38.55, but payments, refunds, disputes and fees make $38.54: a difference of $0.01.",
        ),
        (
            "40.00",
            "The deposit is $40.00, but payments, refunds, disputes and fees make $38.54: a difference of $1.46."
            " That is the fees: is it the amount before fees?",
        ),
        (
            "37.08",
            "The deposit is $37.08, but payments, refunds, disputes and fees make $38.54: a difference of $1.46.",
        ),
        (
            "-38.54",
            "The deposit is −$38.54, but payments, refunds, disputes and fees make $38.54: a difference of $77.08.",
        ),
    ],
)
def test_close_refuses_a_wrong_deposit_and_names_the_difference(staff, payment, deposit, sentence):
    seal()
    before = world()
    response = staff(roles.BILLING).post(CLOSE, {"day": today(), "deposit": deposit})

    assert reasons(response) == [sentence]
    assert sentence in response.content.decode()
    assert (DailyClose.objects.count(), world()) == (0, before)


def test_close_takes_the_right_deposit(staff, payment):
    seal()
    client = staff(roles.BILLING, email="clerk@example.com")
    response = client.post(CLOSE, {"day": today(), "deposit": "38.54"}, follow=True)

    closed = DailyClose.objects.get()
    assert said(response) == [f"{today()} is closed, to the cent."]
    assert (closed.payments_cents, closed.fees_cents, closed.deposit_cents, closed.entries) == (4_000, FEE, 3_854, 1)
    assert closed.closed_by.email == "clerk@example.com"
    assert [(leg.account, leg.cents) for leg in Journal.objects.get(kind="deposit").legs.all()] == [
        ("bank", 3_854),
        ("fees", FEE),
        ("gateway", -4_000),
    ]
    assert "$40.00 $0.00 $0.00 $1.46 $38.54 clerk@example.com Download CSV" in text(response)
    seal()
    assert prove().first_problem == ""


def test_close_sent_twice_closes_once(staff, payment):
    seal()
    client = staff(roles.BILLING)
    client.post(CLOSE, {"day": today(), "deposit": "38.54"})
    seal()
    again = client.post(CLOSE, {"day": today(), "deposit": "38.54"})

    assert again.context["form"].errors == {"day": [f"{today()} is closed already. Choose a later day."]}
    assert (DailyClose.objects.count(), Journal.objects.filter(kind="deposit").count()) == (1, 1)


@pytest.mark.parametrize("facts", [{"deposit": "38.54"}, {"show": "yes"}])
def test_close_refuses_a_day_that_has_not_come(staff, payment, facts):
    seal()
    tomorrow = timezone.localdate() + timedelta(days=1)
    response = staff(roles.BILLING).post(CLOSE, {"day": tomorrow, **facts})

    assert response.context["form"].errors == {"day": [f"{tomorrow} has not come yet."]}
    assert (response.context["batch"].day.isoformat(), DailyClose.objects.count()) == (today(), 0)


HOW = (
    "A day closes only when the ledger holds, every movement ties to the card processor, and the deposit is right to"
    " the cent."
)
NOT_OVER = "This day is not over. What is paid later today goes into the next close."
GO_ON = "The ledger holds, and every movement ties. Now compare the deposit with your bank."


def told(response):
    """What the close page says, and the days whose sums it shows."""
    html = response.content.decode()
    return re.findall(r'<p class="help[^"]*">(.*?)</p>', html), re.findall(r"<h2>(.*?): \d+ entries</h2>", html)


def in_words(day):
    return date_format(day, "DATE_FORMAT")


def test_close_page_says_that_today_is_not_over(staff, payment):
    seal()
    client, day = staff(roles.BILLING), timezone.localdate()
    yesterday = day - timedelta(days=1)

    assert told(client.get(CLOSE)) == ([HOW, NOT_OVER, GO_ON], [in_words(day)])
    shown = client.post(CLOSE, {"day": yesterday.isoformat(), "show": "yes"})
    assert told(shown) == ([HOW, GO_ON], [in_words(yesterday)])


def test_close_page_says_which_day_is_next_when_today_is_closed(staff, payment):
    seal()
    client = staff(roles.BILLING)
    client.post(CLOSE, {"day": today(), "deposit": "38.54"})
    seal()
    tomorrow = timezone.localdate() + timedelta(days=1)
    page = client.get(CLOSE)
    early = client.post(CLOSE, {"day": tomorrow.isoformat(), "deposit": "0.00"})

    is_next = f"Every day up to today is closed. The next day to close is {in_words(tomorrow)}, when it is over."
    assert [told(page), told(early)] == [([HOW, is_next], [])] * 2
    assert page.context["form"].initial["day"] == tomorrow
    assert early.context["form"].errors == {"day": [f"{tomorrow} has not come yet."]}
    assert DailyClose.objects.count() == 1


@pytest.mark.parametrize("deposit", ["", "1e2", "NaN", "3_8", "３８", "--5", "38.541", "-"])
def test_close_refuses_what_is_no_amount(staff, payment, deposit):
    seal()
    response = staff(roles.BILLING).post(CLOSE, {"day": today(), "deposit": deposit})

    assert list(response.context["form"].errors) == ["deposit"]
    assert DailyClose.objects.count() == 0


def test_close_names_a_movement_that_we_do_not_have(staff, payment):
    Movement.objects.create(ref="stray", kind="payment", payment_ref="stray", amount_cents=777)
    seal()
    sentence = "It does not tie to the card processor: payment stray: the processor has $7.77, we have nothing."
    client = staff(roles.BILLING)

    page = client.get(CLOSE)
    response = client.post(CLOSE, {"day": today(), "deposit": "38.54"})

    assert page.context["reasons"] == [sentence]
    assert reasons(response) == [sentence]
    assert DailyClose.objects.count() == 0


def test_close_waits_for_the_processor(staff, payment, monkeypatch):
    seal()
    monkeypatch.setattr("billing.close.get_gateway", lambda code: Away())
    client = staff(roles.BILLING)

    page = client.get(CLOSE)
    response = client.post(CLOSE, {"day": today(), "deposit": "38.54"})

    sentence = "The card processor did not answer. Try again in a few minutes."
    assert (page.context["reasons"], reasons(response)) == ([sentence], [sentence])
    assert DailyClose.objects.count() == 0


def test_close_of_a_day_with_more_returned_than_paid(staff, payment, time_machine):
    seal()
    client = staff(roles.BILLING)
    client.post(CLOSE, {"day": today(), "deposit": "38.54"})
    tomorrow = timezone.now() + timedelta(days=1)
    time_machine.move_to(tomorrow)
    client = staff(roles.BILLING)
    act_on(client, "payment", "refund", payment, {"amount": "10.00", "reason": "x"})
    seal()

    assert client.get(CLOSE).context["form"].initial["day"].isoformat() == today()
    response = client.post(CLOSE, {"day": today(), "deposit": "-10.00"}, follow=True)

    assert said(response) == [f"{today()} is closed, to the cent."]
    assert [(c.refunds_cents, c.deposit_cents) for c in DailyClose.objects.order_by("day")] == [
        (0, 3_854),
        (1_000, -1_000),
    ]


def test_file_of_a_closed_day_is_the_same_each_time(staff, payment):
    seal()
    staff(roles.BILLING).post(CLOSE, {"day": today(), "deposit": "38.54"})
    closed = DailyClose.objects.get()
    url = f"/admin/billing/dailyclose/{closed.pk}/file/"

    first = staff(roles.BILLING).get(url)
    paid(cents=5_000)
    ask(payment.statement, QuestionKind.CHARGE, "Why?")
    second = staff(roles.BILLING_LEAD).get(url)

    assert first.content == second.content == closed.body.encode()
    assert hashlib.sha256(first.content).hexdigest() == closed.sha256
    assert [line.split(",")[0] for line in first.content.decode().splitlines()] == ["kind", "payment", "total"]
    assert f"payment,{payment.receipt_number},{payment.statement.number},".encode() in first.content
    assert first["Content-Disposition"] == f'attachment; filename="close-{today()}.csv"'
    assert kept_by_no_cache(first)
    assert b"Patientson" not in first.content


def test_file_of_a_closed_day_is_for_those_who_see_statements(client, staff, payment):
    seal()
    staff(roles.BILLING).post(CLOSE, {"day": today(), "deposit": "38.54"})
    url = f"/admin/billing/dailyclose/{DailyClose.objects.get().pk}/file/"

    statuses = {role: staff(role).get(url).status_code for role in roles.STAFF_ROLES}

    assert statuses == {role: 200 if role in BOTH else 403 for role in roles.STAFF_ROLES}
    assert client.get(url).url.startswith("/accounts/login/")
    assert staff(roles.BILLING).get("/admin/billing/dailyclose/999999/file/").status_code == 404


@pytest.mark.parametrize(("name", "file"), [("statement_codes", "codes"), ("statement_export", "owed")])
def test_downloads_about_many_patients_leave_an_entry(staff, payment, name, file):
    b"".join(staff(roles.BILLING).get(reverse(f"admin:billing_{name}")).streaming_content)

    entry = AccessEntry.objects.get()
    assert (entry.what, entry.row, entry.how) == ("billing.statement", file, f"admin:billing_{name}")
