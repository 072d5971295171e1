from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from education import infobutton as answers
from practice.context import get_identity


@login_not_required
@cache_control(private=True, no_store=True)  # what is asked may be about somebody's health
@require_safe
def infobutton(request):
    """Atom, JSON, or a page: the article itself where there is one, else a list."""
    asked = answers.read_request(request.GET)
    editions = answers.find(asked)
    with translation.override(asked.language):
        practice = get_identity().name
        title = _("Patient Information of %(practice)s") % {"practice": practice}
        feed = answers.as_feed(asked, editions, title, settings.PUBLIC_ORIGIN)
        if asked.format == "application/json":
            response = HttpResponse(answers.as_json(feed, practice), content_type="application/json; charset=utf-8")
        elif asked.format == "application/atom+xml":
            response = HttpResponse(answers.as_atom(feed, practice), content_type="application/atom+xml; charset=utf-8")
        elif len(editions) == 1:
            response = redirect(editions[0])
        else:
            response = render(request, "education/infobutton.html", {"editions": editions})
        response.headers["Content-Language"] = asked.language
    return response
