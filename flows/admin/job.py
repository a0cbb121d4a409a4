"""Jobs and what became of them; one job's page tells the whole way of its record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.filters import one_of, recent
from audit.console.showing import badge, moment, outside
from credentials.access import limit_to
from credentials.console import ScopedAdmin
from flows.admin.flow import MAY_PLAN
from flows.admin.inbox import MAY_REPLAY
from flows.admin.many import ManyAtOnce
from flows.admin.parts import SOURCE_TYPES, TRIGGERS, flow_filter, proof_of, told, type_filter, web_address
from flows.admin.record_buttons import REPLAY, RETRY, VOID_ON
from flows.admin.timeline import links_of, record_of, timeline_of
from flows.finding import matching_jobs
from flows.jobs.telling import STUCK
from flows.models import BulkRun, Flow, SyncJob, SyncRecord
from flows.replay import replay_job, settle_by_hand, voids

MORE = (
    "reason_code",
    "subject",
    "shown_trigger",
    "asked_by",
    "priority",
    "attempts",
    "crashes",
    "force",
    "created",
    "due",
    "lease",
    "finished",
)
SETTLED = "Nothing is synced: it is taken off the list of what needs attention. A new event of it is looked at as ever."


@told
def replay(job: SyncJob, person: str) -> Said:
    """Queue its object again, ahead of everything else."""
    again = replay_job(job, person)
    return Said(f"{job} is queued again as job {again.pk}.")


def settle(job: SyncJob, person: str) -> Said:
    """What a person did on both sides, no event may ever tell."""
    done = settle_by_hand(job, person)
    return Said(f"{job} is settled: it is taken off the list. A new event of its object is looked at as ever." if done else "It moved on.")


class ReasonFilter(SimpleListFilter):
    """Why jobs stopped; asked of the stopped ones only, which an index holds."""

    title = "reason"
    parameter_name = "reason_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        flows = limit_to(request.user, Flow.objects.all()).order_by().values("pk")
        stuck = SyncJob.objects.filter(flow__in=flows, state__in=STUCK).exclude(reason_code="")
        codes = stuck.order_by("reason_code").values_list("reason_code", flat=True).distinct()[:40]
        return [(code, code.replace("_", " ")) for code in codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason_code=self.value()) if self.value() else queryset


def number_of() -> Subquery:
    """The order number of a job's object, read with the row."""
    same = {name: OuterRef(name) for name in ("flow", "object_type", "source_id")}
    return Subquery(SyncRecord.objects.filter(**same).values("number")[:1])


@admin.register(SyncJob)
class SyncJobAdmin(ManyAtOnce, ReadOnly, ScopedAdmin):
    """Retry and replay are the same: its object is looked at again, as it is now."""

    about = "Each time that a record was to be brought up to date, and how that ended."
    many = (BulkRun.Kind.RETRY, BulkRun.Kind.REPLAY)
    organization_path = "flow__organization"
    list_display = ("name", "shown_state", "short_reason", "flow", "shown_trigger", "created")
    list_filter = (
        "state",
        flow_filter(),
        one_of("trigger", "what asked for it", tuple(TRIGGERS.items())),
        ReasonFilter,
        type_filter(SOURCE_TYPES),
        recent("created_at", "time"),
    )
    list_select_related = ("flow",)
    search_fields = ("source_id",)
    search_help_text = "An order number, an id at the source, or the number of the job."
    sortable_by = ()
    ordering = ("-id",)
    change_form_template = "admin/flows/syncjob/change_form.html"
    fieldsets = (
        (None, {"fields": ("flow", "shown_object", "shown_state", "reason")}),
        (
            "More about this job",
            {
                "fields": MORE,
                "classes": ("collapse",),
            },
        ),
    )
    buttons = (
        Button("retry", "Retry", MAY_REPLAY, replay, lambda job: job.state in STUCK and not voids(job), records=False, asks=RETRY.asks),
        Button("void-on", "Retry", MAY_REPLAY, replay, voids, records=False, asks=VOID_ON.asks),
        Button("replay", "Replay", MAY_REPLAY, replay, lambda job: job.state not in STUCK, records=False, asks=REPLAY.asks),
        Button("settle", "Settled by hand", MAY_REPLAY, settle, lambda job: job.state in STUCK, in_bulk=True, records=False, asks=SETTLED),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).select_related("flow__source", "flow__destination", "flow__organization")
        numbered: QuerySet[Any] = rows.annotate(order_number=number_of())
        return numbered

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        flows = limit_to(request.user, Flow.objects.all()).order_by()
        return matching_jobs(queryset, flows, search_term), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        job: SyncJob = self.get_object(request, object_id)
        evidence = request.user.has_perm("audit.view_auditrecord")
        record = record_of(job)
        more = {"timeline": timeline_of([job], evidence=evidence), "links": links_of(job.flow, job.source_id, [job]), "record": record}
        if record is not None:
            more["proof"] = proof_of(record)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        if not request.user.has_perm(MAY_PLAN):
            return []
        return [{"label": "What would change", "url": f"{reverse('admin:flows_flow_plan', args=[row.flow_id])}?record={row.source_id}"}]

    # ---- what is shown -------------------------------------------------------------------------------------

    @admin.display(description="record")
    def name(self, row: Any) -> str:
        return f"{row.object_type} {row.order_number or row.source_id}".replace("_", " ")

    @admin.display(description="object")
    def shown_object(self, row: SyncJob) -> SafeString | str:
        return outside(web_address(row.flow.source, row.object_type, row.source_id), str(row))

    @admin.display(description="state")
    def shown_state(self, row: SyncJob) -> SafeString:
        return badge(row.state, row.get_state_display())

    @admin.display(description="what asked for it")
    def shown_trigger(self, row: SyncJob) -> str:
        return TRIGGERS.get(row.trigger, row.trigger)

    @admin.display(description="reason")
    def short_reason(self, row: SyncJob) -> str:
        return row.reason if len(row.reason) <= 120 else f"{row.reason[:117]}..."

    @admin.display(description="created (UTC)")
    def created(self, row: SyncJob) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="finished (UTC)")
    def finished(self, row: SyncJob) -> SafeString | str:
        return moment(row.finished_at)

    @admin.display(description="due (UTC)")
    def due(self, row: SyncJob) -> SafeString | str:
        return moment(row.not_before)

    @admin.display(description="held by a worker until (UTC)")
    def lease(self, row: SyncJob) -> SafeString | str:
        return moment(row.lease_until)
