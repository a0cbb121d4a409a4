"""Every address that Tillbridge answers."""

from django.contrib import admin
from django.urls import include, path

from config.metrics.page import metrics
from config.views import healthz, readyz

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("in/", include("flows.inbox.urls")),
    path("connect/", include("credentials.urls")),
    path("admin/", admin.site.urls),
]
