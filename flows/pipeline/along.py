"""What was created along with a record, and whether anybody else needs it: clients and items are shared by all orders."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q

from audit.models import AuditRecord, Outcome
from connectors.canonical.identity import ObjectType
from flows.known_by import digest_of
from flows.models import ExternalLink, Flow, ItemMapping, RecordName, SyncJob, SyncRecord
from flows.pipeline.workbench import Workbench, calling
from flows.recipes import RECIPES
from flows.recipes.looks import Along, Link

_CREATED = {f"create {kind.value}": kind for kind in (ObjectType.CUSTOMER, ObjectType.PRODUCT)}


def made_along(bench: Workbench, invoice_id: str) -> tuple[Along, ...]:
    """The clients and items that our jobs for this record created (the audit says so), clients first."""
    return tuple(_looked_at(bench, link, invoice_id) for link in _created(bench))


def _created(bench: Workbench) -> list[ExternalLink]:
    jobs = SyncJob.objects.filter(flow=bench.flow, object_type=bench.recipe.source.value, source_id=bench.source_id)
    steps = AuditRecord.objects.filter(job_id__in=list(jobs.values_list("pk", flat=True)), action__in=_CREATED, outcome=Outcome.DONE)
    made = sorted({(_CREATED[action], target) for action, target in steps.values_list("action", "target_id") if target})
    rows = [_link(bench, kind, remote_id) for kind, remote_id in made]
    return [row for row in rows if row is not None]


def _link(bench: Workbench, kind: ObjectType, remote_id: str) -> ExternalLink | None:
    """Our link of it. What we found instead of making it is a person's."""
    rows = ExternalLink.objects.filter(destination=bench.flow.destination, object_type=kind.value, remote_id=remote_id, adopted=False)
    return rows.filter(scope__in=["", bench.scope], state=ExternalLink.State.CONFIRMED).first()


def _looked_at(bench: Workbench, row: ExternalLink, invoice_id: str) -> Along:
    """By our own keys, without a call for each: an order may have brought fifty items."""
    kind, (named, _, name) = ObjectType(row.object_type), row.key.partition(":")
    link = Link(kind, row.key, row.remote_id, void=row.void)
    if kind is ObjectType.PRODUCT:
        return Along(link, f"item {name}", not row.scope, next(_uses_of_item(bench, row, name), ""))
    what = name if named == "email" else f"number {row.remote_id}"
    return Along(link, f"client {what}", not row.scope, next(_uses_of_client(bench, row.remote_id, invoice_id), ""))


def _uses_of_client(bench: Workbench, client_id: str, invoice_id: str) -> Iterator[str]:
    yield from _kept_in_step(bench, ObjectType.CUSTOMER)
    for flow in Flow.objects.filter(destination=bench.flow.destination_id).order_by("pk"):
        if str(flow.options.get("default_client", "")) == client_id:
            yield f"it is the default client of the flow {flow.label}"
    reads = bench.destination.connector.reads[ObjectType.INVOICE]
    if reads.of_customer is None:
        yield f"{bench.flow.destination.label} cannot tell whose it is"
        return
    with calling(bench.destination) as api:
        invoices = [reads.normalise(raw, api.account) for raw in reads.of_customer(api, client_id)]
    others = sum(invoice.id != invoice_id for invoice in invoices)
    if others:
        yield "it has another invoice" if others == 1 else f"it has {others} other invoices"


def _uses_of_item(bench: Workbench, row: ExternalLink, sku: str) -> Iterator[str]:
    yield from _kept_in_step(bench, ObjectType.PRODUCT)
    mapped = ItemMapping.objects.filter(flow__organization=bench.flow.organization_id, item_id=row.remote_id).first()
    if mapped is not None:
        yield f"SKU {mapped.sku} is mapped to it"
    named = RecordName.objects.filter(digest=digest_of(sku), record__flow__organization=bench.flow.organization_id)
    mine = Q(record__in=SyncRecord.objects.filter(flow=bench.flow, source_id=bench.source_id, object_type=bench.recipe.source.value))
    if not named.filter(mine).exists():
        yield "it is not known which orders sold it"
    elif named.exclude(mine).exists():
        yield "other orders sold it"


def _kept_in_step(bench: Workbench, kind: ObjectType) -> Iterator[str]:
    """Flows that keep such things the same on both sides, or hand them on, need them without any order."""
    books = bench.flow.destination_id
    flows = Flow.objects.filter(Q(source=books) | Q(destination=books), enabled=True, organization=bench.flow.organization_id)
    for flow in flows.order_by("pk"):
        recipe = RECIPES[flow.recipe]
        if recipe.source is kind or (flow.source_id == books and kind in recipe.writes):
            yield f"the flow {flow.label} needs it"
