"""Where polling reads on, and backfills under way."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Said, tell
from audit.console.filters import is_empty
from audit.console.showing import badge, moment
from credentials.console import ScopedAdmin
from flows.admin.asking import Question, ask, is_sure
from flows.admin.flow import MAY_BACKFILL
from flows.admin.parts import flow_filter
from flows.listening.backfills import in_words, progress_of, under_way
from flows.models import Backfill, SyncCursor
from flows.polling import cancel_backfill


@admin.register(SyncCursor)
class SyncCursorAdmin(ReadOnly, ScopedAdmin):
    """One per polled flow."""

    heading = "How far was read"
    about = "Up to when each flow has looked for changes by itself. It goes on from there."
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

    about = "Days that were read again because something may have been missed."
    organization_path = "flow__organization"
    list_display = ("flow", "shown_state", "begin", "end", "found", "reason", "asked_by")
    list_filter = (flow_filter(), is_empty("finished_at", "state", "under way", "finished"))
    list_select_related = ("flow",)
    sortable_by = ()
    ordering = ("-id",)

    def get_urls(self) -> list[URLPattern]:
        return [self.page("cancel", self.cancel_view, "cancel"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far it is."""
        row = self._seen(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        progress = progress_of(row, timezone.now())
        live = under_way(row, progress) and not row.cancelled_by
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Reading a period again",
            "backfill": row,
            "progress": progress,
            "remaining": in_words(progress.remaining) if progress.remaining else "",
            "live": live,
            "may_cancel": live and request.user.has_perm(MAY_BACKFILL),
        }
        return TemplateResponse(request, "admin/flows/backfill/progress.html", context)

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks; then nothing more is read for it."""
        row = self._seen(request, object_id)
        if not request.user.has_perm(MAY_BACKFILL):
            raise PermissionDenied
        back = self.address("change", row.pk)
        if not is_sure(request):
            sentence = "What was looked at until now stays. What waits for it alone is left out; webhooks and polls go on as ever."
            return ask(request, self.admin_site, Question("Cancel this backfill?", sentence, "Yes, cancel it", (back, str(row))))
        dropped = cancel_backfill(row, request.user.get_username())
        if dropped is None:
            tell(request, Said("It was over already.", ok=False))
        else:
            said = f"It is cancelled. Left out, because they waited for it alone: {dropped}."
            self.record(request, "cancel backfill", row, said)
            tell(request, Said(said))
        return HttpResponseRedirect(back)

    def _seen(self, request: HttpRequest, object_id: str) -> Backfill:
        row: Backfill = self.get_object(request, object_id)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("flow__source", "flow__organization")

    @admin.display(description="from (UTC)")
    def begin(self, row: Backfill) -> SafeString | str:
        return moment(row.since)

    @admin.display(description="to (UTC)")
    def end(self, row: Backfill) -> SafeString | str:
        return moment(row.until)

    @admin.display(description="state")
    def shown_state(self, row: Backfill) -> SafeString:
        if row.cancelled_by:
            return badge("cancelled")
        return badge("running", "under way") if row.finished_at is None else badge("done", "all listed")
