"""Payment plans: what is offered, what was agreed, and what each payment or decline does to it. No fee, no interest.

The functions that note something run inside the transaction that records the money, with the statement locked; they
never call the processor. Charging the parts that come due is in `instalments.py`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.gateways.interface import Outcome
from billing.models import (
    Attempt,
    AttemptKind,
    AttemptState,
    Instalment,
    InstalmentState,
    PaymentPlan,
    PlanState,
    Statement,
)
from billing.models.plans import FEWEST_INSTALMENTS, MOST_DECLINES, MOST_INSTALMENTS
from practice.mail import mail_job, send
from practice.money import dollars

TRY_AGAIN_AFTER_DAYS = (3, 5, 7)
AGREED_JUST_NOW = timedelta(minutes=10)


class PlanRefused(Exception):
    """No plan was made or changed; the message says why, for the patient to read."""


@dataclass(frozen=True)
class Offer:
    """A plan of so many parts: [(day, cents)]. The parts are equal; what does not divide is on the first."""

    parts: list[tuple[date, int]]

    @property
    def count(self) -> int:
        return len(self.parts)


def offers(statement: Statement, on: date | None = None) -> list[Offer]:
    """The plans this statement's balance can be paid in; none where it is too small, on hold, or in a plan already.

    A plan that was agreed to and not begun is no hindrance: `agree` lets it give way.
    """
    balance = statement.balance_cents
    if balance < settings.PLAN_FROM_CENTS or statement.voided_at or statement.is_on_hold:
        return []
    if statement.plans.active().exists():
        return []
    on = on or timezone.localdate()
    return [_offer(balance, count, on) for count in range(FEWEST_INSTALMENTS, MOST_INSTALMENTS + 1)]


def _offer(total_cents: int, count: int, on: date) -> Offer:
    share, rest = divmod(total_cents, count)
    amounts = [share + rest, *[share] * (count - 1)]
    return Offer([(on + relativedelta(months=month), cents) for month, cents in enumerate(amounts)])


def consent_text(offer: Offer) -> str:
    """What the patient agrees to, word for word, in the language that is active."""
    days = "; ".join(f"{date_format(day, 'DATE_FORMAT')}: {dollars(cents)}" for day, cents in offer.parts)
    return _(
        "I agree to pay in %(count)s parts: %(days)s. There is no fee and no interest. I pay the first part now; my "
        "card is then kept by the card processor and charged on these days. I get an e-mail three days before each "
        "charge. I can cancel at any time with the link in each e-mail; what is left is then owed as before."
    ) % {"count": offer.count, "days": days}


@transaction.atomic
def agree(
    statement: Statement, count: int, *, email: str, language: str, address: str | None, at: datetime | None = None
) -> PaymentPlan:
    """Write down what was agreed, with its parts. Nothing is charged yet. Raises PlanRefused.

    A plan whose first part was never paid gives way to a new one.
    """
    at = at or timezone.now()
    statement = Statement.objects.select_for_update(no_key=True).get(pk=statement.pk)
    for pending in statement.plans.filter(state=PlanState.PENDING):
        same = (pending.total_cents, pending.email, pending.instalments.count())
        if same == (statement.balance_cents, email, count) and pending.consented_at > at - AGREED_JUST_NOW:
            return pending  # the button was pressed twice
        _end(pending, PlanState.ABANDONED, at)
    offer = next((o for o in offers(statement, timezone.localdate(at)) if o.count == count), None)
    if offer is None:
        raise PlanRefused(_("This bill cannot be paid in parts just now. Please call our billing office."))
    plan = PaymentPlan.objects.create(
        statement=statement,
        total_cents=statement.balance_cents,
        email=email,
        language=language,
        consent_text=consent_text(offer),
        consented_at=at,
        consented_from=address,
        gateway=settings.BILLING_GATEWAY,
    )
    Instalment.objects.bulk_create(
        Instalment(plan=plan, position=position, amount_cents=cents, due_on=day, next_try_on=day)
        for position, (day, cents) in enumerate(offer.parts, start=1)
    )
    return plan


def note_paid(attempt: Attempt, outcome: Outcome, at: datetime) -> None:
    """An instalment's money came. The first begins the plan; the last, or a balance of nothing, completes it."""
    instalment = Instalment.objects.select_for_update(of=("self",)).get(attempts=attempt.pk)
    plan = PaymentPlan.objects.select_for_update().get(pk=instalment.plan_id)
    if instalment.state == InstalmentState.DUE:
        instalment.state = InstalmentState.PAID
        instalment.save(update_fields=["state"])
    if plan.state in (PlanState.PENDING, PlanState.ABANDONED) and not (
        PaymentPlan.objects.running().filter(statement=plan.statement_id).exclude(pk=plan.pk).exists()
    ):
        plan.state, plan.closed_at = PlanState.ACTIVE, None
        plan.save(update_fields=["state", "closed_at"])
        send_plan_mail.enqueue(str(plan.pk), "plan_begun")
    note_card(attempt, outcome)
    finish_if_nothing_is_left(plan, at)


