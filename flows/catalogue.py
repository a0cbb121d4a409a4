"""What a person chooses from when something is mapped: the items and taxes of the books, and what the shop calls a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Max

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceTax
from connectors.kit.errors import NeedsAttention, SyncError
from flows.jobs.telling import STUCK
from flows.mapping.reading import read_records
from flows.models import Flow, ItemMapping, SyncJob
from flows.pipeline.workbench import calling, open_workbench
from flows.preview import refuse_writes

FRESH = 120  # seconds that a list stays good enough to choose from
LOOKS = 10  # orders that are read to learn the names of the products on a page
_WORDS = {ObjectType.PRODUCT: "items", ObjectType.TAX: "taxes"}


def items_of(flow: Flow) -> tuple[Product, ...]:
    """All items at the flow's destination. Raises SyncError when it does not answer."""
    return cast("tuple[Product, ...]", _listed(flow, ObjectType.PRODUCT))


def taxes_of(flow: Flow) -> tuple[InvoiceTax, ...]:
    """All taxes at the flow's destination. Raises SyncError when it does not answer."""
    return cast("tuple[InvoiceTax, ...]", _listed(flow, ObjectType.TAX))


def _listed(flow: Flow, kind: ObjectType) -> tuple[Any, ...]:
    key = f"{_WORDS[kind]}:{flow.destination.key}"
    known = cache.get(key)
    if known is None:
        cache.set(key, known := _read(flow, kind), FRESH)
    return cast("tuple[Any, ...]", known)


def _read(flow: Flow, kind: ObjectType) -> tuple[Any, ...]:
    bench = open_workbench(flow, refuse_writes)
    writes = bench.destination.connector.writes.get(kind)
    if writes is None or writes.every is None:
        raise NeedsAttention(f"{flow.destination} lists no {_WORDS[kind]}. Type what it is called there.", code="no_catalogue")
    with calling(bench.destination) as api:
        return tuple(writes.every(api))


def product_names(flow: Flow, skus: Sequence[str]) -> dict[str, str]:
    """What the shop calls the products, read from orders that wait for these SKUs; what none tells is left out."""
    try:
        orders = read_records(flow, waiting_records(flow, [f"sku:{sku}" for sku in skus])[:LOOKS])
    except SyncError:
        return {}
    lines = (line for order in orders for line in getattr(order, "lines", ()))
    return {line.sku: str(line.name) for line in lines if line.sku in skus and line.name}


def waiting_records(flow: Flow, subjects: Sequence[str]) -> list[str]:
    """For each subject, the source id of the newest record that waits for it."""
    waiting = SyncJob.objects.filter(flow=flow, subject__in=subjects, state__in=STUCK).order_by()
    newest = waiting.values("subject").annotate(newest=Max("pk")).values_list("newest", flat=True)
    return list(dict.fromkeys(SyncJob.objects.filter(pk__in=list(newest)).order_by("pk").values_list("source_id", flat=True)))


def chosen_elsewhere(flow: Flow, skus: Sequence[str]) -> dict[str, dict[str, str]]:
    """By SKU and item id: which other flow of the organization into the same books uses the item for this SKU."""
    others = ItemMapping.objects.filter(sku__in=skus, flow__organization=flow.organization_id, flow__destination=flow.destination_id)
    found: dict[str, dict[str, str]] = {}
    for sku, item_id, label in others.exclude(flow=flow).values_list("sku", "item_id", "flow__label"):
        found.setdefault(sku, {})[item_id] = label
    return found
