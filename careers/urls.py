from django.urls import path, register_converter

from careers import views
from careers.feeds import OpeningFeed
from practice.published_pages import published_page


class PrivateToken:
    """What `new_token` makes, and nothing that the database could not be asked about."""

    regex = "[A-Za-z0-9]{32}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PrivateToken, "private")
app_name = "careers"
urlpatterns = [
    path("", views.index, name="index"),
    path("feed/", published_page()(OpeningFeed()), name="feed"),
    path("application/<private:token>/", views.application, name="application"),
    path("application/<private:token>/sent/", views.sent, name="sent"),
    path("application/<private:token>/time/", views.choose_time, name="choose_time"),
    path("application/<private:token>/interview.ics", views.calendar, name="calendar"),
    path("application/<private:token>/withdraw/", views.withdraw, name="withdraw"),
    path("application/<private:token>/erase/", views.ask_for_erasure, name="ask_for_erasure"),
    path("application/<private:token>/questions/", views.voluntary_questions, name="voluntary_questions"),
    path("<slug:slug>/", views.opening, name="opening"),
    path("<slug:slug>/card.png", views.card, name="card"),
    path("<slug:slug>/apply/", views.apply, name="apply"),
    path("<slug:slug>/apply/<private:token>/", views.apply, name="draft"),
]
