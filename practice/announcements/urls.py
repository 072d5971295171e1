from django.contrib.auth.decorators import login_not_required
from django.urls import path

from practice.announcements import views
from practice.announcements.feeds import AnnouncementFeed

app_name = "announcements"
urlpatterns = [
    path("", views.index, name="index"),
    path("feed/", login_not_required(AnnouncementFeed()), name="feed"),
    path("<slug:slug>/", views.announcement, name="announcement"),
]
