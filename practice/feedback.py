"""What somebody tells the practice: kept for staff to answer, and a mail that says it is there."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from practice import mail
from practice.models import Feedback, FeedbackStatus


@transaction.atomic
def receive_feedback(*, topic: str, message: str, name: str, email: str, language: str) -> Feedback:
    """Store it and tell the staff. The mail is queued with the row: neither exists without the other."""
    feedback = Feedback.objects.create(topic=topic, message=message, name=name, email=email, language=language)
    announce_feedback.enqueue(feedback.pk)
    return feedback


@mail.mail_job
def announce_feedback(feedback_id: int) -> None:
    """Tell the front desk that something waits. What was written stays here: it may be about somebody's health."""
    feedback = Feedback.objects.get(pk=feedback_id)
    mail.send("practice/email/feedback", settings.FEEDBACK_RECIPIENTS, {"feedback": feedback})


@transaction.atomic
def mark_answered(feedback: Feedback, by) -> Feedback:
    """Somebody has answered, by mail or phone. Marking it again changes nothing."""
    feedback = Feedback.objects.select_for_update().get(pk=feedback.pk)
    if feedback.status == FeedbackStatus.NEW:
        feedback.status = FeedbackStatus.ANSWERED
        feedback.answered_at = timezone.now()
        feedback.answered_by = by
        feedback.save(update_fields=["status", "answered_at", "answered_by"])
    return feedback
