"""Looks at an uploaded PDF or Word file before it is kept. A name and a content type are only what a sender says.

Every refusal is a sentence for the person who sent the file: what is wrong, and what to do.
"""

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practice import document_check
from practice.apart import Busy, TooMuch, run_apart
from practice.virus_scan import NotScanned, finds_virus

SAVE_AS_PDF = gettext_lazy("Please save it as a PDF and try again.")
PRINT_AGAIN = gettext_lazy("Please print it to a new PDF and send that.")

# What `document_check` says: (the sentence, what to do, the code of the error).
REFUSALS = {
    "not a pdf": (gettext_lazy("This file is named .pdf but is not a PDF."), SAVE_AS_PDF, "not_pdf"),
    "damaged pdf": (gettext_lazy("This PDF is damaged and cannot be opened."), SAVE_AS_PDF, "damaged"),
    "locked pdf": (
        gettext_lazy("This PDF is locked."), gettext_lazy("Please remove the password or protection and try again."),
        "locked",
    ),
    "pages": (
        gettext_lazy("This PDF has no pages, or more than 300."), gettext_lazy("Please send a shorter one."), "pages",
    ),
    "attached": (gettext_lazy("This PDF has other files attached to it."), PRINT_AGAIN, "active"),
    "active pdf": (gettext_lazy("This PDF has active content (a script or an action)."), PRINT_AGAIN, "active"),
    "locked or old word": (
        gettext_lazy("This Word file is locked with a password, or is an old .doc."), SAVE_AS_PDF, "locked",
    ),
    "locked word file": (gettext_lazy("This Word file is locked with a password."), SAVE_AS_PDF, "locked"),
    "word bomb": (
        gettext_lazy("This Word file unpacks to far more than a document holds."), SAVE_AS_PDF, "bomb",
    ),
    "not a word file": (gettext_lazy("This file is named .docx but is not a Word document."), SAVE_AS_PDF, "not_docx"),
    "damaged word file": (gettext_lazy("This Word file is damaged and cannot be opened."), SAVE_AS_PDF, "damaged"),
    "macros": (gettext_lazy("This Word file has macros."), SAVE_AS_PDF, "active"),
    "files inside": (gettext_lazy("This Word file has other files inside it."), SAVE_AS_PDF, "embedded"),
    "uncheckable": (gettext_lazy("This Word file has content we cannot check."), SAVE_AS_PDF, "entities"),
    "outside parts": (gettext_lazy("This Word file loads parts from elsewhere."), SAVE_AS_PDF, "external"),
    "busy": (
        gettext_lazy("Other files are being looked at just now."), gettext_lazy("Please send it again in a minute."),
        "busy",
    ),
    "virus": (
        gettext_lazy("Our virus scanner refuses this file."), gettext_lazy("Please send another one."), "virus",
    ),
    "not scanned": (
        gettext_lazy("We cannot look for viruses just now, so we cannot take files."),
        gettext_lazy("Please try again in a few minutes, or call us."), "not_scanned",
    ),
    "no room": (
        gettext_lazy("We have no room to take this file just now."),
        gettext_lazy("Please try again in an hour, or call us."), "no_room",
    ),
    "too much": (gettext_lazy("This file takes far more work to open than a document does."), PRINT_AGAIN, "bomb"),
}  # fmt: skip


def check_document(upload: UploadedFile) -> None:
    """Accept a harmless PDF or DOCX. Raises ValidationError with the reason for everything else."""
    ending = Path(upload.name or "").suffix.lower()
    if ending not in (".pdf", ".docx"):
        raise ValidationError(_("We can take PDF and Word (.docx) files. ") + SAVE_AS_PDF, code="ending")
    if not upload.size:
        raise ValidationError(_("This file is empty. Please choose it again."), code="empty")
    if upload.size > settings.MAX_UPLOAD_BYTES:
        raise ValidationError(_("This file is larger than 10 MB. Please send a smaller one."), code="size")
    if not getattr(upload, "is_whole", True):
        raise refusal("no room")
    upload.seek(0)
    data = upload.read()
    upload.seek(0)
    reason = _checked_apart(ending, data) or _scanned(data)
    if reason:
        raise refusal(reason)


def refusal(reason: str) -> ValidationError:
    """The sentence for a reason of REFUSALS."""
    problem, remedy, code = REFUSALS[reason]
    return ValidationError(f"{problem} {remedy}", code=code)


def _scanned(data: bytes) -> str:
    """What the virus scanner says, where there is one: the reason for a refusal, or nothing."""
    if not settings.CLAMD:
        return ""
    try:
        return "virus" if finds_virus(data) else ""
    except NotScanned:
        return "not scanned"


def _checked_apart(ending: str, data: bytes) -> str:
    """The reason for a refusal, or nothing."""
    try:
        return run_apart(document_check.__file__, ending, data=data)
    except Busy:
        return "busy"
    except TooMuch:
        return "too much"
