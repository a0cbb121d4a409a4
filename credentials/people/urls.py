"""Where people look after their own account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.urls import path

from credentials.people import door_pages, factor_pages, pages

app_name = "account"


def inside(view: Callable[..., HttpResponse]) -> Any:
    """Behind the console's login."""
    return admin.site.admin_view(view)


urlpatterns = [
    path("", inside(pages.account), name="own"),
    path("sessions/end/", inside(pages.end_session), name="end-session"),
    path("tokens/new/", inside(pages.new_token), name="new-token"),
    path("tokens/<int:pk>/revoke/", inside(pages.revoke_token), name="revoke-token"),
    path("second-factor/", inside(factor_pages.set_up), name="set-up-second-factor"),
    path("second-factor/code/", inside(factor_pages.give_code), name="give-code"),
    path("second-factor/recovery-codes/", inside(factor_pages.new_codes), name="new-codes"),
    path("second-factor/remove/", inside(factor_pages.remove_factor), name="remove-second-factor"),
    path("join/<str:token>/", door_pages.join_page, name="join"),
]
