from django.urls import path

from practice.resources import views

app_name = "resources"
urlpatterns = [
    path("", views.index, name="index"),
    path("<slug:slug>/", views.document, name="document"),
    path("<slug:slug>/download/", views.download, name="download"),
]
