from django.utils.translation import gettext_lazy as _

from billing.models import (
    Dispute,
    EstimateRequest,
    GatewayEvent,
    Payment,
    Question,
    Refund,
    StatementUpload,
    UploadState,
)
from practice.office_home import Queue, Task, register


def uploads_to_accept():
    return StatementUpload.objects.filter(state=UploadState.CHECKED)


register(
    Queue(
        _("Refunds that wait for a second person"), "billing.approve_refund", "billing_refund",
        Refund.objects.waiting_for_approval, position=1,
    ),
    Queue(
        _("Payments to look at"), "billing.change_payment", "billing_payment", Payment.objects.needing_review,
        "?look=odd", 2,
    ),
    Queue(_("Disputes open"), "billing.view_dispute", "billing_dispute", Dispute.objects.open, position=3),
    Queue(
        _("Questions past their day"), "billing.change_question", "billing_question", Question.objects.overdue,
        position=4,
    ),
    Queue(_("Questions open"), "billing.change_question", "billing_question", Question.objects.open, position=5),
    Queue(
        _("Estimates to give"), "billing.change_estimaterequest", "billing_estimaterequest",
        EstimateRequest.objects.unanswered, position=6,
    ),
    Queue(
        _("Files of statements that wait for your word"), "billing.import_statements", "billing_statementupload",
        uploads_to_accept, "?state__exact=checked", 7,
    ),
    Queue(
        _("Messages not acted on"), "billing.view_gatewayevent", "billing_gatewayevent",
        GatewayEvent.objects.unprocessed, "?acted=no", 8,
    ),
    Task(_("Upload statements"), "billing.import_statements", "billing_statementupload_add", 1),
    Task(_("Find a statement"), "billing.view_statement", "billing_statement_changelist", 2),
    Task(_("Billing at a glance"), "billing.view_statement", "billing_dashboard", 4),
    Task(_("Close the day"), "billing.close_day", "billing_dailyclose_close", 3),
)  # fmt: skip
