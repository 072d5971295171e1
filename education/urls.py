from django.urls import path

from education import paper_views, views
from education.feeds import ArticleFeed
from practice.published_pages import published_page

app_name = "education"
urlpatterns = [
    path("patient-information/", views.index, name="index"),
    path("patient-information/feed/", published_page()(ArticleFeed()), name="feed"),
    path("patient-information/<slug:slug>/", views.article, name="article"),
    path("patient-information/<slug:slug>/both-languages/", views.both_languages, name="both_languages"),
    path("patient-information/<slug:slug>/handout.pdf", paper_views.handout, name="handout"),
    path("prep-sheets/", paper_views.prep_sheets, name="prep_sheets"),
    path("sheet/", paper_views.find_sheet, name="find_sheet"),
    path("sheet/<str:code>/", paper_views.sheet, name="sheet"),
    path("glossary/", views.glossary, name="glossary"),
    path("glossary/<slug:slug>/", views.term, name="term"),
]
