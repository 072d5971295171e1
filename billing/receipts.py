"""Receipts: told by mail without anything about health, printed as a PDF with what an HSA or FSA asks for."""

import json
from pathlib import Path

import typst
from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.models import Dispute, Payment, Refund, RefundState
from practice.context import get_identity
from practice.mail import mail_job, send
from practice.money import dollars

PDF_TEMPLATE = Path(__file__).parent / "receipt.typ"


# ---- By mail: called inside the transaction that records the money, so that a killed process loses none --------------


def tell(payment: Payment) -> None:
    """Queue the payer's receipt, and a word to the office where the payment is odd."""
    if payment.attempt.receipt_to:
        send_receipt.enqueue(payment.pk)
    if payment.needs_review:
        send_to_office.enqueue("billing/email/odd_payment", payment.receipt_number)


def tell_refund(refund: Refund) -> None:
    if refund.payment.attempt.receipt_to:
        send_refund.enqueue(str(refund.pk))


def tell_office_of_dispute(dispute: Dispute) -> None:
    send_to_office.enqueue("billing/email/dispute", dispute.dispute_ref)


@mail_job
def send_receipt(payment_id: int) -> None:
    payment = Payment.objects.select_related("attempt").get(pk=payment_id)
    attempt = payment.attempt
    send(
        "billing/email/receipt",
        [attempt.receipt_to],
        {
            "receipt_number": payment.receipt_number,
            "amount": dollars(payment.amount_cents),
            "paid_at": payment.captured_at,
            "url": _address("billing:receipt", attempt.language, attempt.pk),
        },
        attempt.language,
    )


@mail_job
def send_refund(refund_id: str) -> None:
    refund = Refund.objects.select_related("payment__attempt").get(pk=refund_id)
    attempt = refund.payment.attempt
    if refund.state != RefundState.SUCCEEDED:
        return
    send(
        "billing/email/refund",
        [attempt.receipt_to],
        {"receipt_number": refund.payment.receipt_number, "amount": dollars(refund.amount_cents)},
        attempt.language,
    )


@mail_job
def send_to_office(template: str, reference: str) -> None:
    """Tell the billing office that something waits for it. The mail holds a reference and nobody's name."""
    send(template, settings.BILLING_RECIPIENTS, {"reference": reference})


def _address(name: str, language: str, *arguments) -> str:
    with translation.override(language):
        return settings.PUBLIC_ORIGIN + reverse(name, args=arguments)


# ---- On paper -------------------------------------------------------------------------------------------------------


def receipt_pdf(payment: Payment, language: str) -> bytes:
    """A tagged PDF (PDF/UA-1): patient, provider, dates of service, what was done, amounts, before - paid = after."""
    with translation.override(language):
        facts = _facts(payment, language)
    return typst.compile(
        str(PDF_TEMPLATE), format="pdf", pdf_standards=["ua-1"], sys_inputs={"facts": json.dumps(facts)}
    )


def _facts(payment: Payment, language: str) -> dict:
    identity = get_identity()
    statement = payment.statement
    address = f"{identity.street}, {identity.city}, {identity.state} {identity.postal_code}"
    paid_on = date_format(timezone.localtime(payment.captured_at), "DATETIME_FORMAT")
    rows = [
        (_("Paid to"), f"{identity.name}, {address}"),
        (_("Telephone"), identity.billing_phone),
        (_("Patient"), statement.patient.full_name),
        (_("Bill number"), statement.number),
        (_("Paid on"), paid_on),
        (_("Amount"), dollars(payment.amount_cents)),
    ]
    if payment.card_last4:
        card = _("%(brand)s ending in %(last)s") % {"brand": payment.card_brand, "last": payment.card_last4}
        rows.append((_("Card"), card))
    totals = [
        (_("You owed before"), dollars(payment.balance_before_cents)),
        (_("You paid"), dollars(-payment.applied_cents)),
        (_("You owe now"), dollars(payment.balance_after_cents)),
    ]
    notes = [_("Keep this receipt for your health savings or flexible spending account.")]
    if payment.credit_cents:
        more = _("%(credit)s was more than you owed. Our billing office will return it.")
        notes.insert(0, more % {"credit": dollars(payment.credit_cents)})
    notes += [
        _("%(amount)s was returned to the card.") % {"amount": dollars(refund.amount_cents)}
        for refund in payment.refunds.filter(state=RefundState.SUCCEEDED)
    ]
    if identity.is_fictional:
        notes.append(_("A demonstration site. The practice and everybody on it are made up."))
    return {
        "language": language,
        "practice": identity.name,
        "title": _("Receipt %(number)s") % {"number": payment.receipt_number},
        "rows": rows,
        "services_title": _("What it was for"),
        "services_header": [_("Date of service"), _("Description"), _("Code"), _("Your share")],
        "services": [
            [
                date_format(line.service_on, "DATE_FORMAT"),
                line.description,
                line.procedure_code,
                dollars(line.patient_cents),
            ]
            for line in statement.lines.all()
        ],
        "totals_title": _("Before, paid, after"),
        "totals_header": [_("What"), _("Amount")],
        "totals": totals,
        "notes": notes,
        "page": [_("Page"), _("of")],
    }
