"""Alerts in the console: what a person should know, who else is told of it, and what became of each telling."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from audit.alerts import close_alert
from audit.console.base import ReadOnly
from audit.console.buttons import Button, Said
from audit.console.filters import is_empty, one_of
from audit.console.showing import badge, moment
from audit.models import Alert
from credentials.console import ScopedAdmin, organization_filter, scoped_filter
from flows.admin.alert_form import TargetForm
from flows.admin.audit import PlainScope
from flows.alerting.delivering import send_again, send_test
from flows.alerting.sending import shown_address
from flows.models import AlertDelivery, AlertTarget

MAY_CHANGE = "flows.change_alerttarget"


def close(alert: Alert, _person: str) -> Said:
    """Close it by hand; it opens again when its cause is seen again."""
    closed = close_alert(alert.organization_id, alert.cause)
    return Said("Closed. It opens again if its cause is still there." if closed else "It was closed already.")


@admin.register(Alert)
class AlertAdmin(ReadOnly, PlainScope):
    """What a person should know."""

    about = "What went wrong and asks for somebody. An alert closes by itself when its cause is gone."
    list_display = ("message", "shown_severity", "shown_state", "opened", "seen", "count")
    list_display_links = ("message",)
    list_filter = (is_empty("closed_at", "state", "open", "closed"), "severity")
    sortable_by = ()
    ordering = ("-id",)
    fields = ("shown_severity", "shown_state", "message", "cause", "count", "opened", "seen", "closed", "told")
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

    @admin.display(description="who was told")
    def told(self, row: Alert) -> SafeString | str:
        rows = AlertDelivery.objects.filter(alert=row).select_related("target").order_by("id")[:50]
        parts = ((str(told), badge(told.state, told.get_state_display()), told.answer) for told in rows)
        return format_html_join("", "<p>{} {} {}</p>", parts) or "nobody yet"


@admin.register(AlertTarget)
class AlertTargetAdmin(ScopedAdmin):
    """Where an organization's alerts go; owners look after it."""

    about = "Who is told when an alert opens: by e-mail, in Slack, or a program of your own."
    form = TargetForm

    class Media:
        js = ("console/alert_recipient.js",)

    list_display = ("label", "organization", "kind", "where", "errors", "warnings", "shown_state")
    list_filter = (organization_filter(), one_of("kind", "kind", tuple(AlertTarget.Kind.choices)))
    list_select_related = ("organization",)
    sortable_by = ()
    buttons = (
        Button("test", "Send a test", MAY_CHANGE, send_test),
        Button("resend", "Send what waits now", MAY_CHANGE, send_again, lambda target: target.enabled),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        late = AlertDelivery.objects.filter(target=OuterRef("pk"), state=AlertDelivery.State.WAITING, attempts__gt=0)
        found: QuerySet[Any] = super().get_queryset(request).select_related("organization").annotate(late=Exists(late))
        return found

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("organization", "kind", "where", "last_tellings")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        asked: tuple[str, ...] = ("address", "secret") if obj is None or obj.kind == AlertTarget.Kind.WEBHOOK else ("address",)
        place = ("organization", "label", "kind", *(() if obj is None else ("where",)))
        if obj is not None and not self.has_change_permission(request, obj):
            asked = ()
        when = ("errors", "warnings", "tell_end", "digest_hour", "enabled")
        told = [("What was sent", {"fields": ("last_tellings",)})] if obj else []
        return ((None, {"fields": (*place, *asked)}), ("What is told", {"fields": when}), *told)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[forms.ModelForm[Any]]:
        if obj is not None and not self.has_change_permission(request, obj):
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.since = timezone.now()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The mail to an organization's contacts is switched off, not deleted: it would come back by itself."""
        is_contacts = obj is not None and obj.kind == AlertTarget.Kind.EMAIL and str(obj.address) == ""
        return not is_contacts and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What became of its messages goes with it, though nobody deletes that by itself."""
        deleted, counts, _perms, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(), protected

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    @admin.display(description="goes to")
    def where(self, row: AlertTarget) -> str:
        return shown_address(row)

    @admin.display(description="state")
    def shown_state(self, row: Any) -> SafeString:
        if not row.enabled:
            return badge("off")
        return badge("attention", "does not answer") if row.late else badge("on")

    @admin.display(description="the last ones (UTC)")
    def last_tellings(self, row: AlertTarget) -> SafeString | str:
        rows = AlertDelivery.objects.filter(target=row).order_by("-id")[:10]
        parts = ((moment(t.created_at), t.get_kind_display(), badge(t.state, t.get_state_display()), t.answer) for t in rows)
        return format_html_join("", "<p>{} {} {} {}</p>", parts) or "none yet"


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(ReadOnly, ScopedAdmin):
    """What became of each telling."""

    heading = "Alerts sent"
    about = "Each message about an alert, and what its recipient answered."
    organization_path = "target__organization"
    list_display = ("planned", "target", "kind", "shown_state", "attempts", "answer")
    list_display_links = ("planned",)
    list_filter = (
        scoped_filter("target", AlertTarget, "recipient"),
        one_of("state", "state", tuple(AlertDelivery.State.choices)),
        one_of("kind", "kind", tuple(AlertDelivery.Kind.choices)),
    )
    list_select_related = ("target",)
    sortable_by = ()
    ordering = ("-id",)
    fields = ("target", "kind", "alert", "shown_state", "attempts", "answer", "planned", "sent", "text", "key")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("target", "alert")

    @admin.display(description="planned (UTC)")
    def planned(self, row: AlertDelivery) -> SafeString | str:
        return moment(row.created_at)

    @admin.display(description="sent (UTC)")
    def sent(self, row: AlertDelivery) -> SafeString | str:
        return moment(row.sent_at)

    @admin.display(description="state")
    def shown_state(self, row: AlertDelivery) -> SafeString:
        return badge(row.state, row.get_state_display())

    @admin.display(description="what it says")
    def text(self, row: AlertDelivery) -> str:
        return str(row.content.get("text", ""))
