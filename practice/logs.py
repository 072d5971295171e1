"""What may be written to the log: route names and row numbers, never what a person typed."""

import logging
import re
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from practice.outages import is_outage

# PostgreSQL repeats the values of a refused row from these words on. A value may run over many lines, so all is left
# out up to the next exception of the chain.
VALUES_OF_A_ROW = re.compile(
    r"^(DETAIL|CONTEXT|LINE \d+):.*?(?=\n\n(?:The above exception was|During handling of the above)|\Z)",
    re.MULTILINE | re.DOTALL,
)
ADDRESS = re.compile(r"\bhttps?://[^\s\"']+")  # also where somebody came from, with the links they had
QUERY_STRING = re.compile(r"\?[^\s\"']*")
# Errors that quote the value they could not take: what a person typed, or a part of an address.
QUOTING_ERROR = re.compile(
    r"^(?:[\w.]+\.)?(?:\w*(?:Data|Value|Validation|Key|Unicode\w*|Lookup|Field)Error"
    r"|errors\.(?:Invalid|String|Numeric|Datetime|Untranslatable)\w*): .*$",
    re.MULTILINE,
)
QUOTED = re.compile(r"""(["'])(?:(?!\1).)*\1|“[^”]*”|‘[^’]*’""")


class NoPeopleFilter(logging.Filter):
    """Take query strings and the database's row values out of a record, in its message and in its traceback."""

    def filter(self, record):
        if record.name.startswith("django.security.") and record.name != "django.security.csrf":
            # What was refused, and never how: the message repeats what somebody sent.
            record.msg, record.args, record.exc_info, record.exc_text = "Refused.", (), None, None
            return True
        record.msg = self.without_people(self.without_address(record))
        record.args = ()
        if record.exc_info and record.name == "django.request" and is_outage(record.exc_info[1]):
            # One line for each request; their tracebacks would fill the disk while a database is away.
            record.msg = f"{record.msg} ({type(record.exc_info[1]).__name__})"
            record.exc_info, record.exc_text = None, None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.without_people(record.exc_text)
        return True

    def without_address(self, record) -> str:
        """The message with the name of the page in place of its address, which may be a private link."""
        text = record.getMessage()
        request: Any = getattr(record, "request", None)
        if hasattr(request, "path"):
            match = request.resolver_match
            text = text.replace(request.path, f"({match.view_name})" if match else "(no page of ours)")
        return text

    def without_people(self, text: str) -> str:
        text = VALUES_OF_A_ROW.sub(r"\1: (left out)", text)
        text = QUOTING_ERROR.sub(lambda line: QUOTED.sub("“…”", line.group()), text)
        return QUERY_STRING.sub("?…", ADDRESS.sub("(an address)", text))


class NothingReporterFilter(SafeExceptionReporterFilter):
    """An error report holds no form values and no local variables, also with DEBUG on."""

    def is_active(self, request):
        return True

    def get_post_parameters(self, request):
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request else {}

    def get_traceback_frame_variables(self, request, tb_frame):
        return []
