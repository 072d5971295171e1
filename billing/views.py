"""Paying a bill as a guest. Nothing about the patient is in an address; all pages are private and never stored."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import payments, webhooks
from billing.forms import LookUpForm, PayForm
from billing.gateways.interface import BadSignature
from billing.lookup import Found, Miss, find_statement
from billing.models import Attempt, AttemptState, Statement
from patients import guests
from practice.client_address import client_address

private = cache_control(private=True, no_store=True, no_cache=True, must_revalidate=True, max_age=0)

MAX_WEBHOOK_BYTES = 256 * 1024
STATEMENT_KEY = "guest_statement"


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def look_up(request):
    form = LookUpForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        result = find_statement(form.cleaned_data["code"], form.cleaned_data["born_on"], client_address(request))
        if isinstance(result, Found):
            guests.admit(request, result.statement.patient)
            request.session[STATEMENT_KEY] = result.statement.pk
            return redirect("billing:statement")
        if result == Miss.TOO_OFTEN:
            status = 429
            form.add_error(None, _("There were too many tries from here. Please wait ten minutes, or call us."))
        else:
            form.add_error(
                None,
                _("We could not find a bill with this code and date of birth. Check both with your bill, or call us."),
            )
    return render(request, "billing/look_up.html", {"form": form, "off": not settings.PAYMENT_GATEWAY}, status=status)


def _guest_statements(request):
    """The statements this browser's guest may see."""
    patient_id = guests.admitted_patient_id(request)
    if patient_id is None:
        return Statement.objects.none()
    return Statement.objects.valid().filter(patient_id=patient_id).select_related("patient")


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def statement(request):
    bills = _guest_statements(request)
    bill = bills.filter(pk=request.session.get(STATEMENT_KEY)).first()
    if bill is None:
        return redirect("billing:look_up")
    form = PayForm(
        request.POST if request.method == "POST" else None, balance_cents=bill.balance_cents, initial={"choice": "full"}
    )
    if request.method == "POST" and form.is_valid():
        try:
            attempt = payments.start_payment(bill, form.amount_cents, translation.get_language())
        except payments.PaymentRefused as refusal:
            form.add_error("amount", str(refusal))
            bill.refresh_from_db()
        except payments.CardPageUnreachable:
            form.add_error(None, _("We could not reach the card page. Nothing was charged. Please try again."))
        else:
            if attempt.state == AttemptState.PAID:
                return redirect(attempt)
            response = redirect(attempt.checkout_url)
            response.status_code = 303
            return response
    return render(
        request,
        "billing/statement.html",
        {
            "statement": bill,
            "lines": bill.lines.all(),
            "payments": (paid := list(bill.payments.order_by("captured_at"))),
            # After a revision below what was paid, the difference waits to be returned.
            "released_cents": sum(payment.applied_cents for payment in paid) - bill.applied_cents,
            "others": bills.outstanding().exclude(pk=bill.pk),
            "form": form,
            "off": not settings.PAYMENT_GATEWAY,
        },
    )


@private
@login_not_required
@require_POST
def choose_statement(request):
    """Show another bill of the same patient."""
    number = request.POST.get("statement", "")
    bill = _guest_statements(request).filter(pk=number).first() if number.isascii() and number.isdigit() else None
    if bill is None:
        raise Http404
    request.session[STATEMENT_KEY] = bill.pk
    return redirect("billing:statement")


@private
@login_not_required
@require_GET
def receipt(request, attempt_id):
    """Where the card page sends the payer back to. Says "confirming" for as long as the outcome is not known."""
    attempt = get_object_or_404(Attempt.objects.select_related("statement__patient"), pk=attempt_id)
    attempt = payments.look_at(attempt)
    payment = getattr(attempt, "payment", None) if attempt.state == AttemptState.PAID else None
    is_guest = guests.admitted_patient_id(request) == attempt.statement.patient_id
    return render(
        request,
        "billing/receipt.html",
        {
            "attempt": attempt,
            "payment": payment,
            # Whoever only holds the link sees the amount, not whose bill it was.
            "statement": attempt.statement if is_guest else None,
            "lines": attempt.statement.lines.all() if is_guest else [],
            "is_waiting": attempt.state in ("created", "open", "unknown"),
        },
    )


@private
@login_not_required
@require_POST
def leave(request):
    """End the visit, for a shared computer."""
    guests.dismiss(request)
    request.session.pop(STATEMENT_KEY, None)
    return redirect("billing:look_up")


@never_cache
@csrf_exempt
@login_not_required
@require_POST
def webhook(request, gateway):
    if gateway != settings.PAYMENT_GATEWAY:
        raise Http404
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_WEBHOOK_BYTES:
        return HttpResponse("Too large.", status=413, content_type="text/plain")
    try:
        webhooks.receive(gateway, request.body, dict(request.headers))
    except BadSignature as refusal:
        return HttpResponse(str(refusal), status=400, content_type="text/plain")
    return HttpResponse("Thank you.", content_type="text/plain")
