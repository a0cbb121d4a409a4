"""Taxes, ways to pay, statuses and accounts: the list, what has no mapping yet, and the choice from what the destination offers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from audit.console.buttons import Said, tell
from connectors.kit.errors import SyncError
from flows.admin.parts import flow_filter
from flows.admin.sheets import SheetAdmin
from flows.mapping.long_names import refuse_long
from flows.mapping.sheets.resources import ValueMappingResource
from flows.mapping.values import kinds_of, map_value, suggestions_for, unmapped_values
from flows.models import Flow, ValueMapping
from flows.models.mapping import LONGEST_NAME
from flows.setting_up.proposals import otherwise
from flows.suggesting import Target

_HELP = {
    "source": "As the other program writes it, letter by letter: a tax's code, a way to pay, a charge. See also: Unmapped values.",
    "target": "As it is called where it arrives.",
}
SHOWN = 50  # targets of one search; a longer list is searched


@admin.register(ValueMapping)
class ValueMappingAdmin(SheetAdmin):
    """Taxes, payment methods, statuses, accounts."""

    about = "What taxes, ways to pay, statuses and accounts are called on the other side."
    resource = ValueMappingResource
    identity = ("kind", "source")
    list_display = ("source", "kind", "flow", "target")
    list_editable = ("target",)
    list_filter = (flow_filter(), "kind")
    search_fields = ("source__istartswith", "target__istartswith")
    search_help_text = "How a value of the shop, or its name in the books, begins."
    sortable_by = ()
    fields = ("flow", "kind", "source", "target")
    change_list_template = "admin/flows/valuemapping/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        pages = [("unmapped", self.unmapped_view), ("choose", self.choose_view)]
        own = [path(f"{name}/", self.admin_site.admin_view(view), name=f"flows_valuemapping_{name}") for name, view in pages]
        return [*own, *super().get_urls()]

    def after_deleting(self, row: ValueMapping) -> str:
        return f"For what is synced from now on, {row.source} has no mapping; then the flow says: {otherwise(row.flow, row.kind)}."

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """With a hint for whoever types a mapping in."""
        return super().get_form(request, obj, change, help_texts=_HELP, **kwargs)

    def unmapped_view(self, request: HttpRequest) -> HttpResponse:
        """What has no mapping in one flow: what waits for one, and on demand what the latest records carry."""
        flows = [flow for flow in self.flows_to_map(request) if kinds_of(flow)]
        if request.method == "POST":
            self._accept(request, self._asked_for(request, flows))
            return HttpResponseRedirect(request.get_full_path())
        tabs = self.tabs(request, flows, [f"{kind}:" for kind in ValueMapping.Kind.values], all_flows=True)
        flow = next((tab.flow for tab in tabs if tab.current), None)
        look = request.GET.get("look") == "1"
        context = {"tabs": tabs, "flow": flow, "look": look, "found": unmapped_values(flow, look=look) if flow else None}
        return self.shown_page(request, "valuemapping/unmapped.html", "Unmapped values", context)

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """One value: suggestions with their reasons, and a search over all that the destination offers."""
        asked = request.POST if request.method == "POST" else request.GET
        flow = self._asked_for(request, [flow for flow in self.flows_to_map(request) if kinds_of(flow)])
        kind, source = asked.get("kind", ""), asked.get("source", "").strip()
        if kind not in kinds_of(flow) or not source:
            raise Http404
        if request.method == "POST":
            self._map(request, flow, kind, source, asked.get("target", ""))
            return HttpResponseRedirect(f"{self.address('unmapped')}?{urlencode({'flow': flow.pk})}")
        text = request.GET.get("q", "").strip()[:100]
        label = ValueMapping.Kind(kind).label
        context = {"flow": flow, "kind": kind, "source": source, "text": text, "label": label, **_offered(flow, kind, source, text)}
        typed = f"{self.address('add')}?{urlencode({'flow': flow.pk, 'kind': kind, 'source': source})}"
        context["typed"] = typed if len(source) <= LONGEST_NAME else ""
        return self.shown_page(request, "valuemapping/choose.html", f"What is the {label} {source} in the books?", context)

    def _asked_for(self, request: HttpRequest, flows: list[Flow]) -> Flow:
        asked = request.POST.get("flow") or request.GET.get("flow")
        found = next((flow for flow in flows if str(flow.pk) == asked), None)
        if found is None:
            raise Http404
        return found

    def _accept(self, request: HttpRequest, flow: Flow) -> None:
        """Each "kind:value"; the one whose own button was pressed, else all that are ticked, with what was chosen beside it."""
        only = request.POST.get("only")
        for accepted in [only] if only else request.POST.getlist("accept"):
            kind, _, source = accepted.partition(":")
            if kind in kinds_of(flow) and source:
                self._map(request, flow, kind, source, request.POST.get(f"target:{accepted}", ""))

    def _map(self, request: HttpRequest, flow: Flow, kind: str, source: str, target: str) -> None:
        try:
            row, new, released = map_value(flow, kind, source, target, request.user.get_username())
        except SyncError as problem:
            return tell(request, Said(f"{source} was not mapped: {problem.message}", ok=False))
        (self.log_addition if new else self.log_change)(request, row, "Chosen from what the destination offers.")
        tell(request, Said(f"{source} is {target} from now on."))
        return self._released(request, row, released)


def _offered(flow: Flow, kind: str, source: str, text: str) -> dict[str, Any]:
    try:
        refuse_long(ValueMapping.Kind(kind).label.capitalize(), source)
        seen, suggestions, targets = suggestions_for(flow, kind, source)
    except SyncError as problem:
        return {"problem": problem.message}
    found = _matching(targets, text)
    return {"seen": seen, "suggestions": suggestions, "targets": found[:SHOWN], "more": max(0, len(found) - SHOWN)}


def _matching(targets: tuple[Target, ...], text: str) -> list[Target]:
    words = text.casefold().split()
    return sorted((one for one in targets if all(word in f"{one.name} {one.label}".casefold() for word in words)), key=lambda one: one.name)
