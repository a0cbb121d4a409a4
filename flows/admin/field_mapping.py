"""Field rules: what fills a field of the books, tried on a record before it is saved, with every version and who made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from audit.console.buttons import Said, tell
from connectors.kit.errors import SyncError
from credentials.access import limit_to
from flows.admin.field_form import FieldMappingForm
from flows.admin.sheets import SheetAdmin
from flows.mapping.rules import delete_rule, restore, rule_of, save_rule
from flows.mapping.sheets.resources import FieldMappingResource
from flows.mapping.trying import records_to_try, try_rule
from flows.models import FieldMapping, FieldMappingVersion, Flow
from flows.recipes.contract import FieldRule
from flows.recipes.updating import OVERWRITE

VERSIONS = 50  # on a page


@admin.register(FieldMapping)
class FieldMappingAdmin(SheetAdmin):
    """Which field from where."""

    about = "Rules that fill further fields in the books, such as the notes of an invoice, from what the shop says."
    form = FieldMappingForm
    resource = FieldMappingResource
    identity = ("target",)
    list_display = ("target", "flow", "expression", "transform", "default", "mode")
    search_fields = ("target", "expression")
    fields = ("flow", "target", "source", "expression", "transform", "default", "mode")
    change_form_template = "admin/flows/fieldmapping/change_form.html"
    change_list_template = "admin/flows/fieldmapping/change_list.html"

    class Media:
        js = ("console/field_rule.js",)

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("try/", self.try_view, "try"),
            ("versions/", self.versions_view, "versions"),
            ("restore/<int:version>/", self.restore_view, "restore"),
        ]
        own = [path(tail, self.admin_site.admin_view(view), name=f"flows_fieldmapping_{name}") for tail, view, name in pages]
        return [*own, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may not change it reads the rule as it is kept."""
        if obj is not None and not self.has_change_permission(request, obj):
            return [name for name in self.fields if name != "source"]
        return self.fields

    # ---- saving --------------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        row, released = save_rule(obj.flow, rule_of(obj), request.user.get_username())
        obj.pk = row.pk
        self._released(request, row, released)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_rule(obj, request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            delete_rule(row, request.user.get_username())

    # ---- versions ------------------------------------------------------------------------------------------

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        flow = row.flow if row else context["adminform"].form.known_flow()
        context["records"] = records_to_try(flow) if flow else []
        context["may_restore"] = self.has_change_permission(request)
        if row:
            mine = FieldMappingVersion.objects.filter(flow=row.flow, target=row.target)
            context["versions"] = mine.order_by("-number")[:VERSIONS]
        return super().render_change_form(request, context, *args, **kwargs)

    def versions_view(self, request: HttpRequest) -> HttpResponse:
        """All that was ever changed, deleted rules included, the newest first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        versions = self._versions(request).select_related("flow").order_by("-at", "-pk")
        context = {"versions": versions[:VERSIONS], "may_restore": self.has_change_permission(request), "several": True}
        return self.shown_page(request, "fieldmapping/versions.html", "Versions of field mappings", context)

    def restore_view(self, request: HttpRequest, version: int) -> HttpResponse:
        """Make an old version the rule again."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_change_permission(request) and self.has_add_permission(request)):
            raise PermissionDenied
        wanted = get_object_or_404(self._versions(request).select_related("flow__organization"), pk=version)
        try:
            row, released = restore(wanted, request.user.get_username())
        except SyncError as problem:
            tell(request, Said(f"It was not restored: {problem.message}", ok=False))
            return HttpResponseRedirect(self.address("versions"))
        self.log_change(request, row, f"Version {wanted.number} restored.")
        tell(request, Said(f"Version {wanted.number} of {row.target} counts again."))
        self._released(request, row, released)
        return HttpResponseRedirect(self.address("change", row.pk))

    def _versions(self, request: HttpRequest) -> QuerySet[FieldMappingVersion]:
        return limit_to(request.user, FieldMappingVersion.objects.all(), self.organization_path)

    # ---- trying --------------------------------------------------------------------------------------------

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """What a rule would do to one record. The form's script shows its answer beside the form; without a script it is a page."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        asked = request.GET
        flow = next((flow for flow in self.flows_to_map(request) if str(flow.pk) == asked.get("flow")), None)
        if flow is None:
            raise Http404
        rule = _asked_rule(request)
        records = records_to_try(flow)
        record = asked.get("record", "").strip()[:100] or next(iter(records), "")
        tried = try_rule(flow, rule, record) if record and rule.expression else None
        saved = FieldMapping.objects.filter(flow=flow, target=rule.target).first()
        back = self.address("change", saved.pk) if saved else f"{self.address('add')}?{urlencode(_as_initial(flow, rule))}"
        context = {"flow": flow, "rule": rule, "records": records, "record": record, "tried": tried, "back": back, "saved": saved}
        return self.shown_page(request, "fieldmapping/try.html", "Try a rule on a record", context)


def _asked_rule(request: HttpRequest) -> FieldRule:
    asked = {name: request.GET.get(name, "")[:300] for name in ("target", "source", "expression", "transform", "default", "mode")}
    expression = asked["source"] or asked["expression"].strip()
    return FieldRule(asked["target"], expression, asked["transform"], asked["default"][:200], asked["mode"] or OVERWRITE)


def _as_initial(flow: Flow, rule: FieldRule) -> dict[str, Any]:
    told = ("target", "expression", "transform", "default", "mode")
    return {"flow": flow.pk, **{name: getattr(rule, name) for name in told if getattr(rule, name)}}
