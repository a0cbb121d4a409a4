"""The audit and the alerts in the console: to be read; only an alert may be closed by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from audit.alerts import close_alert
from audit.console.base import ConsoleAdmin, ReadOnly
from audit.console.buttons import Button, Said
from audit.console.filters import is_empty, recent
from audit.console.showing import badge, moment, pretty_json
from audit.models import Alert, AuditRecord, AuditSeal


def organization_ids(request: HttpRequest) -> Any:
    """The ids of the organizations that a person works for. The audit knows no organizations, only their numbers."""
    user: Any = request.user
    return user.memberships.order_by().values("organization_id")


class PlainScope(ConsoleAdmin):
    """Rows that carry the bare number of their organization."""

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        user: Any = request.user
        return queryset if user.is_superuser else queryset.filter(organization_id__in=organization_ids(request))

    def place_of(self, row: Any) -> dict[str, Any]:
        return {"organization_id": row.organization_id}


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnly, PlainScope):
    """Who or what did what."""

    list_display = ("when", "actor", "action", "shown_outcome", "message", "connection_label", "source_id", "target_id")
    list_display_links = ("when",)
    list_filter = ("outcome", recent("at", "time"))
    search_fields = ("source_id",)
    search_help_text = "A person's name, an id on either side, or the number of a job, as it stands in the record."
    sortable_by = ()
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("when", "actor", "action", "shown_outcome", "message", "duration_ms")}),
        ("About", {"fields": ("connection_label", "flow_id", "job_id", "event_id", "object_type", "source_id", "target_id")}),
        ("Evidence", {"fields": ("shown_mapping", "shown_evidence", "evidence_digest", "seal")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Lists leave the evidence in the database."""
        rows = super().get_queryset(request)
        matched = request.resolver_match
        is_list = matched is not None and matched.url_name == "audit_auditrecord_changelist"
        return rows.defer("evidence", "mapping") if is_list else rows.select_related("seal")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(source_id=term) | Q(target_id=term) | Q(actor=term) | Q(action=term)
        if term.isdecimal() and len(term) < 19:
            found |= Q(job_id=int(term))
        return queryset.filter(found), False

    @admin.display(description="when (UTC)")
    def when(self, row: AuditRecord) -> SafeString | str:
        return moment(row.at)

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

    list_display = ("id", "sealed", "first_record", "last_record", "count", "short_chain", "pruned")
    sortable_by = ()
    ordering = ("-id",)
    fields = ("sealed", "first_record", "last_record", "count", "digest", "previous", "chain", "pruned")

    def visible(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def place_of(self, row: Any) -> dict[str, Any]:
        return {}

    @admin.display(description="sealed (UTC)")
    def sealed(self, row: AuditSeal) -> SafeString | str:
        return moment(row.sealed_at)

    @admin.display(description="pruned (UTC)")
    def pruned(self, row: AuditSeal) -> SafeString | str:
        return moment(row.pruned_at)

    @admin.display(description="chain")
    def short_chain(self, row: AuditSeal) -> str:
        return f"{row.chain[:16]}..."


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
