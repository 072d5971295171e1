"""What else a guest can do: pay in parts, ask the office, ask for an estimate, check a receipt."""

from datetime import date, timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from billing import instalments, payments, plans
from billing import questions as threads
from billing.forms import EstimateForm, PlanForm, QuestionForm, ReplyForm, VerifyForm
from billing.models import Payment, PaymentPlan, QuestionKind
from billing.views import chosen_statement, private, to_card_page
from practice.client_address import client_address
from practice.throttles import Limit, count_try_from

ESTIMATE_DUE_KEY = "estimate_due"
VERIFY_PER_ADDRESS = Limit("verify.address", 20, timedelta(hours=1))
ESTIMATES_PER_ADDRESS = Limit("estimates.address", 20, timedelta(hours=1))
QUESTIONS_PER_ADDRESS = Limit("questions.address", 30, timedelta(hours=1))


# ---- Paying in parts ------------------------------------------------------------------------------------------------


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def plan_offer(request):
    """Agree to a plan of so many parts, then pay the first on the card page."""
    bill = chosen_statement(request)
    if bill is None:
        return redirect("billing:look_up")
    wanted = (request.POST if request.method == "POST" else request.GET).get("parts", "")
    offer = next((offer for offer in plans.offers(bill) if str(offer.count) == wanted), None)
    if offer is None or not settings.BILLING_GATEWAY:
        return redirect("billing:statement")
    form = PlanForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            return to_card_page(_begin_plan(request, bill, offer.count, form.cleaned_data["email"]))
        except (plans.PlanRefused, payments.PaymentRefused) as refusal:
            form.add_error(None, str(refusal))
        except payments.CardPageUnreachable as lost:
            if lost.attempt is not None:
                return redirect(lost.attempt)
            form.add_error(None, _("We could not reach the card page. Nothing was charged. Please try again."))
    context = {"statement": bill, "offer": offer, "consent": plans.consent_text(offer), "form": form}
    return render(request, "billing/plan_offer.html", context)


def _begin_plan(request, bill, count, email):
    language = translation.get_language()
    plan = plans.agree(bill, count, email=email, language=language, address=client_address(request))
    first = plan.instalments.get(position=1)
    return payments.start_payment(bill, first.amount_cents, language, receipt_to=email, instalment=first)


@private
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan(request, token):
    """The plan behind a private link: its days and sums, and the button that ends it. Nobody's name."""
    found = get_object_or_404(PaymentPlan.objects.select_related("statement"), token=token)
    if request.method == "POST":
        if request.POST.get("action") != "cancel":
            raise Http404
        plans.cancel(found)
        messages.success(request, _("Your payment plan is cancelled. No card is charged any more."))
        return redirect(found)
    parts = list(found.instalments.all())
    return render(
        request,
        "billing/plan.html",
        {"plan": found, "instalments": parts, "remind_days": instalments.REMIND_BEFORE.days},
    )


# ---- Asking ---------------------------------------------------------------------------------------------------------


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request, kind):
    """A new question about the bill, or about the line whose number is given."""
    if kind not in QuestionKind.values:
        raise Http404
    bill = chosen_statement(request)
    if bill is None:
        return redirect("billing:look_up")
    position = (request.POST if request.method == "POST" else request.GET).get("line", "")
    is_number = position.isascii() and position.isdigit() and len(position) < 6
    line = bill.lines.filter(position=position).first() if is_number else None
    form = QuestionForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        if count_try_from(request, QUESTIONS_PER_ADDRESS):
            facts = {"email": form.cleaned_data["email"], "language": translation.get_language()}
            threads.ask(bill, QuestionKind(kind), form.cleaned_data["message"], line=line, **facts)
            messages.success(request, _("We have your message. This bill is on hold until we have answered."))
            return redirect("billing:questions")
        form.add_error(None, _("There were many messages from here. Please wait an hour, or call us."))
        status = 429
    context = {"statement": bill, "kind": kind, "line": line, "form": form, "days": threads.ANSWER_WITHIN}
    return render(request, "billing/ask.html", context, status=status)


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def questions(request):
    """All threads about the bill, with their answers; the patient may write again."""
    bill = chosen_statement(request)
    if bill is None:
        return redirect("billing:look_up")
    asked = list(bill.questions.select_related("line").prefetch_related("messages").order_by("-asked_at"))
    forms = {question.pk: ReplyForm(prefix=f"q{question.pk}") for question in asked}
    failed, status = None, 200
    if request.method == "POST":
        question = next((q for q in asked if str(q.pk) == request.POST.get("question")), None)
        if question is None:
            raise Http404
        form = forms[question.pk] = ReplyForm(request.POST, prefix=f"q{question.pk}")
        failed = form
        if form.is_valid():
            if count_try_from(request, QUESTIONS_PER_ADDRESS):
                threads.ask_on(question, form.cleaned_data["message"])
                messages.success(request, _("We have your message. This bill is on hold until we have answered."))
                return redirect("billing:questions")
            form.add_error(None, _("There were many messages from here. Please wait an hour, or call us."))
            status = 429
    threads_and_forms = [(question, forms[question.pk]) for question in asked]
    context = {"statement": bill, "threads": threads_and_forms, "form": failed}
    return render(request, "billing/questions.html", context, status=status)


@private
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def estimate(request):
    """Ask for a good-faith estimate, before or instead of an appointment."""
    form = EstimateForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        if facts.pop("website"):
            return redirect("billing:estimate_thanks")
        if count_try_from(request, ESTIMATES_PER_ADDRESS):
            asked = threads.request_estimate(**facts, language=translation.get_language())
            request.session[ESTIMATE_DUE_KEY] = asked.due_on.isoformat()
            return redirect("billing:estimate_thanks")
        form.add_error(None, _("There were many messages from here. Please wait an hour, or call us."))
        status = 429
    return render(request, "billing/estimate.html", {"form": form}, status=status)


@private
@login_not_required
@require_safe
def estimate_thanks(request):
    due_on = request.session.get(ESTIMATE_DUE_KEY)
    context = {"due_on": due_on and date.fromisoformat(due_on), "days": threads.ESTIMATE_WITHIN}
    return render(request, "billing/estimate_thanks.html", context)


# ---- Is it ours? ----------------------------------------------------------------------------------------------------


@private
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def verify(request):
    """Says whether a receipt number is ours, and nothing else about it."""
    form = VerifyForm(request.POST if request.method == "POST" else None)
    answer, status = None, 200
    if request.method == "POST" and form.is_valid():
        if count_try_from(request, VERIFY_PER_ADDRESS):
            number = "".join(form.cleaned_data["number"].split()).upper()
            answer = "ours" if Payment.objects.filter(receipt_number=number).exists() else "not ours"
        else:
            form.add_error(None, _("There were many tries from here. Please wait an hour, or call us."))
            status = 429
    origin = settings.PUBLIC_ORIGIN + reverse("billing:look_up")
    context = {"form": form, "answer": answer, "origin": origin}
    return render(request, "billing/verify.html", context, status=status)
