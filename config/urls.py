"""Every address that Tillbridge answers."""

from django.contrib import admin
from django.contrib.auth.views import PasswordResetCompleteView, PasswordResetDoneView
from django.urls import include, path

from config.metrics.page import metrics
from config.views import healthz, readyz
from credentials.people.door_pages import ForgottenPassword, NewPassword

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("in/", include("flows.inbox.urls")),
    path("connect/", include("credentials.urls")),
    # By these names Django's own pages and the login page know them.
    path("account/password/", ForgottenPassword.as_view(), name="admin_password_reset"),
    path("account/password/asked/", PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("account/password/<uidb64>/<token>/", NewPassword.as_view(), name="password_reset_confirm"),
    path("account/password/changed/", PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("account/", include("credentials.people.urls")),
    path("api/v1/", include("flows.api.urls")),
    path("admin/", admin.site.urls),
]
