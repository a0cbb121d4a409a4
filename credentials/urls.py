"""Where hand-shakes with platforms begin and end."""

from django.urls import path

from credentials import handover, views

urlpatterns = [
    path("<int:pk>/oauth/", views.start_oauth, name="start-oauth"),
    path("callback/", views.oauth_callback, name="oauth-callback"),
    path("<int:pk>/account/", views.choose_account, name="choose-account"),
    path("<int:pk>/handover/", views.start_handover, name="start-handover"),
    path("<int:pk>/handover/return/", views.handover_return, name="handover-return"),
    path("handover/<slug:platform>/", handover.HandoverCallback.as_view(), name="handover-callback"),
]
