from django.urls import path

from education import views

app_name = "education"
urlpatterns = [
    path("patient-information/", views.index, name="index"),
    path("patient-information/<slug:slug>/", views.article, name="article"),
    path("glossary/", views.glossary, name="glossary"),
    path("glossary/<slug:slug>/", views.term, name="term"),
]
