"""Runs over many records: how far each is, and a button that stops it. What a time travel found is repaired from here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said, tell
from audit.console.showing import badge, moment
from credentials.console import ScopedAdmin, organization_filter
from flows.admin.flow import MAY_BACKFILL, MAY_PLAN
from flows.admin.inbox import MAY_REPLAY
from flows.admin.many import led_to
from flows.bulk.progress import progress_of
from flows.bulk.starting import cancel, start
from flows.models import BulkItem, BulkRun

PAGE = 50
_SHOWN = (BulkItem.State.DIFFERS, BulkItem.State.STOPPED)


def stop(run: BulkRun, person: str) -> Said:
    """Nothing further of it."""
    stopped = cancel(run, person)
    return Said("Stopped. What was in the queue already is done all the same." if stopped else "It was over already.", ok=stopped)


def may_repair(request: HttpRequest) -> bool:
    return request.user.has_perm(MAY_REPLAY) or request.user.has_perm(MAY_BACKFILL)


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnly, ScopedAdmin):
    """One wish about many records."""

    about = "What somebody asked of many records at once, and how far it is."
    list_display = ("kind", "about", "asked_by", "created", "total", "shown_state")
    list_filter = (organization_filter(), "kind")
    list_select_related = ("organization",)
    sortable_by = ()
    ordering = ("-id",)
    change_form_template = "admin/flows/bulkrun/change_form.html"
    fieldsets = ((None, {"fields": ("asked_by", "created", "shown_state")}),)
    buttons = (
        Button(
            "cancel", "Stop", MAY_PLAN, stop, lambda run: run.finished_at is None, records=False,
            asks="Nothing further is queued. What is in the queue already is done all the same.",
        ),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        return [self.page("repair", self.repair_view, "repair"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run: BulkRun = self.get_object(request, object_id)
        shown = _SHOWN if run.kind == BulkRun.Kind.LOOK else ()
        rows = run.items.filter(state__in=shown if run.cancelled_by and shown else (*shown, BulkItem.State.LEFT))
        found = Paginator(rows.select_related("flow").order_by("id"), PAGE).get_page(request.GET.get("page"))
        more = {
            "title": str(run).capitalize(),
            "subtitle": run.about,
            "progress": progress_of(run),
            "found": found,
            "looks": run.kind == BulkRun.Kind.LOOK,
            "repair_url": self.address("repair", run.pk) if may_repair(request) else "",
        }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def repair_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Replay what a time travel found to differ: the chosen rows, or all of them."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        run: BulkRun = self.get_object(request, object_id)
        if not may_repair(request):
            raise PermissionDenied
        rows = run.items.filter(state=BulkItem.State.DIFFERS)
        if "all" not in request.POST:
            rows = rows.filter(pk__in=[int(pk) for pk in request.POST.getlist("item") if pk.isdecimal() and len(pk) < 19])
        if not rows.exists():
            tell(request, Said("No row was chosen. Tick those that should be repaired.", ok=False))
            return HttpResponseRedirect(self.address("change", run.pk))
        runs = start(BulkRun.Kind.REPLAY, rows, f"repair of what run {run.pk} found", request.user.get_username())
        return led_to(request, runs) or HttpResponseRedirect(self.address("change", run.pk))

    @admin.display(description="started (UTC)")
    def created(self, row: BulkRun) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="state")
    def shown_state(self, row: BulkRun) -> SafeString:
        if row.cancelled_by:
            return badge("closed", f"stopped by {row.cancelled_by}")
        ended = "all looked at" if row.kind == BulkRun.Kind.LOOK else "all passed on"
        return badge("running") if row.finished_at is None else badge("done", ended)
