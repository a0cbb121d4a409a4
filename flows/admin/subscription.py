"""Webhook registrations and their health."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.showing import badge, moment
from credentials.console import ScopedAdmin, connection_filter
from flows.admin import listening
from flows.admin.parts import told
from flows.models import Subscription
from flows.subscriptions import inbox_url, reenable


@told
def switch_on(subscription: Subscription, person: str) -> Said:
    """On again at the platform; the gap is read again."""
    reenable(subscription, person)
    return Said(f"{subscription.topic} is on again. What changed in the gap is being read again.")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly, ScopedAdmin):
    """The signing secrets have no place on this page."""

    about = "Each kind of change that we asked a platform to tell us of, and whether it still does."
    organization_path = "connection__organization"
    list_display = ("topic", "shown_status", "connection", "delivered", "checked", "switched_off")
    list_filter = (connection_filter(), "status")
    list_select_related = ("connection",)
    fields = ("connection", "topic", "remote_id", "shown_status", "inbox_address", "delivered", "checked", "switched_off", "switched_on")
    buttons = (
        Button(
            "reenable",
            "Re-enable",
            "flows.reenable_subscription",
            switch_on,
            lambda row: row.status in (Subscription.Status.DISABLED, Subscription.Status.MISSING, Subscription.Status.PAUSED),
            in_bulk=True,
            records=False,
        ),
    )

    change_list_template = "admin/flows/subscription/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        return [*listening.urls(self), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"in_words": reverse("admin:flows_subscription_everything"), **(extra_context or {})})

    @admin.display(description="status")
    def shown_status(self, row: Subscription) -> SafeString:
        return badge(row.status, row.get_status_display())

    @admin.display(description="calls")
    def inbox_address(self, row: Subscription) -> str:
        return inbox_url(row.connection)

    @admin.display(description="last delivery (UTC)")
    def delivered(self, row: Subscription) -> SafeString | str:
        return moment(row.delivered_at)

    @admin.display(description="last check (UTC)")
    def checked(self, row: Subscription) -> SafeString | str:
        return moment(row.checked_at)

    @admin.display(description="switched off (UTC)")
    def switched_off(self, row: Subscription) -> SafeString | str:
        return moment(row.disabled_at)

    @admin.display(description="switched on again (UTC)")
    def switched_on(self, row: Subscription) -> SafeString | str:
        return moment(row.reenabled_at)
