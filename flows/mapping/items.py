"""SKUs that records wait for: what waits for each, and the item that probably stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from connectors.kit.errors import SyncError
from flows.catalogue import chosen_elsewhere, items_of, product_names
from flows.home.attention import Cause, causes_of
from flows.mapping.long_names import refuse_long
from flows.models import Flow, ItemMapping
from flows.releasing import mapping_saved
from flows.suggesting import Suggestion, suggest

SKU = "sku:"
A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A SKU that records wait for, with what the shop calls it. best: the likeliest item, None when nothing is like it."""

    cause: Cause
    sku: str
    name: str
    best: Suggestion | None


@dataclass(frozen=True, slots=True)
class UnmappedPage:
    """One page of a flow's unmapped SKUs, the most awaited first. problem: why there are no suggestions."""

    rows: tuple[Unmapped, ...]
    number: int
    pages: int
    problem: str = ""


def unmapped_of(flow: Flow, number: int = 1) -> UnmappedPage:
    """What waits in this flow; as many look-ups for a full page as for one row."""
    causes, _ = causes_of([flow], SKU, at_most=None)
    pages = max(1, -(-len(causes) // A_PAGE))
    number = min(max(number, 1), pages)
    shown = causes[(number - 1) * A_PAGE : number * A_PAGE]
    skus = [cause.subject.removeprefix(SKU) for cause in shown]
    try:
        found, problem = suggestions_for(flow, skus), ""
    except SyncError as refused:
        found, problem = {}, refused.message
    names = {sku: name for sku, (name, _) in found.items()}
    best = {sku: suggestions[0] for sku, (_, suggestions) in found.items() if suggestions}
    rows = (Unmapped(cause, sku, names.get(sku, ""), best.get(sku)) for cause, sku in zip(shown, skus, strict=True))
    return UnmappedPage(tuple(rows), number, pages, problem)


def suggestions_for(flow: Flow, skus: Sequence[str]) -> dict[str, tuple[str, list[Suggestion]]]:
    """By SKU: the product's name where a waiting order tells it, and the likeliest items. Raises SyncError when the books do not answer."""
    if not skus:
        return {}
    items, names, chosen = items_of(flow), product_names(flow, skus), chosen_elsewhere(flow, skus)
    return {sku: (names.get(sku, ""), suggest(items, sku, names.get(sku, ""), chosen.get(sku))) for sku in skus}


def map_item(flow: Flow, sku: str, item_id: str, by: str) -> tuple[ItemMapping, bool, int]:
    """Map the SKU to an item that the books list: the row, whether it is new, how many jobs go on. Raises SyncError, and KeyError for
    another id.
    """
    refuse_long("SKU", sku)
    item = {item.id: item for item in items_of(flow)}[item_id]
    with transaction.atomic():
        row, new = ItemMapping.objects.update_or_create(flow=flow, sku=sku, defaults={"item_id": item.id, "item_name": item.name[:255]})
        return row, new, mapping_saved(row, by)
