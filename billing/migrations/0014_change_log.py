from django.db import migrations

from practice.accounts.change_log import track


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_links_for_earlier_statements"), ("accounts", "0005_change_log")]
    operations = [
        track(
            "billing_statement",
            "billing_statementline",
            "billing_payment",
            "billing_refund",
            "billing_dispute",
            "billing_journal",
            "billing_leg",
            "billing_importbatch",
            "billing_dailyclose",
            "billing_paymentplan",
            "billing_instalment",
        ),
        track("billing_chainlink", key="position"),
        track(
            "billing_attempt",
            "billing_question",
            "billing_questionmessage",
            "billing_estimaterequest",
            "billing_gatewayevent",
            "billing_statementupload",
            hidden=("*",),
        ),
    ]
