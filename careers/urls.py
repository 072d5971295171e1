from django.contrib.auth.decorators import login_not_required
from django.urls import path

from careers import views
from careers.feeds import OpeningFeed

app_name = "careers"
urlpatterns = [
    path("", views.index, name="index"),
    path("feed/", login_not_required(OpeningFeed()), name="feed"),
    path("application/<str:token>/", views.application, name="application"),
    path("application/<str:token>/sent/", views.sent, name="sent"),
    path("application/<str:token>/time/", views.choose_time, name="choose_time"),
    path("application/<str:token>/interview.ics", views.calendar, name="calendar"),
    path("application/<str:token>/withdraw/", views.withdraw, name="withdraw"),
    path("application/<str:token>/erase/", views.ask_for_erasure, name="ask_for_erasure"),
    path("application/<str:token>/questions/", views.voluntary_questions, name="voluntary_questions"),
    path("<slug:slug>/", views.opening, name="opening"),
    path("<slug:slug>/card.png", views.card, name="card"),
    path("<slug:slug>/apply/", views.apply, name="apply"),
    path("<slug:slug>/apply/<str:token>/", views.apply, name="draft"),
]
