"""Records: what is known of each source object, with the proof of its amounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.filters import one_of, recent
from audit.console.showing import badge, inside, moment, outside
from audit.models import Outcome
from connectors.canonical.identity import ObjectType
from credentials.console import ScopedAdmin
from flows.admin.flow import MAY_PLAN
from flows.admin.inbox import MAY_REPLAY
from flows.admin.parts import SOURCE_TYPES, flow_filter, proof_of, shown_amount, told, type_filter, web_address
from flows.admin.timeline import jobs_of, links_of, timeline_of
from flows.home.attention import mending
from flows.jobs.telling import STUCK
from flows.models import SyncRecord
from flows.replay import sync_now


@told
def sync(record: SyncRecord, person: str) -> Said:
    """Bring the other side to what the source has now."""
    job = sync_now(record.flow, ObjectType(record.object_type), record.source_id, person)
    return Said(f"{record} is queued as job {job.pk}.")


@admin.register(SyncRecord)
class SyncRecordAdmin(ReadOnly, ScopedAdmin):
    """One row per flow and source object."""

    organization_path = "flow__organization"
    list_display = (
        "name",
        "flow",
        "shown_outcome",
        "shown_total",
        "shown_invoiced",
        "shown_captured",
        "shown_paid",
        "shown_exact",
        "updated",
    )
    list_filter = (
        flow_filter(),
        one_of("outcome", "outcome", tuple(Outcome.choices)),
        "exact",
        type_filter(SOURCE_TYPES),
        recent("updated_at", "time"),
    )
    list_select_related = ("flow",)
    search_fields = ("number",)
    search_help_text = "An order number, or an id at the source."
    sortable_by = ()
    ordering = ("-id",)
    change_form_template = "admin/flows/syncrecord/change_form.html"
    fieldsets = ((None, {"fields": ("flow", "shown_object", "number", "shown_outcome", "reason", "updated", "last_job")}),)
    buttons = (Button("sync", "Sync now", MAY_REPLAY, sync, in_bulk=True),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("flow__source", "flow__destination")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().removeprefix("#")
        return (queryset.filter(Q(number=term) | Q(source_id=term)) if term else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record: SyncRecord = self.get_object(request, object_id)
        jobs = jobs_of(record)
        label, url = mending(record.flow, jobs[0].subject) if jobs and jobs[0].state in STUCK else ("", "")
        more = {
            "timeline": timeline_of(jobs, evidence=request.user.has_perm("audit.view_auditrecord")),
            "links": links_of(record.flow, record.source_id, jobs),
            "record": record,
            "proof": proof_of(record),
            "mend": {"label": label, "url": url} if url and request.user.has_perm("flows.add_itemmapping") else None,
        }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        if not request.user.has_perm(MAY_PLAN):
            return []
        return [{"label": "Plan", "url": f"{reverse('admin:flows_flow_plan', args=[row.flow_id])}?record={row.source_id}"}]

    @admin.display(description="record")
    def name(self, row: SyncRecord) -> str:
        return str(row)

    @admin.display(description="at the source")
    def shown_object(self, row: SyncRecord) -> SafeString | str:
        return outside(web_address(row.flow.source, row.object_type, row.source_id), f"{row.object_type} {row.source_id}")

    @admin.display(description="outcome")
    def shown_outcome(self, row: SyncRecord) -> SafeString | str:
        return badge(row.outcome, dict(Outcome.choices).get(row.outcome, row.outcome)) if row.outcome else "not synced yet"

    @admin.display(description="order total")
    def shown_total(self, row: SyncRecord) -> str:
        return shown_amount(row.total, row.currency)

    @admin.display(description="invoiced")
    def shown_invoiced(self, row: SyncRecord) -> str:
        return shown_amount(row.invoiced, row.currency)

    @admin.display(description="captured")
    def shown_captured(self, row: SyncRecord) -> str:
        return shown_amount(row.captured, row.currency)

    @admin.display(description="paid in the books")
    def shown_paid(self, row: SyncRecord) -> str:
        return shown_amount(row.paid, row.currency)

    @admin.display(description="exact")
    def shown_exact(self, row: SyncRecord) -> SafeString | str:
        return "-" if row.exact is None else badge("exact") if row.exact else badge("differs")

    @admin.display(description="updated (UTC)")
    def updated(self, row: SyncRecord) -> SafeString | str:
        return moment(row.updated_at)

    @admin.display(description="last job")
    def last_job(self, row: SyncRecord) -> SafeString | str:
        return inside("flows_syncjob", row.job_id, f"job {row.job_id}" if row.job_id else "")
