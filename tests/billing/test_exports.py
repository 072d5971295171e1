"""What is owed, as a file for other programs: to the cent, with the hold, without names."""

import csv
from datetime import UTC, datetime

import pytest

from billing.exports import statements_file
from billing.gateways.interface import Outcome, OutcomeState
from billing.models import QuestionKind, Statement
from billing.payments import settle
from billing.questions import answer, ask
from tests import factories

pytestmark = pytest.mark.django_db


def rows(statements=None):
    lines = statements_file(Statement.objects.all() if statements is None else statements)
    return list(csv.reader("".join(lines).splitlines()))


def test_export_has_a_row_for_each_statement():
    patient = factories.PatientFactory(account_number="A-1")
    second = factories.StatementFactory(number="S-2", patient=patient, owes=123_456)
    factories.StatementFactory(number="S-1", patient=patient, owes=5)
    settle(
        factories.AttemptFactory(statement=second, amount_cents=100_001),
        Outcome(OutcomeState.PAID, payment_ref="p", amount_cents=100_001),
    )

    lines = list(statements_file(Statement.objects.all()))

    assert lines == [
        "statement_number,account_number,issued_on,due_on,charges,paid,balance,on_hold,on_hold_since\r\n",
        "S-1,A-1,2026-10-01,2026-12-01,0.05,0.00,0.05,no,\r\n",
        "S-2,A-1,2026-10-01,2026-12-01,1234.56,1000.01,234.55,no,\r\n",
    ]


def test_export_says_what_is_on_hold_and_since_when():
    statement = factories.StatementFactory()
    question = ask(statement, QuestionKind.CHARGE, "Why?", at=datetime(2026, 11, 3, 15, tzinfo=UTC))
    ask(statement, QuestionKind.INSURANCE, "New insurer", at=datetime(2026, 11, 5, 15, tzinfo=UTC))

    held = rows()[1][-2:]
    for open_question in statement.questions.all():
        answer(open_question, "Because.", by=factories.UserFactory())

    assert question.statement == statement
    assert (held, rows()[1][-2:]) == (["yes", "2026-11-03"], ["no", ""])


def test_export_says_the_practices_day_of_the_hold():
    """An evening in Indiana is the next day in Greenwich."""
    ask(factories.StatementFactory(), QuestionKind.CHARGE, "Why?", at=datetime(2026, 11, 4, 2, tzinfo=UTC))

    assert rows()[1][-2:] == ["yes", "2026-11-03"]


def test_export_names_nobody():
    factories.StatementFactory(facility="Xyzzy", insurer="Xyzzy")

    text = "".join(statements_file(Statement.objects.all()))

    assert [secret for secret in ("Testa", "Patientson", "1950", "Xyzzy", "Chest", "71046") if secret in text] == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "＝1", '=HYPERLINK("x","y")'])
def test_export_is_safe_to_open(text):
    factories.StatementFactory(number=text, patient=factories.PatientFactory(account_number=text))

    assert rows()[1][:2] == [f"'{text}", f"'{text}"]


def test_export_of_nothing_is_a_header():
    assert [len(row) for row in rows(Statement.objects.none())] == [9]


def test_export_asks_once_for_many_rows(django_assert_num_queries):
    factories.StatementFactory.create_batch(3)

    with django_assert_num_queries(1):
        assert len(rows()) == 4
