from django.urls import path

from careers import views

app_name = "careers"
urlpatterns = [
    path("", views.index, name="index"),
    path("application/<str:token>/", views.application, name="application"),
    path("<slug:slug>/", views.opening, name="opening"),
    path("<slug:slug>/apply/", views.apply, name="apply"),
]
