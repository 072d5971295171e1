"""What somebody tells the practice: which team answers it, by when, and how the answer reaches the writer."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from practice import mail
from practice.accounts import roles
from practice.models import Feedback, FeedbackStatus, FeedbackTeam, FeedbackTopic

TEAM_OF = {FeedbackTopic.BILL: FeedbackTeam.BILLING, FeedbackTopic.WEBSITE: FeedbackTeam.WEBSITE}
MEMBERS = {
    FeedbackTeam.BILLING: {roles.BILLING, roles.BILLING_LEAD},
    FeedbackTeam.WEBSITE: {roles.EDITOR},
}


class FeedbackError(Exception):
    """What was asked is not possible; the text says why."""


def visible_to(user, feedback):
    """Those of these rows that this person may read: their team's; the front desk and administrators, all."""
    if user.is_superuser or user.holds_role(roles.FRONT_DESK, roles.ADMINISTRATOR):
        return feedback
    return feedback.filter(team__in=[team for team, members in MEMBERS.items() if user.holds_role(*members)])


def recipients_of(team: str) -> list[str]:
    """Who hears that something waits for this team."""
    return {
        FeedbackTeam.BILLING: settings.BILLING_RECIPIENTS,
        FeedbackTeam.WEBSITE: settings.EDITORIAL_RECIPIENTS,
    }.get(FeedbackTeam(team), settings.FEEDBACK_RECIPIENTS)


@transaction.atomic
def receive_feedback(*, topic: str, message: str, name: str, email: str, language: str) -> Feedback:
    """Store it, give it to its team and tell them. The mail is queued with the row: neither exists alone."""
    team = TEAM_OF.get(FeedbackTopic(topic), FeedbackTeam.FRONT_DESK)
    feedback = Feedback.objects.create(
        topic=topic, message=message, name=name, email=email, language=language, team=team
    )
    announce_feedback.enqueue(feedback.pk)
    return feedback


@mail.mail_job
def announce_feedback(feedback_id: int) -> None:
    """Tell its team that something waits. What was written stays here: it may be about somebody's health."""
    feedback = Feedback.objects.get(pk=feedback_id)
    mail.send("practice/email/feedback", recipients_of(feedback.team), {"feedback": feedback})


@transaction.atomic
def pass_on(feedback: Feedback, team: str) -> Feedback:
    """Give it to another team, who are told. The day it is due stays. Raises FeedbackError once it is answered."""
    feedback = _unanswered(feedback)
    if feedback.team != team:
        feedback.team = team
        feedback.save(update_fields=["team"])
        announce_feedback.enqueue(feedback.pk)
    return feedback


@transaction.atomic
def answer_feedback(feedback: Feedback, answer: str, *, by) -> Feedback:
    """Keep the answer and mail it to the writer. Raises FeedbackError without an address, or once it is answered."""
    feedback = _unanswered(feedback)
    if not feedback.email:
        raise FeedbackError(_("No e-mail address was left, so nothing can be mailed."))
    _close(feedback, answer, by, is_answer_mailed=True)
    send_answer.enqueue(feedback.pk)
    return feedback


@transaction.atomic
def close_feedback(feedback: Feedback, what_was_done: str, *, by) -> Feedback:
    """It needs no mail: somebody called, or there is nothing to answer. Raises FeedbackError once it is answered."""
    feedback = _unanswered(feedback)
    _close(feedback, what_was_done, by, is_answer_mailed=False)
    return feedback


def _unanswered(feedback: Feedback) -> Feedback:
    feedback = Feedback.objects.select_for_update(of=("self",)).select_related("answered_by").get(pk=feedback.pk)
    if feedback.status != FeedbackStatus.NEW:
        raise FeedbackError(
            _("%(name)s has answered this on %(day)s already.")
            % {"name": feedback.answered_by, "day": timezone.localdate(feedback.answered_at)}
        )
    return feedback


def _close(feedback: Feedback, answer: str, by, *, is_answer_mailed: bool) -> None:
    feedback.status = FeedbackStatus.ANSWERED
    feedback.answer = answer
    feedback.is_answer_mailed = is_answer_mailed
    feedback.answered_at = timezone.now()
    feedback.answered_by = by
    feedback.save()


@mail.mail_job
def send_answer(feedback_id: int) -> None:
    feedback = Feedback.objects.get(pk=feedback_id)
    mail.send("practice/email/feedback_answer", [feedback.email], {"feedback": feedback}, feedback.language)
