from django.db import migrations

from practice.accounts.roles import ADMINISTRATOR, BILLING, BILLING_LEAD, FRONT_DESK, grant

BOTH = {
    "refund": "v",
    "refund.request_refund": "Can ask for a refund",
    "dispute": "v",
    "paymentplan": "v",
    "instalment": "v",
    "question": "vc",
    "questionmessage": "va",
    "estimaterequest": "vc",
    "statementupload": "va",
    "importbatch.import_statements": "Can import statements",
    "dailyclose": "v",
    "dailyclose.close_day": "Can close the day",
    "statement.print_statement": "Can download the codes for the print house",
}
GRANTS = {
    ADMINISTRATOR: {"dailyclose": "v"},
    BILLING: BOTH,
    BILLING_LEAD: BOTH
    | {
        "refund.approve_refund": "Can approve a refund somebody else asked for",
        "statement.void_statement": "Can void a statement and issue it again",
        "statement.write_off_statement": "Can write off what is owed",
        "payment": "vc",
        "chainlink": "v",
    },
    FRONT_DESK: {"estimaterequest": "vc"},
}
forward, backward = grant("billing", GRANTS)


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_office_rules"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(forward, backward)]
