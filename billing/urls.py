from django.urls import path

from billing import views
from billing.guest_views import ask, estimate, estimate_thanks, plan, plan_offer, questions, verify

app_name = "billing"
urlpatterns = [
    path("", views.look_up, name="look_up"),
    path("q/<slug:token>/", views.link, name="link"),
    path("statement/", views.statement, name="statement"),
    path("statement/choose/", views.choose_statement, name="choose_statement"),
    path("leave/", views.leave, name="leave"),
    path("receipt/<uuid:attempt_id>/", views.receipt, name="receipt"),
    path("receipt/<uuid:attempt_id>/receipt.pdf", views.receipt_pdf, name="receipt_pdf"),
    path("verify/", verify, name="verify"),
    path("parts/", plan_offer, name="plan_offer"),
    path("plan/<slug:token>/", plan, name="plan"),
    path("ask/<slug:kind>/", ask, name="ask"),
    path("questions/", questions, name="questions"),
    path("estimate/", estimate, name="estimate"),
    path("estimate/thank-you/", estimate_thanks, name="estimate_thanks"),
    path("webhooks/<slug:gateway>/", views.webhook, name="webhook"),
]
