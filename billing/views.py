"""The pages on which a guest sees and pays a bill. What else a guest can do is in `guest_views.py`."""

import logging

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import ledger, payments, plans, receipts, webhooks
from billing.codes import is_link_token
from billing.forms import AmountChoice, LinkLookUpForm, LookUpForm, PayForm
from billing.gateways.interface import BadSignature
from billing.lookup import Found, Miss, find_statement, find_statement_by_link
from billing.models import Attempt, AttemptState, InstalmentState, JournalKind, Statement
from education.models import Edition
from patients import guests
from practice.client_address import client_address
from practice.context import get_identity

logger = logging.getLogger(__name__)
private = cache_control(private=True, no_store=True, no_cache=True, must_revalidate=True, max_age=0)

MAX_WEBHOOK_BYTES = 256 * 1024
STATEMENT_KEY = "guest_statement"
RECEIPT_KEY = "guest_receipt"
RELEASING_KINDS = (JournalKind.RELEASE, JournalKind.REFUND, JournalKind.REFUND_FAILED, JournalKind.DISPUTE_LOST)
MOST_LOOKS = 6  # so often the waiting page looks again by itself


# ---- Finding --------------------------------------------------------------------------------------------------------


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request):
    form = LookUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        return _admit(request, form, find_statement(facts["code"], facts["born_on"], client_address(request)))
    return _look_up_page(request, form)


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def link(request, token):
    """Where the QR code of the paper leads: the code is in the link, the date of birth is asked."""
    token = token.upper()
    if not is_link_token(token):
        raise Http404
    form = LinkLookUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        found = find_statement_by_link(token, form.cleaned_data["born_on"], client_address(request))
        return _admit(request, form, found)
    return _look_up_page(request, form)


def _admit(request, form, result: Found | Miss):
    if isinstance(result, Found):
        guests.admit(request, result.statement.patient)
        request.session[STATEMENT_KEY] = result.statement.pk
        return _where_they_were_going(request, result.statement)
    if result == Miss.TOO_OFTEN:
        form.add_error(None, _("There were too many tries from here. Please wait ten minutes, or call us."))
        return _look_up_page(request, form, status=429)
    # The same for a wrong code, a wrong date and too many tries on one bill.
    if isinstance(form, LinkLookUpForm):
        missed = _(
            "We could not show a bill with this date of birth. Write the month first. After several tries, wait an "
            "hour or call %(phone)s."
        )
    else:
        missed = _(
            "We could not find a bill with this code and date of birth. Check each letter of the code, and write the "
            "month first. After several tries, wait an hour or call %(phone)s."
        )
    form.add_error(None, missed % {"phone": get_identity().billing_phone})
    return _look_up_page(request, form)


def _where_they_were_going(request, found: Statement):
    """To the receipt whose link they had followed, if it is theirs; else to the bill."""
    wanted = request.session.pop(RECEIPT_KEY, None)
    attempt = Attempt.objects.filter(pk=wanted, statement__patient=found.patient_id).first() if wanted else None
    return redirect(attempt or "billing:statement")


def _look_up_page(request, form, status=200):
    context = {"form": form, "off": not settings.BILLING_GATEWAY, "by_link": isinstance(form, LinkLookUpForm)}
    return render(request, "billing/look_up.html", context, status=status)


def guest_statements(request):
    """The statements this browser's guest may see."""
    patient_id = guests.admitted_patient_id(request)
    if patient_id is None:
        return Statement.objects.none()
    return Statement.objects.valid().filter(patient_id=patient_id).select_related("patient")


def chosen_statement(request) -> Statement | None:
    """The statement this guest is looking at."""
    return guest_statements(request).filter(pk=request.session.get(STATEMENT_KEY)).first()


# ---- Paying ---------------------------------------------------------------------------------------------------------


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def statement(request):
    bill = chosen_statement(request)
    if bill is None:
        return redirect("billing:look_up")
    initial = {"choice": AmountChoice.FULL}
    form = PayForm(
        request.POST if request.method == "POST" else None, balance_cents=bill.balance_cents, initial=initial
    )
    preview = None
    if request.method == "POST" and form.is_valid():
        try:
            payments.check_amount(bill, form.amount_cents)
            preview = payments.preview(bill, form.amount_cents)
            if "preview" not in request.POST:
                return _go_to_card_page(bill, form)
        except payments.PaymentRefused as refusal:
            form.add_error("amount", str(refusal))
            bill.refresh_from_db()
        except payments.CardPageUnreachable as lost:
            if lost.attempt is not None:
                return redirect(lost.attempt)  # it may have been paid: the page that says "confirming" asks on
            form.add_error(None, _("We could not reach the card page. Nothing was charged. Please try again."))
        except OperationalError:
            form.add_error(None, _("This bill is being brought up to date. Please try again in a minute."))
    return render(request, "billing/statement.html", _bill_page(request, bill, form, preview))


def _go_to_card_page(bill, form):
    attempt = payments.start_payment(
        bill, form.amount_cents, translation.get_language(), receipt_to=form.cleaned_data["email"]
    )
    return to_card_page(attempt)


