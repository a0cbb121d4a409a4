"""Records: what is known of each source object, with the proof of its amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from audit.console.base import ReadOnly
from audit.console.buttons import tell
from audit.console.filters import one_of, recent
from audit.console.showing import badge, inside, moment, outside
from audit.models import Outcome
from credentials.access import limit_to
from credentials.console import ScopedAdmin
from flows.admin.flow import MAY_PLAN
from flows.admin.many import ManyAtOnce
from flows.admin.parts import SOURCE_TYPES, flow_filter, shown_amount, type_filter, web_address
from flows.admin.record_buttons import BUTTONS, MAY_VOID
from flows.admin.record_pages import VoidForm, compare, look_at_voiding, may_be_voided, take_out
from flows.admin.timeline import acts_on, jobs_of, links_of, timeline_of
from flows.comparing import is_taken_out, stored_rows
from flows.finding import find_everywhere
from flows.home.attention import mending
from flows.jobs.telling import STUCK
from flows.models import Flow, SyncJob, SyncRecord
from flows.posted import posted_for
from flows.standing import standing_of


@admin.register(SyncRecord)
class SyncRecordAdmin(ManyAtOnce, ReadOnly, ScopedAdmin):
    """One row per flow and source object."""

    heading = "Orders and other records"
    about = "One row for each order, customer, product or payment: what it is worth in the shop, and what the books show for it."
    organization_path = "flow__organization"
    list_display = (
        "name",
        "flow",
        "shown_outcome",
        "shown_exact",
        "shown_total",
        "shown_invoiced",
        "shown_captured",
        "shown_paid",
        "updated",
    )
    list_filter = (
        flow_filter(),
        one_of("outcome", "outcome", tuple(Outcome.choices)),
        one_of("hold", "left alone", tuple(SyncRecord.Hold.choices)),
        "exact",
        type_filter(SOURCE_TYPES),
        recent("updated_at", "time"),
    )
    list_select_related = ("flow",)
    search_fields = ("number",)
    search_help_text = "An order or invoice number, an e-mail address, a SKU, or the id of either side."
    sortable_by = ()
    ordering = ("-id",)
    change_form_template = "admin/flows/syncrecord/change_form.html"
    fieldsets = ((None, {"fields": ("flow", "shown_object", "shown_outcome", "updated", "last_job")}),)
    buttons = BUTTONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("flow__source", "flow__destination")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        found = find_everywhere(list(limit_to(request.user, Flow.objects.select_related("source"))), search_term)
        return queryset.filter(pk__in=[record.pk for record in found.records]), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record: SyncRecord = self.get_object(request, object_id)
        jobs = jobs_of(record)
        label, url = mending(record.flow, jobs[0].subject) if jobs and jobs[0].state in STUCK else ("", "")
        evidence = request.user.has_perm("audit.view_auditrecord")
        more = {
            "timeline": sorted([*timeline_of(jobs, evidence=evidence), *acts_on(record, evidence=evidence)], key=lambda step: step.at),
            "links": links_of(record.flow, record.source_id, jobs),
            "record": record,
            "standing": standing_of(record, jobs[0] if jobs else None),
            "sides": stored_rows(record),
            "taken_out": is_taken_out(record),
            "stale": bool(jobs) and jobs[0].state in STUCK,
            "title": capfirst(str(record).replace("_", " ")),  # an order's number keeps its letters
            "subtitle": f"{record.flow.label}: {record.flow.source} to {record.flow.destination}",
            "source": self.shown_object(record),
            "compare_url": self.address("compare", record.pk) if request.user.has_perm(MAY_PLAN) else "",
            "stays": posted_for(record) if _is_left_behind(record, jobs) else "",
            "mend": {"label": label, "url": url} if url and request.user.has_perm("flows.add_itemmapping") else None,
        }
        return super().change_view(request, object_id, form_url, {**more, **(extra_context or {})})

    # ---- pages ---------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        return [self.page("compare", self.compare_view, "compare"), self.page("void", self.void_view, "void"), *super().get_urls()]

    def tools(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        found = []
        if request.user.has_perm(MAY_PLAN):
            found.append({"label": "What would change", "url": f"{self.address('compare', row.pk)}#plan"})
        if request.user.has_perm(MAY_VOID) and may_be_voided(row):
            found.append({"label": "Void", "url": self.address("void", row.pk)})
        return found

    def compare_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Both sides as they are now, and what a sync would do about it. Writes nothing."""
        record = self._record(request, object_id, MAY_PLAN)
        return self._page(request, record, "compare.html", "Both sides now", {"now": compare(record)})

    def void_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What voiding would take out of the books; a POST does it."""
        record = self._record(request, object_id, MAY_VOID)
        form = VoidForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            asked = form.cleaned_data
            tell(request, take_out(record, asked["reason"], request.user.get_username(), along=asked["along"]))
            return HttpResponseRedirect(self.address("change", record.pk))
        now = look_at_voiding(record, request.user.get_username())
        if not now.removable:
            form.fields.pop("along")
        return self._page(request, record, "void.html", "Void what was posted", {"form": form, "now": now})

    def _record(self, request: HttpRequest, object_id: str, permission: str) -> SyncRecord:
        record: SyncRecord = self.get_object(request, object_id)
        if not request.user.has_perm(permission):
            raise PermissionDenied
        return record

    def _page(self, request: HttpRequest, record: SyncRecord, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        known = {**self.admin_site.each_context(request), "opts": self.opts, "original": record, "title": title, "subtitle": str(record)}
        return TemplateResponse(request, f"admin/flows/syncrecord/{template}", {**known, **context})

    # ---- what is shown -------------------------------------------------------------------------------------

    @admin.display(description="record")
    def name(self, row: SyncRecord) -> str:
        return str(row)

    @admin.display(description="where it comes from")
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


def _is_left_behind(record: SyncRecord, jobs: Sequence[SyncJob]) -> bool:
    """Whether its newest job has not gone through, or somebody skipped it: what stands in the books may be a part only."""
    return record.hold == SyncRecord.Hold.SKIP or (bool(jobs) and jobs[0].state in (*STUCK, SyncJob.State.WAITING))
