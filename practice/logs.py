"""What may be written to the log: route names and row numbers, never what a person typed."""

import logging
import re

from django.views.debug import SafeExceptionReporterFilter

# PostgreSQL repeats the values of a refused row in these lines; the parameters of a failed query may follow.
VALUES_OF_A_ROW = re.compile(r"^(DETAIL|CONTEXT|LINE \d+):.*$", re.MULTILINE)
QUERY_STRING = re.compile(r"\?[^\s\"']*")


class NoPeopleFilter(logging.Filter):
    """Take query strings and the database's row values out of a record, in its message and in its traceback."""

    def filter(self, record):
        record.msg = QUERY_STRING.sub("?…", record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = VALUES_OF_A_ROW.sub(r"\1: (left out)", record.exc_text)
        return True


class NothingReporterFilter(SafeExceptionReporterFilter):
    """An error report holds no form values and no local variables, also with DEBUG on."""

    def is_active(self, request):
        return True

    def get_post_parameters(self, request):
        return {name: self.cleansed_substitute for name in request.POST} if request else {}

    def get_traceback_frame_variables(self, request, tb_frame):
        return []
