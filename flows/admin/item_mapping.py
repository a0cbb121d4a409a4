"""SKUs to items: the list, what waits for a mapping, and the choice from the books' items."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from audit.console.buttons import Said, tell
from connectors.kit.errors import SyncError
from flows.admin.sheets import SheetAdmin
from flows.catalogue import items_of
from flows.mapping.items import SKU, map_item, suggestions_for, unmapped_of
from flows.mapping.long_names import refuse_long
from flows.mapping.sheets.resources import ItemMappingResource
from flows.models import Flow, ItemMapping
from flows.models.mapping import LONGEST_NAME
from flows.setting_up.proposals import ITEM, otherwise
from flows.suggesting import matching


@admin.register(ItemMapping)
class ItemMappingAdmin(SheetAdmin):
    """SKU to item."""

    about = "Which article of the shop (by its SKU) is which item in the books."
    resource = ItemMappingResource
    identity = ("sku",)
    list_display = ("sku", "flow", "item_id", "item_name")
    list_editable = ("item_id", "item_name")
    search_fields = ("sku__istartswith", "item_name__istartswith", "item_id__exact")
    search_help_text = "How a SKU or an item's name begins, or an item's id."
    sortable_by = ()
    fields = ("flow", "sku", "item_id", "item_name")
    change_list_template = "admin/flows/itemmapping/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        pages = [("unmapped", self.unmapped_view), ("choose", self.choose_view)]
        own = [path(f"{name}/", self.admin_site.admin_view(view), name=f"flows_itemmapping_{name}") for name, view in pages]
        return [*own, *super().get_urls()]

    def after_deleting(self, row: ItemMapping) -> str:
        return f"For orders that are synced from now on, {row.sku} has no mapping; then the flow says: {otherwise(row.flow, ITEM)}."

    def unmapped_view(self, request: HttpRequest) -> HttpResponse:
        """What waits for a mapping in one flow; accept suggestions one by one or many at once."""
        flows = self.flows_to_map(request)
        if request.method == "POST":
            self._accept(request, {str(flow.pk): flow for flow in flows})
            return HttpResponseRedirect(request.get_full_path())
        tabs = self.tabs(request, flows, (SKU,), all_flows=False)
        flow = next((tab.flow for tab in tabs if tab.current), None)
        number = request.GET.get("page", "")
        found = unmapped_of(flow, int(number) if number.isdecimal() and len(number) < 5 else 1) if flow else None
        context = {"tabs": tabs, "flow": flow, "found": found, "rows": found.rows if found else ()}
        return self.shown_page(request, "itemmapping/unmapped.html", "Unmapped SKUs", context)

    def choose_view(self, request: HttpRequest) -> HttpResponse:
        """One SKU: suggestions with their reasons, and a search over all items."""
        asked = request.POST if request.method == "POST" else request.GET
        sku, text = asked.get("sku", "").strip(), request.GET.get("q", "").strip()[:100]
        flow = next((flow for flow in self.flows_to_map(request) if str(flow.pk) == asked.get("flow")), None)
        if flow is None or not sku:
            raise Http404
        if request.method == "POST":
            self._map(request, flow, sku, asked.get("item", ""))
            return HttpResponseRedirect(self.address("unmapped"))
        context: dict[str, Any] = {
            "flow": flow,
            "sku": sku,
            "text": text,
            "typed": f"{self.address('add')}?{urlencode({'flow': flow.pk, 'sku': sku})}" if len(sku) <= LONGEST_NAME else "",
        }
        try:
            refuse_long("SKU", sku)
            context["name"], context["suggestions"] = suggestions_for(flow, [sku])[sku]
            context["items"] = matching(items_of(flow), text) if text else []
        except SyncError as problem:
            context["problem"] = problem.message
        return self.shown_page(request, "itemmapping/choose.html", f"Which item stands for {sku}?", context)

    def _accept(self, request: HttpRequest, known: dict[str, Flow]) -> None:
        """Each "flow:item:SKU"; the one whose own button was pressed, else all that are ticked."""
        only = request.POST.get("only")
        for accepted in [only] if only else request.POST.getlist("accept"):
            flow_id, _, rest = accepted.partition(":")
            item_id, _, sku = rest.partition(":")
            if flow_id in known and sku:
                self._map(request, known[flow_id], sku, item_id)

    def _map(self, request: HttpRequest, flow: Flow, sku: str, item_id: str) -> None:
        try:
            row, new, released = map_item(flow, sku, item_id, request.user.get_username())
        except (SyncError, KeyError) as problem:
            why = problem.message if isinstance(problem, SyncError) else "The books do not list that item."
            return tell(request, Said(f"{sku} was not mapped: {why}", ok=False))
        (self.log_addition if new else self.log_change)(request, row, "Chosen from the books' items.")
        tell(request, Said(f"{sku} is {row.item_name} from now on."))
        return self._released(request, row, released)
