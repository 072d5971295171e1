"""Openings, the people who apply, how their applications are read and answered, and for how long they are kept.

No row ever asks for a date of birth, a photo or a social security number. What applicants say of their sex and origin
stands in a table of its own that leads to nobody (`survey`).
"""

from careers.models.applications import (
    FINAL_STATUSES,
    MOST_OTHER_FILES,
    NEXT_STATUSES,
    Application,
    ApplicationFile,
    ApplicationStatus,
    DeclineReason,
    Draft,
    FileKind,
    file_path,
    new_token,
    private_storage,
)
from careers.models.letters import Letter, LetterKind, MailText
from careers.models.openings import (
    Criterion,
    Employment,
    Opening,
    OpeningStatus,
    PayPeriod,
    Productivity,
    Role,
    Visa,
)
from careers.models.retention import Certificate, CertificateKind, LegalHold
from careers.models.review import Comment, InterviewSlot, Recommendation, Reveal, Score, Scorecard, SlotState
from careers.models.survey import Ethnicity, Sex, SurveyAnswer

__all__ = [
    "FINAL_STATUSES",
    "MOST_OTHER_FILES",
    "NEXT_STATUSES",
    "Application",
    "ApplicationFile",
    "ApplicationStatus",
    "Certificate",
    "CertificateKind",
    "Comment",
    "Criterion",
    "DeclineReason",
    "Draft",
    "Employment",
    "Ethnicity",
    "FileKind",
    "InterviewSlot",
    "LegalHold",
    "Letter",
    "LetterKind",
    "MailText",
    "Opening",
    "OpeningStatus",
    "PayPeriod",
    "Productivity",
    "Recommendation",
    "Reveal",
    "Role",
    "Score",
    "Scorecard",
    "Sex",
    "SlotState",
    "SurveyAnswer",
    "Visa",
    "file_path",
    "new_token",
    "private_storage",
]
