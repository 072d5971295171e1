"""Feedback has a team that answers it, a day by which, and keeps the answer."""

from django.conf import settings
from django.db import migrations, models

import practice.models
from practice.accounts.change_log import track
from practice.accounts.roles import BILLING, BILLING_LEAD, EDITOR, grant

grant_teams, take_back = grant("practice", {role: {"feedback": "vc"} for role in (BILLING, BILLING_LEAD, EDITOR)})
tracked_before = track("practice_feedback", hidden=("message", "name", "email"))


def route(apps, schema_editor):
    """What waits already goes to the team of its topic, with three business days from today."""
    waiting = apps.get_model("practice", "Feedback").objects.filter(status="new")
    for topic, team in (("bill", "billing"), ("website", "website")):
        waiting.filter(topic=topic).update(team=team)


class Migration(migrations.Migration):
    dependencies = [
        ("practice", "0006_change_log"),
        ("accounts", "0005_change_log"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="feedback",
            name="practice_feedback_answered_by_somebody",
        ),
        migrations.AddField(
            model_name="feedback",
            name="answer",
            field=models.TextField(blank=True, verbose_name="answer, or what was done"),
        ),
        migrations.AddField(
            model_name="feedback",
            name="due_on",
            field=models.DateField(default=practice.models.feedback_due_on, verbose_name="answer by"),
        ),
        migrations.AddField(
            model_name="feedback",
            name="is_answer_mailed",
            field=models.BooleanField(default=False, verbose_name="answered by e-mail"),
        ),
        migrations.AddField(
            model_name="feedback",
            name="team",
            field=models.CharField(
                choices=[
                    ("front desk", "Front desk"),
                    ("billing", "Billing office"),
                    ("website", "Editors of the website"),
                ],
                default="front desk",
                max_length=20,
                verbose_name="who answers",
            ),
        ),
        migrations.AddIndex(
            model_name="feedback",
            index=models.Index(condition=models.Q(("status", "new")), fields=["due_on"], name="practice_feedback_new"),
        ),
        migrations.AddConstraint(
            model_name="feedback",
            constraint=models.CheckConstraint(
                condition=models.Q(("team__in", ["front desk", "billing", "website"])),
                name="practice_feedback_team_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="feedback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at", None), ("answered_by", None), ("status", "new")),
                    models.Q(("answered_at__isnull", False), ("answered_by__isnull", False), ("status", "answered")),
                    _connector="OR",
                ),
                name="practice_feedback_answered_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="feedback",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_answer_mailed", False),
                    models.Q(models.Q(("email", ""), _negated=True), models.Q(("answer", ""), _negated=True)),
                    _connector="OR",
                ),
                name="practice_feedback_mailed_where_there_is_an_address",
            ),
        ),
        migrations.RunSQL(tracked_before.reverse_sql, tracked_before.sql),
        track("practice_feedback", hidden=("message", "name", "email", "answer")),
        migrations.RunPython(grant_teams, take_back),
        migrations.RunPython(route, migrations.RunPython.noop),
    ]