def to_card_page(attempt: Attempt):
    """On to the processor; to the receipt when the money has come already."""
    if attempt.state == AttemptState.PAID:
        return redirect(attempt)
    response = redirect(attempt.checkout_url)
    response.status_code = 303
    return response


def _bill_page(request, bill, form, preview):
    lines = list(bill.lines.all())
    articles = Edition.objects.for_procedures(
        [line.procedure_code for line in lines if line.procedure_code], translation.get_language()
    )
    paid = list(bill.payments.select_related("attempt").order_by("captured_at"))
    plan = bill.plans.active().first()
    moved = ledger.moved_on(bill)
    open_bills = list(guest_statements(request).outstanding().order_by("due_on", "pk"))
    return {
        "statement": bill,
        "lines": [(line, articles.get(line.procedure_code)) for line in lines],
        "payments": paid,
        # What was paid and is not applied any more was returned, or waits to be.
        "released_cents": -sum(moved.get(kind, 0) for kind in RELEASING_KINDS),
        "given_up_cents": sum(moved.get(kind, 0) for kind in (JournalKind.WRITE_OFF, JournalKind.TRANSFER)),
        "open_bills": open_bills,
        "others": [other for other in open_bills if other.pk != bill.pk],
        "open_total_cents": sum(other.balance_cents for other in open_bills),
        "plan": plan,
        "next_part": plan and plan.instalments.filter(state=InstalmentState.DUE).first(),
        # Somebody who comes back from the card page must not be asked for the whole sum as if nothing had happened.
        "begun": bill.attempts.live().exclude(session_ref="").first(),
        "offers": plans.offers(bill) if settings.BILLING_GATEWAY else [],
        "has_questions": bill.questions.exists(),
        "form": form,
        "preview": preview,
        "off": not settings.BILLING_GATEWAY,
    }


@private
@login_not_required
@require_POST
def choose_statement(request):
    """Show another bill of the same patient."""
    number = request.POST.get("statement", "")
    is_number = number.isascii() and number.isdigit() and len(number) < 19
    bill = guest_statements(request).filter(pk=number).first() if is_number else None
    if bill is None:
        raise Http404
    request.session[STATEMENT_KEY] = bill.pk
    return redirect("billing:statement")


@private
@login_not_required
@require_POST
def leave(request):
    """End the visit, for a shared computer."""
    guests.dismiss(request)
    if request.user.is_authenticated:
        request.session.pop(STATEMENT_KEY, None)
        request.session.cycle_key()
    else:
        request.session.flush()  # a page that is still loading must not bring it back
    return redirect("billing:look_up")


# ---- Afterwards -----------------------------------------------------------------------------------------------------


def _is_guest_of(request, attempt: Attempt) -> bool:
    return guests.admitted_patient_id(request) == attempt.statement.patient_id


@private
@login_not_required
@require_GET
def receipt(request, attempt_id):
    """Where the card page sends the payer back to. Says "confirming" for as long as the outcome is not known."""
    attempt = get_object_or_404(Attempt.objects.select_related("statement__patient", "instalment__plan"), pk=attempt_id)
    try:
        attempt = payments.look_at(attempt)
    except OperationalError:
        logger.warning("Attempt %s could not be asked about: its statement is locked", attempt.pk)
    is_guest = _is_guest_of(request, attempt)
    if attempt.payment and not is_guest:
        request.session[RECEIPT_KEY] = str(attempt.pk)
    looked = request.GET.get("n", "")
    times = int(looked) if looked.isascii() and looked.isdigit() and len(looked) < 3 else 0
    return render(
        request,
        "billing/receipt.html",
        {
            "attempt": attempt,
            "payment": attempt.payment,
            # Whoever only holds the link sees the amount, not whose bill it was.
            "statement": attempt.statement if is_guest else None,
            "lines": attempt.statement.lines.all() if is_guest else [],
            "others": guest_statements(request).outstanding().exclude(pk=attempt.statement_id) if is_guest else [],
            "is_waiting": attempt.is_live,
            "next_look": times + 1 if times < MOST_LOOKS else None,
        },
    )


@private
@login_not_required
@require_GET
def receipt_pdf(request, attempt_id):
    """The receipt on paper, with what a health savings account asks for; only for the bill's guest."""
    attempt = get_object_or_404(Attempt.objects.select_related("statement__patient"), pk=attempt_id)
    payment = attempt.payment
    if payment is None or not _is_guest_of(request, attempt):
        raise Http404
    response = HttpResponse(receipts.receipt_pdf(payment, translation.get_language()), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{payment.receipt_number}.pdf"'
    return response


# ---- The processor's messages ---------------------------------------------------------------------------------------


@never_cache
@csrf_exempt
@login_not_required
@require_POST
def webhook(request, gateway):
    if gateway != settings.BILLING_GATEWAY:
        raise Http404
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_WEBHOOK_BYTES:
        return HttpResponse("Too large.", status=413, content_type="text/plain")
    try:
        is_done = webhooks.receive(gateway, request.body, dict(request.headers))
    except BadSignature as refusal:
        return HttpResponse(str(refusal), status=400, content_type="text/plain")
    if not is_done:
        return HttpResponse("Please send it again later.", status=503, content_type="text/plain")
    return HttpResponse("Thank you.", content_type="text/plain")
