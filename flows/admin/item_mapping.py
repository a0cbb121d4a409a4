"""SKUs to items: the list, what waits for a mapping, and the choice from the books' items."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from audit.console.buttons import Said, tell
from connectors.kit.errors import SyncError
from credentials.access import limit_to
from flows.admin.choosing import map_item, suggestions_for, unmapped_of
from flows.admin.mapping import MappingAdmin
from flows.catalogue import items_of
from flows.models import Flow, ItemMapping
from flows.suggesting import matching


@admin.register(ItemMapping)
class ItemMappingAdmin(MappingAdmin):
    """SKU to item."""

    identity = ("sku",)
    list_display = ("sku", "flow", "item_id", "item_name")
    list_editable = ("item_id", "item_name")
    search_fields = ("sku", "item_name", "item_id")
    fields = ("flow", "sku", "item_id", "item_name")
    change_list_template = "admin/flows/itemmapping/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        pages = [("unmapped", self.unmapped_view), ("choose", self.choose_view)]
        own = [path(f"{name}/", self.admin_site.admin_view(view), name=f"flows_itemmapping_{name}") for name, view in pages]
        return [*own, *super().get_urls()]

    def unmapped_view(self, request: HttpRequest) -> HttpResponse:
        """What waits for a mapping; accept suggestions one by one or many at once."""
        flows = self._flows(request)
        if request.method == "POST":
            known = {str(flow.pk): flow for flow in flows}
            for accepted in request.POST.getlist("accept"):
                flow_id, _, rest = accepted.partition(":")
                item_id, _, sku = rest.partition(":")
                if flow_id in known and sku:
                    self._map(request, known[flow_id], sku, item_id)
            return HttpResponseRedirect(self.address("unmapped"))
        return self._page(request, "unmapped.html", "Unmapped SKUs", {"rows": unmapped_of(flows)})

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """One SKU: suggestions with their reasons, and a search over all items."""
        asked = request.POST if request.method == "POST" else request.GET
        sku, text = asked.get("sku", "").strip()[:120], request.GET.get("q", "").strip()[:100]
        flow = next((flow for flow in self._flows(request) if str(flow.pk) == asked.get("flow")), None)
        if flow is None or not sku:
            raise Http404
        if request.method == "POST":
            self._map(request, flow, sku, asked.get("item", ""))
            return HttpResponseRedirect(self.address("unmapped"))
        context: dict[str, Any] = {
            "flow": flow,
            "sku": sku,
            "text": text,
            "typed": f"{self.address('add')}?{urlencode({'flow': flow.pk, 'sku': sku})}",
        }
        try:
            context["suggestions"] = suggestions_for(flow, sku)
            context["items"] = matching(items_of(flow), text) if text else []
        except SyncError as problem:
            context["problem"] = problem.message
        return self._page(request, "choose.html", f"Which item stands for {sku}?", context)

    def _map(self, request: HttpRequest, flow: Flow, sku: str, item_id: str) -> None:
        try:
            row, new = map_item(flow, sku, item_id)
        except (SyncError, KeyError) as problem:
            why = problem.message if isinstance(problem, SyncError) else "The books do not list that item."
            return tell(request, Said(f"{sku} was not mapped: {why}", ok=False))
        (self.log_addition if new else self.log_change)(request, row, "Chosen from the books' items.")
        tell(request, Said(f"{sku} is {row.item_name} from now on."))
        return self._release(request, row)

    def _flows(self, request: HttpRequest) -> list[Flow]:
        if not self.has_add_permission(request):
            raise PermissionDenied
        flows = Flow.objects.select_related("organization", "source", "destination")
        return list(limit_to(request.user, flows))

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        known = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"admin/flows/itemmapping/{template}", {**known, **context})