def note_card(attempt: Attempt, outcome: Outcome) -> None:
    """Keep the card's reference of a plan's first payment, as soon as the processor tells it."""
    if attempt.kind != AttemptKind.CHECKOUT or attempt.instalment_id is None or not outcome.card_ref:
        return
    plan = PaymentPlan.objects.select_for_update(of=("self",)).get(instalments=attempt.instalment_id)
    if not plan.card_ref:
        plan.customer_ref, plan.card_ref = outcome.customer_ref, outcome.card_ref
        plan.save(update_fields=["customer_ref", "card_ref"])


def finish_if_nothing_is_left(plan: PaymentPlan, at: datetime) -> bool:
    """Complete an active plan whose parts are paid, or whose statement owes nothing any more."""
    statement = Statement.objects.get(pk=plan.statement_id)
    parts_left = plan.instalments.filter(state=InstalmentState.DUE).exists()
    if plan.state == PlanState.ACTIVE and (not parts_left or statement.balance_cents == 0 or statement.voided_at):
        _end(plan, PlanState.COMPLETED, at)
        return True
    return False


def note_not_paid(attempt: Attempt, at: datetime) -> None:
    """An instalment's attempt came to nothing: a first card page that was left, or a card that was declined."""
    instalment = Instalment.objects.select_for_update(of=("self",)).get(attempts=attempt.pk)
    plan = PaymentPlan.objects.select_for_update().get(pk=instalment.plan_id)
    if attempt.kind == AttemptKind.CHECKOUT:
        if plan.state == PlanState.PENDING:
            _end(plan, PlanState.ABANDONED, at)
        return
    if attempt.state != AttemptState.FAILED or instalment.state != InstalmentState.DUE or not plan.is_running:
        return
    instalment.declines += 1
    wait = TRY_AGAIN_AFTER_DAYS[instalment.declines - 1]
    instalment.next_try_on = timezone.localdate(at) + timedelta(days=wait)
    instalment.save(update_fields=["declines", "next_try_on"])
    if instalment.declines >= MOST_DECLINES:
        _end(plan, PlanState.STOPPED, at)
        send_plan_mail.enqueue(str(plan.pk), "plan_stopped")
    else:
        send_plan_mail.enqueue(str(plan.pk), "plan_declined", instalment.pk)


@transaction.atomic
def cancel(plan: PaymentPlan, at: datetime | None = None) -> PaymentPlan:
    """End the plan at the payer's wish, or the office's; what is left is owed as before. Safe to repeat."""
    Statement.objects.select_for_update(no_key=True).get(pk=plan.statement_id)
    plan = PaymentPlan.objects.select_for_update().get(pk=plan.pk)
    if plan.is_running:
        _end(plan, PlanState.CANCELLED, at or timezone.now())
        send_plan_mail.enqueue(str(plan.pk), "plan_cancelled")
    return plan


def _end(plan: PaymentPlan, state: PlanState, at: datetime) -> None:
    if state != PlanState.ABANDONED:  # its first money may still come, and then its parts are needed
        plan.instalments.filter(state=InstalmentState.DUE).update(state=InstalmentState.CANCELLED)
    plan.state, plan.closed_at = state, at
    plan.save(update_fields=["state", "closed_at"])


@mail_job
def send_plan_mail(plan_id: str, template: str, instalment_id: int | None = None) -> None:
    """Tell the payer how the plan stands. The mail holds amounts and days, nothing about an exam."""
    plan = PaymentPlan.objects.get(pk=plan_id)
    instalment = Instalment.objects.get(pk=instalment_id) if instalment_id else None
    with translation.override(plan.language):
        link = settings.PUBLIC_ORIGIN + plan.get_absolute_url()
    parts = list(plan.instalments.all())
    send(
        f"billing/email/{template}",
        [plan.email],
        {
            "plan": plan,
            "instalments": parts,
            "instalment": instalment,
            "amount": dollars(instalment.amount_cents) if instalment else "",
            "url": link,
        },
        plan.language,
    )
