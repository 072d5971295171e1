"""The figures of the billing dashboard and their plots, drawn here as SVG: no script, nothing from elsewhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import (
    Attempt,
    Dispute,
    EstimateRequest,
    GatewayEvent,
    Payment,
    Question,
    Refund,
    RefundState,
    Statement,
)
from billing.questions import business_days_to_answer, median_business_days_to_answer
from billing.withdrawals import credit_by_id
from practice.money import dollars

DAYS = 30
ASKED_WITHIN = timedelta(days=90)
AGES = ((0, 30), (31, 60), (61, 90), (91, 120), (121, None))
FEW = 8  # as many bars have room for their values
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 220, 8, 26, 18


@dataclass(frozen=True)
class Bar:
    """One bar of a plot, placed; `label` stands below it where there is room, `words` tell it all."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    words: str


def bars(values: list[tuple[str, int]], show, every: int = 1) -> list[Bar]:
    """Bars side by side for (label, value); `show` makes words of a value. Every n-th has its label."""
    highest = max([value for _label, value in values], default=0) or 1
    step = (WIDTH - LEFT) / max(1, len(values))
    room = HEIGHT - BOTTOM - TOP
    placed = []
    for place, (label, value) in enumerate(values):
        height = round(room * value / highest, 1)
        placed.append(
            Bar(
                x=round(LEFT + place * step, 1),
                y=round(HEIGHT - BOTTOM - height, 1),
                width=round(step * 0.8, 1),
                height=height,
                label=label if place % every == 0 else "",
                value=show(value) if value and len(values) <= FEW else "",
                words=f"{label}: {show(value)}",
            )
        )
    return placed


def _plot(title: str, values: list[tuple[str, int]], show, every: int = 1) -> dict:
    """A plot with its title; where bars carry no values, the highest stands at the top."""
    highest = max(value for _label, value in values)
    top = show(highest) if highest and len(values) > FEW else ""
    return {"title": title, "bars": bars(values, show, every), "top": top}


def figures(at: datetime | None = None) -> dict:
    """All that the dashboard shows."""
    at = at or timezone.now()
    since = at - timedelta(days=DAYS)
    paid = per_day(Payment.objects.filter(captured_at__gte=since), "captured_at", at)
    returned = per_day(Refund.objects.filter(state=RefundState.SUCCEEDED, closed_at__gte=since), "closed_at", at)
    outstanding = outstanding_by_age(at)
    answered = median_business_days_to_answer(at - ASKED_WITHIN)
    return {
        "plots": [
            _plot(_("Paid per day, last 30 days"), paid, dollars, every=7),
            _plot(_("Outstanding by age of the bill, in days"), outstanding, dollars),
            _plot(_("Returned per day, last 30 days"), returned, dollars, every=7),
            _plot(_("Business days to answer a question, last 90 days"), days_to_answer(at), str),
        ],
        "plot": {"width": WIDTH, "height": HEIGHT, "base": HEIGHT - BOTTOM, "label_y": HEIGHT - 8},
        "tiles": [
            (_("Paid in 30 days"), dollars(sum(cents for _day, cents in paid))),
            (_("Outstanding"), dollars(sum(cents for _age, cents in outstanding))),
            (_("Credit to return"), dollars(sum(credit_by_id().values()))),
            (_("Median business days to answer"), "–" if answered is None else f"{answered:g}"),
        ],
        "waiting": [
            (_("Refunds that wait for a second person"), Refund.objects.waiting_for_approval().count(), "refund", ""),
            (_("Payments to look at"), Payment.objects.needing_review().count(), "payment", "?look=odd"),
            (_("Disputes open"), Dispute.objects.open().count(), "dispute", ""),
            (_("Questions open"), Question.objects.open().count(), "question", ""),
            (_("Questions past their day"), Question.objects.overdue(timezone.localdate(at)).count(), "question", ""),
            (_("Estimates to give"), EstimateRequest.objects.unanswered().count(), "estimaterequest", ""),
            (_("Payments whose outcome is open"), Attempt.objects.live().count(), "attempt", "?outcome=open"),
            (_("Messages not acted on"), GatewayEvent.objects.unprocessed().count(), "gatewayevent", "?acted=no"),
        ],
    }


def per_day(rows, moment: str, at: datetime) -> list[tuple[str, int]]:
    """Sums of `amount_cents` for each of the last 30 days, days without any included."""
    sums = dict(
        rows.annotate(day=TruncDate(moment))
        .values("day")
        .annotate(cents=Sum("amount_cents"))
        .values_list("day", "cents")
    )
    today = timezone.localdate(at)
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return [(f"{day.month}/{day.day}", sums.get(day, 0)) for day in days]


def outstanding_by_age(at: datetime) -> list[tuple[str, int]]:
    """What is owed on bills issued so many days ago."""
    today = timezone.localdate(at)
    ages = {}
    for youngest, oldest in AGES:
        within = Q(issued_on__lte=today - timedelta(days=youngest)) if youngest else Q()
        if oldest is not None:
            within &= Q(issued_on__gte=today - timedelta(days=oldest))
        ages[f"{youngest}–{oldest}" if oldest else f"{youngest}+"] = within
    sums = Statement.objects.outstanding().aggregate(
        **{
            f"{kind}_{place}": Sum(f"{kind}_cents", filter=within)
            for place, within in enumerate(ages.values())
            for kind in ("charges", "applied")
        }
    )
    return [
        (label, (sums[f"charges_{place}"] or 0) - (sums[f"applied_{place}"] or 0)) for place, label in enumerate(ages)
    ]


def days_to_answer(at: datetime) -> list[tuple[str, int]]:
    """How many questions were answered within so many business days of being asked."""
    counts = dict.fromkeys(("0", "1", "2", "3", "4", "5+"), 0)
    for days in business_days_to_answer(at - ASKED_WITHIN):
        counts["5+" if days >= 5 else str(max(0, days))] += 1
    return list(counts.items())
