"""Routes of the clinic."""

from django.urls import path
from visits import views

urlpatterns = [
    path("visits/", views.recent_visits),
    path("visits/<int:pk>/", views.VisitDetail.as_view()),
    path("patients/", views.patients),
    path("cases/<str:case_number>/", views.case),
]
