"""Where platforms call, with and without the trailing slash: a redirect would swallow the event silently."""

from django.urls import path

from flows.inbox.views import inbox

urlpatterns = [
    path("<slug:platform>/<slug:token>", inbox),
    path("<slug:platform>/<slug:token>/", inbox, name="inbox"),
]
