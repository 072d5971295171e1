from django.urls import path

from practice.resources import views

app_name = "resources"
urlpatterns = [
    path("", views.index, name="index"),
    path("search/", views.search, name="search"),
    path("on-call/", views.on_call_board, name="on_call"),
    path("ordering-guide/", views.ordering_guide, name="ordering_guide"),
    path("contacts/", views.contacts, name="contacts"),
    path("collections/<slug:slug>/", views.collection, name="collection"),
    path("<slug:slug>/", views.document, name="document"),
    path("<slug:slug>/download/", views.download, name="download"),
    path("<slug:slug>/read/", views.confirm_read, name="confirm_read"),
]
