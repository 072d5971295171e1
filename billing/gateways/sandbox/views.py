"""The hosted card page of the pretend processor. It has no card field: there is nothing to type into it."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.gateways.sandbox import processor
from billing.gateways.sandbox.models import CardSession, Movement, MovementKind, SessionState

PAY_BUTTONS = {"pay": 1, "pay_silently": 0, "pay_twice": 2}  # button: messages sent about it


@never_cache
@login_not_required
@require_http_methods(["GET", "POST"])
def card_page(request, session_id):
    session = get_object_or_404(CardSession, pk=session_id)
    with translation.override(session.language):
        if request.method == "POST":
            return _answer(request, session)
        is_open = session.state == SessionState.OPEN and session.expires_at > timezone.now()
        movements = Movement.objects.filter(payment_ref=session.payment_ref).exclude(kind=MovementKind.PAYMENT)
        return render(
            request,
            "sandbox/card_page.html",
            {"session": session, "is_open": is_open, "movements": movements if session.payment_ref else []},
            status=200 if is_open else 410,
        )


def _answer(request, session):
    button = request.POST.get("button", "")
    if button in PAY_BUTTONS or button == "pay_then_decline":
        card = processor.DECLINING_CARD if button == "pay_then_decline" else processor.GOOD_CARD
        session = processor.take_payment(session.pk, messages=PAY_BUTTONS.get(button, 1), card=card)
        if session.state == SessionState.PAID:
            return HttpResponseRedirect(session.return_url)
    elif button == "pay_late":
        processor.take_payment_late(session.pk)
        return HttpResponseRedirect(session.return_url)
    elif button == "decline":
        session = processor.decline(session.pk)
    elif button == "cancel":
        return HttpResponseRedirect(session.cancel_url)
    elif button in AT_THE_PROCESSOR and session.payment_ref:
        AT_THE_PROCESSOR[button](session.payment_ref)
    else:
        raise Http404
    return HttpResponseRedirect(request.path)


# What otherwise happens at the processor, unseen by the practice.
AT_THE_PROCESSOR = {
    "refund": lambda ref: processor.refund_here(ref, processor.left_to_refund(Movement.objects.get(pk=ref))),
    "dispute": processor.dispute,
    "win": lambda ref: processor.decide_dispute(ref, won=True),
    "lose": lambda ref: processor.decide_dispute(ref, won=False),
}
