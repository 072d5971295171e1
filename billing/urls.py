from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("", views.look_up, name="look_up"),
    path("statement/", views.statement, name="statement"),
    path("statement/choose/", views.choose_statement, name="choose_statement"),
    path("leave/", views.leave, name="leave"),
    path("receipt/<uuid:attempt_id>/", views.receipt, name="receipt"),
    path("webhooks/<slug:gateway>/", views.webhook, name="webhook"),
]
