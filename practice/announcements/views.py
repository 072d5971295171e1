from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, render

from practice.announcements.models import Announcement
from practice.published_pages import NUMBER, published_page

ON_HOME = 4
PER_PAGE = 20


def _listed(announcements):
    return announcements.prefetch_related("physicians")


@published_page()
def home(request):
    news = list(_listed(Announcement.objects.published())[: ON_HOME + 1])
    return render(
        request, "practice/home.html", {"announcements": news[:ON_HOME], "there_are_more": len(news) > ON_HOME}
    )


@published_page(page=NUMBER)
def index(request):
    page = Paginator(_listed(Announcement.objects.published()), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "announcements/index.html", {"page": page})


@published_page()
def announcement(request, slug):
    news = get_object_or_404(_listed(Announcement.objects.published()), slug=slug)
    return render(request, "announcements/announcement.html", {"announcement": news})


@published_page()
def giving_back(request):
    news = _listed(Announcement.objects.published().about_community())
    return render(request, "practice/giving_back.html", {"announcements": news})
