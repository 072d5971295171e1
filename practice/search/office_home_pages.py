from django.utils.translation import gettext_lazy as _

from practice.office_home import Queue, register
from practice.search.models import MissedSearch

register(
    Queue(
        _("Searches that found nothing"),
        "search.change_missedsearch",
        "search_missedsearch",
        MissedSearch.objects.open,
        position=60,
    )
)
