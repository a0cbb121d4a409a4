"""What a person chooses from when a SKU is mapped: the items of the books, and what the shop calls the product."""

from __future__ import annotations

from typing import cast

from django.core.cache import cache

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import NeedsAttention, SyncError
from flows.jobs.telling import STUCK
from flows.models import Flow, ItemMapping, SyncJob
from flows.pipeline.extract import extract
from flows.pipeline.workbench import calling, open_workbench
from flows.preview import refuse_writes

FRESH = 120  # seconds that a list of items stays good enough to choose from
LOOKS = 3  # orders that are read to learn a product's name


def items_of(flow: Flow) -> tuple[Product, ...]:
    """All items at the flow's destination. Raises SyncError when it does not answer."""
    key = f"items:{flow.destination.key}"
    known = cache.get(key)
    if known is None:
        cache.set(key, known := _read(flow), FRESH)
    return cast("tuple[Product, ...]", known)


def _read(flow: Flow) -> tuple[Product, ...]:
    bench = open_workbench(flow, refuse_writes)
    writes = bench.destination.connector.writes.get(ObjectType.PRODUCT)
    if writes is None or writes.every is None:
        raise NeedsAttention(f"{flow.destination} lists no items. Type the item's id.", code="no_catalogue")
    with calling(bench.destination) as api:
        return tuple(writes.every(api))


def product_name(flow: Flow, sku: str) -> str:
    """What the shop calls the product, read from an order that waits for this SKU; "" when none tells."""
    waiting = SyncJob.objects.filter(flow=flow, subject=f"sku:{sku}", state__in=STUCK).order_by("-id")
    for source_id in waiting.values_list("source_id", flat=True)[:LOOKS]:
        try:
            order = extract(open_workbench(flow, refuse_writes), source_id).value
        except SyncError:
            continue
        name = next((line.name for line in getattr(order, "lines", ()) if line.sku == sku), "")
        if name:
            return str(name)
    return ""


def chosen_elsewhere(flow: Flow, sku: str) -> dict[str, str]:
    """By item id: which other flow of the organization into the same books uses it for this SKU."""
    others = ItemMapping.objects.filter(sku=sku, flow__organization=flow.organization_id, flow__destination=flow.destination_id)
    return dict(others.exclude(flow=flow).values_list("item_id", "flow__label"))
