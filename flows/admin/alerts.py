"""Alerts: what a person should know."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from audit.alerts import close_alert
from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.filters import is_empty
from audit.console.showing import badge, moment
from audit.models import Alert
from flows.admin.audit import PlainScope


def close(alert: Alert, _person: str) -> Said:
    """Close it by hand; it opens again when its cause is seen again."""
    closed = close_alert(alert.organization_id, alert.cause)
    return Said("Closed. It opens again if its cause is still there." if closed else "It was closed already.")


@admin.register(Alert)
class AlertAdmin(ReadOnly, PlainScope):
    """What a person should know."""

    list_display = ("shown_severity", "shown_state", "message", "opened", "seen", "count")
    list_display_links = ("message",)
    list_filter = (is_empty("closed_at", "state", "open", "closed"), "severity")
    sortable_by = ()
    ordering = ("-id",)
    fields = ("shown_severity", "shown_state", "message", "cause", "count", "opened", "seen", "closed", "mailed")
    buttons = (Button("close", "Close", "audit.change_alert", close, lambda alert: alert.closed_at is None, in_bulk=True),)

    @admin.display(description="severity")
    def shown_severity(self, row: Alert) -> SafeString:
        return badge(row.severity)

    @admin.display(description="state")
    def shown_state(self, row: Alert) -> SafeString:
        return badge("open" if row.closed_at is None else "closed")

    @admin.display(description="opened (UTC)")
    def opened(self, row: Alert) -> SafeString | str:
        return moment(row.opened_at)

    @admin.display(description="last seen (UTC)")
    def seen(self, row: Alert) -> SafeString | str:
        return moment(row.seen_at)

    @admin.display(description="closed (UTC)")
    def closed(self, row: Alert) -> SafeString | str:
        return moment(row.closed_at)

    @admin.display(description="mailed (UTC)")
    def mailed(self, row: Alert) -> SafeString | str:
        return moment(row.mailed_at)
