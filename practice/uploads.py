"""Looks at an uploaded PDF or Word file before it is kept. A name and a content type are only what a sender says.

Every refusal is a sentence for the person who sent the file: what is wrong, and what to do.
"""

import subprocess
import sys
from pathlib import Path
from threading import BoundedSemaphore

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from practice import document_check

LONGEST_SECONDS = 10
AT_ONCE = BoundedSemaphore(1)  # in each process of the site: other pages are answered meanwhile
LONGEST_WAIT = 3  # seconds for one's turn
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
    upload.seek(0)
    reason = _checked_apart(ending, upload.read())
    upload.seek(0)
    if reason:
        problem, remedy, code = REFUSALS[reason]
        raise ValidationError(f"{problem} {remedy}", code=code)


def _checked_apart(ending: str, data: bytes) -> str:
    """The reason for a refusal, or nothing. A process that was ended had too little memory or time for the file."""
    program = [sys.executable, "-I", document_check.__file__, ending]
    if not AT_ONCE.acquire(timeout=LONGEST_WAIT):
        return "busy"
    try:
        done = subprocess.run(program, input=data, capture_output=True, timeout=LONGEST_SECONDS, env={}, check=False)
    except subprocess.TimeoutExpired:
        return "too much"
    finally:
        AT_ONCE.release()
    return done.stdout.decode() if done.returncode == 0 else "too much"
