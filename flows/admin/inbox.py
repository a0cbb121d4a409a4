"""Inbound events: what platforms told us, exactly as it came."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.filters import recent
from audit.console.showing import badge, moment, pretty_json, raw_text
from credentials.console import ScopedAdmin, connection_filter
from flows.admin.parts import SOURCE_TYPES, told, type_filter
from flows.models import InboundEvent
from flows.replay import replay_event

MAY_REPLAY = "flows.replay_syncjob"


@told
def replay(event: InboundEvent, person: str) -> Said:
    """Pass it on again."""
    made = replay_event(event, person)
    return Said(f"{event}: {made} job(s) queued.") if made else Said(f"{event}: no enabled flow wants it.", ok=False)


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly, ScopedAdmin):
    """Bodies are shown as text, never as a page."""

    heading = "Webhooks received"
    about = "What the platforms told us, exactly as it came. Each says that something changed; it is then read anew."
    organization_path = "connection__organization"
    list_display = ("name", "connection", "shown_state", "shown_order", "note", "received", "id")
    list_filter = (connection_filter(), "state", type_filter(SOURCE_TYPES), recent("received_at", "time"))
    list_select_related = ("connection",)
    search_fields = ("source_id",)
    search_help_text = "The object's id at its platform, or the number of the received webhook."
    sortable_by = ()
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("connection", "topic", "received", "shown_state", "object_type", "source_id", "shown_order", "note")}),
        ("As it came", {"fields": ("dedupe_key", "shown_headers", "shown_body", "shown_notices")}),
    )
    buttons = (Button("replay", "Replay", MAY_REPLAY, replay, lambda event: bool(event.notices), in_bulk=True, records=False),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists leave the bodies in the database."""
        rows = super().get_queryset(request)
        matched = request.resolver_match
        is_list = matched is not None and matched.url_name == "flows_inboundevent_changelist" and request.method == "GET"
        return rows.defer("body", "headers", "notices", "dedupe_key") if is_list else rows

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(source_id=term)
        if term.isdecimal() and len(term) < 19:
            found |= Q(pk=int(term))
        return queryset.filter(found), False

    @admin.display(description="change")
    def name(self, row: InboundEvent) -> str:
        return str(row)

    @admin.display(description="received (UTC)")
    def received(self, row: InboundEvent) -> SafeString | str:
        return moment(row.received_at)

    @admin.display(description="state")
    def shown_state(self, row: InboundEvent) -> SafeString:
        return badge(row.state, row.get_state_display())

    @admin.display(description="sequence")
    def shown_order(self, row: InboundEvent) -> str:
        return "came out of order" if row.out_of_order else "-"

    @admin.display(description="headers")
    def shown_headers(self, row: InboundEvent) -> SafeString:
        return pretty_json(row.headers)

    @admin.display(description="what it tells of")
    def shown_notices(self, row: InboundEvent) -> SafeString | str:
        return pretty_json(row.notices) if row.notices else "nothing"

    @admin.display(description="body")
    def shown_body(self, row: InboundEvent) -> SafeString | str:
        body = bytes(row.body)
        if not body:
            return "no longer kept"
        try:
            return pretty_json(json.loads(body))
        except (ValueError, RecursionError):
            return raw_text(body.decode("utf-8", "replace"))
