"""Mapping SKUs without typing ids: what waits for a mapping, with suggestions to accept, and one SKU's choice from all items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.kit.errors import SyncError
from flows.catalogue import chosen_elsewhere, items_of, product_name
from flows.home.attention import Cause, causes_of
from flows.models import Flow, ItemMapping
from flows.suggesting import Suggestion, suggest

SKU = "sku:"


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A SKU that records wait for. best: the likeliest item, None when nothing is like it; problem: why items could not be read."""

    cause: Cause
    sku: str
    best: Suggestion | None
    problem: str = ""


def unmapped_of(flows: Sequence[Flow]) -> list[Unmapped]:
    """All unmapped SKUs that stopped something, the most awaited first."""
    causes, _ = causes_of(flows, SKU)
    return [_unmapped(cause) for cause in causes]


def _unmapped(cause: Cause) -> Unmapped:
    sku = cause.subject.removeprefix(SKU)
    try:
        best = suggestions_for(cause.flow, sku)[:1]
    except SyncError as problem:
        return Unmapped(cause, sku, None, problem.message)
    return Unmapped(cause, sku, best[0] if best else None)


def suggestions_for(flow: Flow, sku: str) -> list[Suggestion]:
    """With the product's name where a waiting order tells it. Raises SyncError when the books do not answer."""
    return suggest(items_of(flow), sku, product_name(flow, sku), chosen_elsewhere(flow, sku))


def map_item(flow: Flow, sku: str, item_id: str) -> tuple[ItemMapping, bool]:
    """The mapping of this SKU to an item that the books list, and whether it is new. Raises SyncError, and KeyError for another id."""
    item = {item.id: item for item in items_of(flow)}[item_id]
    return ItemMapping.objects.update_or_create(flow=flow, sku=sku, defaults={"item_id": item.id, "item_name": item.name[:255]})
