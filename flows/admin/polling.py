"""Where polling reads on, and backfills under way."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.filters import is_empty
from audit.console.showing import badge, moment
from credentials.console import ScopedAdmin
from flows.admin.parts import flow_filter
from flows.models import Backfill, SyncCursor


@admin.register(SyncCursor)
class SyncCursorAdmin(ReadOnly, ScopedAdmin):
    """One per polled flow."""

    organization_path = "flow__organization"
    list_display = ("flow", "read_up_to", "polled", "found", "under_way")
    list_filter = (flow_filter(),)
    list_select_related = ("flow",)
    fields = ("flow", "read_up_to", "polled", "found", "under_way", "page")

    @admin.display(description="everything is read up to (UTC)")
    def read_up_to(self, row: SyncCursor) -> SafeString | str:
        return moment(row.watermark)

    @admin.display(description="last poll (UTC)")
    def polled(self, row: SyncCursor) -> SafeString | str:
        return moment(row.polled_at)

    @admin.display(description="under way, up to (UTC)")
    def under_way(self, row: SyncCursor) -> SafeString | str:
        return moment(row.window_until)


@admin.register(Backfill)
class BackfillAdmin(ReadOnly, ScopedAdmin):
    """Started on a flow's page, or by a subscription that was off."""

    organization_path = "flow__organization"
    list_display = ("flow", "shown_state", "begin", "end", "found", "reason", "asked_by")
    list_filter = (flow_filter(), is_empty("finished_at", "state", "under way", "finished"))
    list_select_related = ("flow",)
    sortable_by = ()
    ordering = ("-id",)
    fields = ("flow", "begin", "end", "reason", "asked_by", "found", "shown_state", "started", "finished")

    @admin.display(description="from (UTC)")
    def begin(self, row: Backfill) -> SafeString | str:
        return moment(row.since)

    @admin.display(description="to (UTC)")
    def end(self, row: Backfill) -> SafeString | str:
        return moment(row.until)

    @admin.display(description="state")
    def shown_state(self, row: Backfill) -> SafeString:
        return badge("running", "under way") if row.finished_at is None else badge("done", "finished")

    @admin.display(description="asked for (UTC)")
    def started(self, row: Backfill) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="finished (UTC)")
    def finished(self, row: Backfill) -> SafeString | str:
        return moment(row.finished_at)
