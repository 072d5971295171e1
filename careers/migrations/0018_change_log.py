from django.db import migrations

from practice.accounts.change_log import track

ABOUT_SOMEBODY = (
    "careers_draft", "careers_applicationfile", "careers_letter", "careers_scorecard", "careers_score",
    "careers_comment", "careers_reveal", "careers_interviewslot", "careers_legalhold",
)  # fmt: skip
BEFORE = track("careers_application", hidden=("*",))
# Who has answered the voluntary questions, and when, would tell whose answer it is.
AFTER = track("careers_application", hidden=("*",), ignored=("has_seen_survey",))


class Migration(migrations.Migration):
    dependencies = [("careers", "0017_reviewers_and_their_rights")]
    operations = [
        track("careers_criterion", "careers_mailtext", "careers_opening_reviewers"),
        track(*ABOUT_SOMEBODY, hidden=("*",)),
        migrations.RunSQL(BEFORE.reverse_sql, BEFORE.sql),
        AFTER,
    ]
