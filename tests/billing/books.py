"""What the tests of money share: paying through the sandbox, answers that are lost, rows bent behind the rules' back."""

from contextlib import contextmanager
from unittest import mock
from uuid import uuid4

from django.db import connection
from django.utils import translation

from billing import ledger, plans
from billing.codes import link_index
from billing.gateways import registry
from billing.gateways.interface import RefundOutcome, RefundOutcomeState, Unknown
from billing.gateways.sandbox.models import CardSession, Movement, MovementKind, Notification
from billing.gateways.sandbox.processor import GOOD_CARD, SIGNATURE_HEADER, SandboxGateway, sign, take_payment
from billing.models import Payment, Statement
from billing.payments import look_at, start_payment
from billing.proof import prove
from billing.webhooks import receive

CALLS = ("start", "look", "stop", "charge", "refund", "look_at_refunds", "movements")


def seal():
    """Do now what the database does at commit: check the ledger and seal its new entries."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def proof():
    seal()
    return prove()


def accounts():
    """The books that are not at zero, in cents, after a proof that all of it holds."""
    proved = proof()
    assert proved.first_problem == ""
    return {account: cents for account, cents in proved.accounts_cents.items() if cents}


def page_of(attempt):
    return CardSession.objects.get(key=str(attempt.pk))


def pay(statement, cents=None, *, receipt_to="payer@example.com") -> Payment:
    """Pay so many cents of the statement, or all that is owed, on the sandbox's card page."""
    attempt = start_payment(statement, cents or statement.balance_cents, "en", receipt_to=receipt_to)
    take_payment(page_of(attempt).pk, messages=0)
    attempt = look_at(attempt)
    statement.refresh_from_db()
    return attempt.payment


def deliver(*, reverse=False):
    """Bring the messages that wait to the webhook's door; returns whether each was acted on."""
    waiting = list(Notification.objects.filter(delivered_at=None))
    if reverse:
        waiting.reverse()
    return [receive("sandbox", note.body.encode(), {SIGNATURE_HEADER: sign(note.body.encode())}) for note in waiting]


@contextmanager
def tampering():
    """What is written here no trigger sees."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


class _Deaf(SandboxGateway):
    """The sandbox, which acts; its answers to the calls in `lost` do not arrive."""

    lost: tuple[str, ...] = ()
    acts = True

    def __getattribute__(self, name):
        method = super().__getattribute__(name)
        if name not in CALLS or name not in type(self).lost:
            return method

        def call(*arguments):
            if type(self).acts:
                method(*arguments)
            raise Unknown("no answer")

        return call


@contextmanager
def answers_lost(*calls, acts=True):
    """Answers to these calls are lost, to all of them where none is named; `acts=False`: the calls never arrive."""
    _Deaf.lost, _Deaf.acts = calls or CALLS, acts
    with mock.patch.dict(registry.GATEWAYS, sandbox="tests.billing.books._Deaf"):
        yield


class _Slow(SandboxGateway):
    """The sandbox of another bank: refunds are on their way first, and may come back."""

    states: dict[str, RefundOutcomeState] = {}

    def _told(self, outcome: RefundOutcome) -> RefundOutcome:
        state = type(self).states.get(outcome.refund_ref) or type(self).states.get("")
        return RefundOutcome(
            state or outcome.state, outcome.key, outcome.refund_ref, outcome.payment_ref, outcome.amount_cents
        )

    def refund(self, order):
        return self._told(super().refund(order))

    def look_at_refunds(self, payment_ref):
        return [self._told(outcome) for outcome in super().look_at_refunds(payment_ref)]


@contextmanager
def refunds_stand_at(state: str):
    """The processor calls every refund so: pending, succeeded, failed."""
    _Slow.states = {"": RefundOutcomeState(state)}
    with mock.patch.dict(registry.GATEWAYS, sandbox="tests.billing.books._Slow"):
        yield


def made_there(payment: Payment, **facts) -> Movement:
    """A movement at the processor that nobody told us of, like a refund or a dispute."""
    defaults = {"ref": f"there_{uuid4().hex}", "kind": MovementKind.REFUND, "payment_ref": payment.payment_ref}
    return Movement.objects.create(**defaults | facts)


def statement_behind(token: str) -> Statement | None:
    """The statement a QR code's link leads to, once the date of birth is told."""
    return Statement.objects.valid().filter(link_index=link_index(token)).first()


def post_revision(statement: Statement, difference: int, cause: str) -> None:
    """Give one statement other charges, as an import does."""
    revisions = [ledger.revision_entry(cause, [(statement, difference)])] if difference else []
    ledger.post_all(ledger.release_entries(statement, difference, cause) + revisions)


def begin_plan(statement, count=3, *, card=GOOD_CARD, language="en"):
    """A plan whose first part is paid on the sandbox's card page."""
    with translation.override(language):
        plan = plans.agree(statement, count, email="payer@example.com", language=language, address=None)
    first = plan.instalments.get(position=1)
    attempt = start_payment(statement, first.amount_cents, language, receipt_to=plan.email, instalment=first)
    take_payment(page_of(attempt).pk, messages=0, card=card)
    look_at(attempt)
    plan.refresh_from_db()
    return plan
