"""What may be written to the log: route names and row numbers, never what a person typed."""

import logging
import re

from django.views.debug import SafeExceptionReporterFilter

# PostgreSQL repeats the values of a refused row from these words on. A value may run over many lines, so all is left
# out up to the next exception of the chain.
VALUES_OF_A_ROW = re.compile(
    r"^(DETAIL|CONTEXT|LINE \d+):.*?(?=\n\n(?:The above exception was|During handling of the above)|\Z)",
    re.MULTILINE | re.DOTALL,
)
QUERY_STRING = re.compile(r"\?[^\s\"']*")


class NoPeopleFilter(logging.Filter):
    """Take query strings and the database's row values out of a record, in its message and in its traceback."""

    def filter(self, record):
        record.msg = self.without_people(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.without_people(record.exc_text)
        return True

    def without_people(self, text: str) -> str:
        return QUERY_STRING.sub("?…", VALUES_OF_A_ROW.sub(r"\1: (left out)", text))


class NothingReporterFilter(SafeExceptionReporterFilter):
    """An error report holds no form values and no local variables, also with DEBUG on."""

    def is_active(self, request):
        return True

    def get_post_parameters(self, request):
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request else {}

    def get_traceback_frame_variables(self, request, tb_frame):
        return []
