"""Connections get the buttons that only flows know about: their webhooks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from audit.console.buttons import Button, Said
from connectors.registry import get_connector
from credentials.accounts import oauth_of
from credentials.admin.connection import ConnectionAdmin
from credentials.models import Connection
from flows.admin.listening import MAY_SEE, address_of
from flows.admin.parts import told
from flows.subscriptions import ensure_subscriptions, inbox_url, wanted_topics


@told
def set_up(connection: Connection, person: str) -> Said:
    """Register what the flows from this connection need, and mend what may be mended."""
    webhooks = get_connector(connection.platform).webhooks
    if webhooks is None or not wanted_topics(connection, webhooks):
        return Said("No enabled flow reads from this connection by webhook yet.", ok=False)
    problems = ensure_subscriptions(connection, person)
    topics = wanted_topics(connection, webhooks)
    return Said(" ".join(problems), ok=False) if problems else Said(f"Webhooks are set up: {', '.join(topics)}.")


def _registers(connection: Connection) -> bool:
    """Whether we register the platform's webhooks ourselves."""
    webhooks = get_connector(connection.platform).webhooks
    return webhooks is not None and not webhooks.by_hand


class FlowConnectionAdmin(ConnectionAdmin):
    """The page of credentials, with more buttons."""

    buttons = (
        *ConnectionAdmin.buttons,
        Button(
            "webhooks",
            "Set up webhooks",
            "flows.reenable_subscription",
            set_up,
            lambda row: row.status == Connection.Status.ACTIVE and _registers(row),
        ),
    )

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Also the page that tells how its webhooks and polls are."""
        found = super().tools(request, row)
        if request.user.has_perm(MAY_SEE):
            found.append({"label": "Webhooks and schedules", "url": address_of(row.organization_id)})
        return found

    def addresses(self, row: Connection) -> dict[str, str]:
        """Also where webhooks go that a person registers, and where the platform sends what it sends per app and not per shop."""
        webhooks = get_connector(row.platform).webhooks
        found = super().addresses(row)
        if webhooks is not None and webhooks.by_hand:
            found["Webhook URL"] = inbox_url(row)
        if webhooks is not None and webhooks.whose is not None and oauth_of(row) is not None:
            found["Webhook URL of the app"] = str(settings.PUBLIC_URL) + reverse("app-inbox", args=[row.platform])
        return found


admin.site.unregister(Connection)
admin.site.register(Connection, FlowConnectionAdmin)
