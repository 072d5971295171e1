from django.urls import path

from billing.gateways.sandbox import views

app_name = "sandbox"
urlpatterns = [
    path("pay/<uuid:session_id>/", views.card_page, name="card_page"),
]
