"""Where hand-shakes with platforms begin and end."""

from django.urls import path

from credentials import activation, entrance, handover, views

urlpatterns = [
    path("<int:pk>/oauth/", views.start_oauth, name="start-oauth"),
    path("callback/", views.oauth_callback, name="oauth-callback"),
    path("<int:pk>/account/", views.choose_account, name="choose-account"),
    path("<int:pk>/handover/", views.start_handover, name="start-handover"),
    path("<int:pk>/handover/return/", views.handover_return, name="handover-return"),
    path("handover/<slug:platform>/", handover.HandoverCallback.as_view(), name="handover-callback"),
    path("<slug:platform>/install/", entrance.install, name="install"),
    path("<slug:platform>/uninstall/", entrance.uninstall, name="uninstall"),
    path("<slug:platform>/activate/<str:token>/", activation.ActivationCallback.as_view(), name="activate"),
    path("<slug:platform>/identity/<str:token>/", activation.identity, name="activation-identity"),
]
