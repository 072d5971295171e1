"""Closing the day, and the closed days with their files."""

from datetime import timedelta

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.close import CloseRefused, close_day, look_at_day, reasons_against
from billing.models import DailyClose
from practice.accounts.access_log import record_many
from practice.instants import validate_year
from practice.money import CentsField, dollars, parse_signed_cents
from practice.office import ReadOnlyMixin


class SignedCentsField(CentsField):
    """Cents that may be negative: on a day with more refunds than payments the bank is charged."""

    parse = staticmethod(parse_signed_cents)


class CloseForm(forms.Form):
    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}), validators=[validate_year])
    deposit = SignedCentsField(
        label=_("Deposit, as the bank shows it"),
        help_text=_("In dollars and cents, like 1234.50; with a minus where the bank took money."),
    )

    def clean_day(self):
        day = self.cleaned_data["day"]
        last = DailyClose.objects.first()
        if last is not None and day <= last.day:
            raise ValidationError(gettext("%(day)s is closed already. Choose a later day.") % {"day": last.day})
        if day > timezone.localdate():
            raise ValidationError(gettext("%(day)s has not come yet.") % {"day": day})
        return day


@admin.register(DailyClose)
class DailyCloseAdmin(ReadOnlyMixin, admin.ModelAdmin):
    change_list_template = "admin/billing/closes.html"
    list_display = ["day", "entries", "paid", "returned", "disputed", "fees", "deposit", "closed_by", "download"]
    list_select_related = ["closed_by"]
    fields = [
        "day", "closed_at", "closed_by", "entries", "paid", "returned", "disputed", "fees", "deposit", "sha256",
        "first_position", "last_position", "chain_digest", "download",
    ]  # fmt: skip
    readonly_fields = ["paid", "returned", "disputed", "fees", "deposit", "download"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body")

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("close/", view(self.close_view), name="billing_dailyclose_close"),
            path("<int:pk>/file/", view(self.file_view), name="billing_dailyclose_file"),
            *super().get_urls(),
        ]

    def close_view(self, request):
        """Shows what the day holds and how it ties; closes it when the deposit ties too."""
        if not request.user.has_perm("billing.close_day"):
            raise PermissionDenied
        shows_only = "show" in request.POST
        day = self._next_day()
        form = CloseForm(request.POST if request.method == "POST" else None, initial={"day": day})
        form.fields["deposit"].required = not shows_only
        if request.method == "POST":
            is_valid = form.is_valid()
            day = form.cleaned_data.get("day") or day
        if request.method == "POST" and is_valid and not shows_only:
            try:
                closed = close_day(
                    form.cleaned_data["day"], deposit_cents=form.cleaned_data["deposit"], by=request.user
                )
            except CloseRefused as refusal:
                for reason in refusal.reasons:
                    form.add_error(None, reason)
            else:
                self.message_user(
                    request, gettext("%(day)s is closed, to the cent.") % {"day": closed.day}, messages.SUCCESS
                )
                return HttpResponseRedirect(reverse("admin:billing_dailyclose_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Close the day"),
            "opts": self.opts,
            "form": form,
            "all_closed": day > timezone.localdate(),
            "is_today": day == timezone.localdate(),
            "day": day,
            **self._how_it_stands(day, with_reasons=shows_only or not form.is_bound),
        }
        return TemplateResponse(request, "admin/billing/close.html", context)

    def _next_day(self):
        """The first day that is not closed, or today where none ever was."""
        last = DailyClose.objects.first()
        return last.day + timedelta(days=1) if last else timezone.localdate()

    def _how_it_stands(self, day, *, with_reasons: bool):
        """The day's sums and, unless a close has just said them, the reasons against closing it."""
        try:
            batch = look_at_day(day)
        except CloseRefused as refusal:
            return {"reasons": refusal.reasons if with_reasons else []}
        sums = [
            (_("Paid"), batch.payments_cents),
            (_("Returned"), -batch.refunds_cents),
            (_("Taken in disputes"), -batch.disputes_cents),
            (_("Fees of the card processor"), -batch.fees_cents),
            (_("Deposit there should be"), batch.deposit_cents),
        ]
        return {
            "batch": batch,
            "sums": [(label, dollars(cents)) for label, cents in sums],
            "reasons": reasons_against(batch) if with_reasons else [],
        }

    def file_view(self, request, pk):
        """The file of a closed day, the same to the byte each time. It names statements: for those who see them."""
        if not (self.has_view_permission(request) and request.user.has_perm("billing.view_statement")):
            raise PermissionDenied
        closed = DailyClose.objects.filter(pk=pk).first()
        if closed is None:
            raise Http404
        record_many(request, DailyClose, str(closed.pk))
        response = HttpResponse(closed.body.encode(), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="close-{closed.day.isoformat()}.csv"'
        response["Cache-Control"] = "no-store, private"
        return response

    @admin.display(description=_("file"))
    def download(self, closed):
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:billing_dailyclose_file", args=[closed.pk]), _("Download CSV")
        )

    @admin.display(description=_("paid"), ordering="payments_cents")
    def paid(self, closed):
        return dollars(closed.payments_cents)

    @admin.display(description=_("returned"), ordering="refunds_cents")
    def returned(self, closed):
        return dollars(closed.refunds_cents)

    @admin.display(description=_("disputed"))
    def disputed(self, closed):
        return dollars(closed.disputes_cents)

    @admin.display(description=_("fees"))
    def fees(self, closed):
        return dollars(closed.fees_cents)

    @admin.display(description=_("deposit"), ordering="deposit_cents")
    def deposit(self, closed):
        return dollars(closed.deposit_cents)
