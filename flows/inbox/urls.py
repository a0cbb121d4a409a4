"""Where platforms call, with and without the trailing slash: a redirect would swallow the event silently."""

from django.urls import path

from flows.inbox.views import app_inbox, inbox

urlpatterns = [
    path("<slug:platform>", app_inbox),
    path("<slug:platform>/", app_inbox, name="app-inbox"),
    path("<slug:platform>/<slug:token>", inbox),
    path("<slug:platform>/<slug:token>/", inbox, name="inbox"),
]
