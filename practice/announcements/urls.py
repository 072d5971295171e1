from django.urls import path

from practice.announcements import views
from practice.announcements.feeds import AnnouncementFeed
from practice.published_pages import published_page

app_name = "announcements"
urlpatterns = [
    path("", views.index, name="index"),
    path("feed/", published_page()(AnnouncementFeed()), name="feed"),
    path("<slug:slug>/", views.announcement, name="announcement"),
]
