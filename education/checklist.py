"""The questions an editor answers before an article goes to review: can readers understand it, and do what it asks?

In our own words, after what research on patient materials looks at: purpose, words, order, numbers, and actions.
"""

from django.utils.translation import gettext_lazy as _

YES, NO, NOT_HERE = "yes", "no", "n/a"
ANSWERS = [(YES, _("Yes")), (NO, _("No")), (NOT_HERE, _("Does not apply"))]

QUESTIONS = {
    "purpose": _("The first lines say what the exam is and why it matters to the reader."),
    "only-needed": _("There is nothing that would lead the reader away from it."),
    "everyday-words": _("It uses everyday words; where a medical word must stand, it is explained."),
    "active": _("Sentences are short and say who does what."),
    "numbers": _("Numbers are few and easy to picture; the reader has nothing to calculate."),
    "chunks": _("Each section is short and about one thing."),
    "headings": _("The headings tell what stands below them."),
    "order": _("It is told in the order in which it happens."),
    "actions": _("It tells the reader at least one thing to do, and speaks to the reader."),
    "steps": _("What to do is broken into clear steps, with when to do it."),
    "help": _("It says when to call, whom, and what is an emergency."),
    "fair": _("Risks are told as they are, neither hidden nor frightening."),
}


def score(answers: dict[str, str]) -> tuple[int, int]:
    """(questions answered yes, questions that apply), of those that were answered."""
    known = {key: answer for key, answer in answers.items() if key in QUESTIONS}
    return sum(answer == YES for answer in known.values()), sum(answer != NOT_HERE for answer in known.values())


def unanswered(answers: dict[str, str]) -> int:
    return sum(key not in answers for key in QUESTIONS)
