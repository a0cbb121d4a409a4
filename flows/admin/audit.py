"""The audit in the console: to be read, narrowed, exported with its proof, and verified."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.checks import last_check
from audit.console.base import ConsoleAdmin, ReadOnly
from audit.console.buttons import tell
from audit.console.showing import badge, inside, moment, pretty_json
from audit.exporting.archive import exported
from audit.exporting.rows import FORMS
from audit.models import AuditRecord, AuditSeal, Outcome
from audit.services import AuditEntry, write_many
from credentials.access import visible_organizations
from flows.admin.audit_filter import RecordsFilter
from flows.models import Flow
from flows.verifying import ask_for_verification, is_stale

KINDS = {"csv": "CSV", "jsonl": "JSON Lines"}
MAY_EXPORT, MAY_VERIFY = "audit.export_auditrecord", "audit.verify_auditseal"


class PlainScope(ConsoleAdmin):
    """Rows that carry the bare number of their organization."""

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The numbers are asked for first: with them at hand the database walks its index by time, and stops when a page is full."""
        if request.user.is_active and request.user.is_superuser:
            return queryset
        return queryset.filter(organization_id__in=list(visible_organizations(request.user).values_list("pk", flat=True)))

    def place_of(self, row: Any) -> dict[str, Any]:
        return {"organization_id": row.organization_id}


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnly, PlainScope):
    """Who or what did what."""

    heading = "Audit trail"
    about = "Who or what did what, and when. Nothing here can be changed or deleted by anybody."
    list_display = ("when", "who", "what", "shown_outcome", "message", "connection", "there", "made")
    list_display_links = ("when",)
    list_filter = (RecordsFilter,)
    search_fields = ("source_id",)
    search_help_text = "The id of the object on either side, an order's number, or the number of a job."
    sortable_by = ()
    ordering = ("-at", "-id")
    fieldsets = (
        (None, {"fields": ("when", "who", "what", "shown_outcome", "message", "took")}),
        ("About", {"fields": ("connection", "flow", "job", "event", "there", "made")}),
        ("Evidence", {"fields": ("shown_mapping", "shown_evidence", "digest", "seal")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists leave the evidence in the database."""
        rows = super().get_queryset(request)
        page = request.resolver_match.url_name if request.resolver_match else ""
        if page == "audit_auditrecord_change":
            return rows.select_related("seal")
        return rows.defer("evidence", "mapping") if page == "audit_auditrecord_changelist" else rows

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().removeprefix("#")
        if not term:
            return queryset, False
        found = Q(source_id=term) | Q(target_id=term)
        if term.isdecimal() and len(term) < 19:
            found |= Q(job_id=int(term))
        return queryset.filter(found), False

    # ---- the export ----------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        export = path("export/<slug:kind>/", self.admin_site.admin_view(self.export_view), name="audit_auditrecord_export")
        return [export, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        known = {"may_export": request.user.has_perm(MAY_EXPORT), "kinds": KINDS, "query": request.META.get("QUERY_STRING", "")}
        return super().changelist_view(request, {**known, **(extra_context or {})})

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """What the list shows with the same filters, all of it, with its proof. A POST, since taking it is put on record."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if kind not in FORMS:
            raise Http404
        if not request.user.has_perm(MAY_EXPORT) or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            records = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            raise Http404 from None
        filters = {name: value for name, value in request.GET.items() if value and name != "p"}
        about = {"by": request.user.get_username(), "at": timezone.now().isoformat(timespec="seconds"), "filters": filters}
        self._record_export(request, kind, filters)
        headers = {"Content-Disposition": f'attachment; filename="audit-{timezone.now():%Y-%m-%d-%H%M}.zip"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(exported(records, kind, about), content_type="application/zip", headers=headers)

    def _record_export(self, request: HttpRequest, kind: str, filters: dict[str, Any]) -> None:
        """With each organization whose records may be in it; once, without one, for whoever sees all."""
        told = ", ".join(f"{name} {value}" for name, value in filters.items()) or "no filter"
        places: list[int | None] = [None]
        if not request.user.is_superuser:
            places = list(visible_organizations(request.user).values_list("pk", flat=True))
        write_many(
            AuditEntry(
                actor=request.user.get_username(),
                action="export audit",
                outcome=Outcome.DONE,
                organization_id=place,
                object_type="auditrecord",
                message=f"Audit records were exported as {KINDS[kind]} ({told}).",
            )
            for place in places
        )

    # ---- what is shown -------------------------------------------------------------------------------------

    @admin.display(description="when (UTC)")
    def when(self, row: AuditRecord) -> SafeString | str:
        return moment(row.at)

    @admin.display(description="who")
    def who(self, row: AuditRecord) -> str:
        return row.actor

    @admin.display(description="what")
    def what(self, row: AuditRecord) -> str:
        return row.action.replace("_", " ")

    @admin.display(description="took")
    def took(self, row: AuditRecord) -> str:
        return "-" if row.duration_ms is None else f"{row.duration_ms} ms"

    @admin.display(description="connection")
    def connection(self, row: AuditRecord) -> str:
        return row.connection_label or "-"

    @admin.display(description="flow")
    def flow(self, row: AuditRecord) -> SafeString | str:
        label = Flow.objects.filter(pk=row.flow_id).values_list("label", flat=True).first() if row.flow_id else ""
        return inside("flows_flow", row.flow_id, label or f"flow {row.flow_id}") if row.flow_id else "-"

    @admin.display(description="job")
    def job(self, row: AuditRecord) -> SafeString | str:
        return inside("flows_syncjob", row.job_id, f"job {row.job_id}" if row.job_id else "")

    @admin.display(description="received webhook")
    def event(self, row: AuditRecord) -> SafeString | str:
        return inside("flows_inboundevent", row.event_id, f"received webhook {row.event_id}" if row.event_id else "")

    @admin.display(description="record")
    def there(self, row: AuditRecord) -> str:
        return f"{row.object_type} {row.source_id}".replace("_", " ").strip() or "-"

    @admin.display(description="id on the other side")
    def made(self, row: AuditRecord) -> str:
        return row.target_id or "-"

    @admin.display(description="digest of the evidence")
    def digest(self, row: AuditRecord) -> str:
        return row.evidence_digest

    @admin.display(description="outcome")
    def shown_outcome(self, row: AuditRecord) -> SafeString:
        return badge(row.outcome, row.get_outcome_display())

    @admin.display(description="field mapping applied")
    def shown_mapping(self, row: AuditRecord) -> SafeString | str:
        return pretty_json(row.mapping) if row.mapping else "-"

    @admin.display(description="evidence")
    def shown_evidence(self, row: AuditRecord) -> SafeString | str:
        return pretty_json(row.evidence) if row.evidence else "-"


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnly, ConsoleAdmin):
    """The chain that proves that nothing was changed. It covers all organizations together and shows nobody's records."""

    about = (
        "A seal covers a group of entries of the audit trail and the seal "
        "before it: whoever changed an old entry would break all seals since."
    )
    list_display = ("id", "sealed", "first_record", "last_record", "count", "short_chain", "pruned")
    sortable_by = ()
    ordering = ("-id",)
    change_list_template = "admin/audit/auditseal/change_list.html"
    fields = ("sealed", "first_record", "last_record", "count", "digest", "previous", "chain", "pruned")

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def place_of(self, row: Any) -> dict[str, Any]:
        return {}

    def get_urls(self) -> list[URLPattern]:
        verify = path("verify/", self.admin_site.admin_view(self.verify_view), name="audit_auditseal_verify")
        return [verify, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        known = {"may_verify": request.user.has_perm(MAY_VERIFY), "check": last_check(), "stale": is_stale(last_check())}
        return super().changelist_view(request, {**known, **(extra_context or {})})

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Ask a worker to walk the whole chain."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(MAY_VERIFY):
            raise PermissionDenied
        tell(request, ask_for_verification(request.user))
        return HttpResponseRedirect(self.address("changelist"))

    @admin.display(description="sealed (UTC)")
    def sealed(self, row: AuditSeal) -> SafeString | str:
        return moment(row.sealed_at)

    @admin.display(description="pruned (UTC)")
    def pruned(self, row: AuditSeal) -> SafeString | str:
        return moment(row.pruned_at)

    @admin.display(description="chain")
    def short_chain(self, row: AuditSeal) -> str:
        return f"{row.chain[:16]}..."
