"""Which applications wait for whom."""

from careers.models import Application


def to_score(user, applications):
    """Those of these that wait for this person's scorecard."""
    return applications.visible_to(user).unanswered().exclude(pk__in=Application.objects.scored_by(user).values("pk"))
