"""The hosted card page of the pretend processor. It has no card field: there is nothing to type into it."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone, translation
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.gateways.sandbox.models import CardSession, SessionState
from billing.gateways.sandbox.processor import decline, take_payment

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
        return render(
            request, "sandbox/card_page.html", {"session": session, "is_open": is_open}, status=200 if is_open else 410
        )


def _answer(request, session):
    button = request.POST.get("button", "")
    if button in PAY_BUTTONS:
        session = take_payment(session.pk, messages=PAY_BUTTONS[button])
        if session.state == SessionState.PAID:
            return HttpResponseRedirect(session.return_url)
    elif button == "decline":
        session = decline(session.pk)
    elif button == "cancel":
        return HttpResponseRedirect(session.cancel_url)
    else:
        raise Http404
    return HttpResponseRedirect(request.path)
