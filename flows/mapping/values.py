"""Taxes, ways to pay, statuses and accounts without a mapping: what waits, what the destination offers, and the likeliest choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction

from connectors.kit.errors import NeedsAttention, SyncError
from connectors.registry import get_connector
from flows.catalogue import items_of, taxes_of, waiting_records
from flows.home.attention import Cause, causes_of
from flows.mapping.long_names import refuse_long
from flows.mapping.reading import latest, read_records
from flows.mapping.seen import ACCOUNT, GATEWAY, STATUS, TAX, Seen, seen_in, unmapped_among
from flows.models import Flow, ValueMapping
from flows.recipes import RECIPES
from flows.recipes.options import text
from flows.releasing import mapping_saved
from flows.selectors import mappings_of, options_of
from flows.suggesting import Target, ValueSuggestion, suggest_values

CLOSED = (GATEWAY, STATUS)  # the destination takes nothing else than what it lists
PAID = "paid"  # the only status that is looked up: what an order becomes whose invoice was paid
AT_MOST = 100


@dataclass(frozen=True, slots=True)
class UnmappedValue:
    """A value without a mapping. cause: what waits for it, None when records go on without; now: what becomes of it meanwhile; targets:
    what can be chosen; best: the likeliest.
    """

    seen: Seen
    label: str
    cause: Cause | None
    now: str
    targets: tuple[Target, ...]
    best: ValueSuggestion | None


@dataclass(frozen=True, slots=True)
class UnmappedValues:
    """All of a flow. problems: why something could not be listed."""

    rows: tuple[UnmappedValue, ...]
    problems: tuple[str, ...] = ()


def kinds_of(flow: Flow) -> tuple[str, ...]:
    """The kinds that this flow looks up."""
    return RECIPES[flow.recipe].maps


def unmapped_values(flow: Flow, *, look: bool) -> UnmappedValues:
    """What waits; with look, also what the latest records carry without a mapping, though nothing waits for it."""
    causes = {cause.subject: cause for kind in kinds_of(flow) for cause in causes_of([flow], f"{kind}:", at_most=AT_MOST)[0]}
    problems: list[str] = []
    try:
        records = read_records(flow, [*waiting_records(flow, list(causes)), *(latest(flow) if look else [])])
    except SyncError as problem:
        records = []
        problems.append(problem.message)
    known = {f"{one.kind}:{name}": one for one in seen_in(records, kinds_of(flow)) for name in (*one.names, one.source)}
    waiting = {subject: known.get(subject) or _named(subject) for subject in causes}
    rest = unmapped_among(seen_in(records, kinds_of(flow)), mappings_of(flow)) if look else []
    told = [*waiting.values(), *(one for one in rest if one not in waiting.values())]
    if look and STATUS in kinds_of(flow) and mappings_of(flow).value(STATUS, PAID) is None:
        told.append(Seen(STATUS, PAID, (PAID,), records=0))
    by_seen = {one: causes[subject] for subject, one in waiting.items()}
    rows, refused = _rows(flow, told[:AT_MOST], by_seen)
    return UnmappedValues(rows, (*problems, *refused))


def _named(subject: str) -> Seen:
    kind, _, source = subject.partition(":")
    return Seen(kind, source, (source,), records=0)


def _rows(flow: Flow, told: Sequence[Seen], causes: dict[Seen, Cause]) -> tuple[tuple[UnmappedValue, ...], list[str]]:
    targets: dict[str, tuple[Target, ...]] = {}
    problems: list[str] = []
    for kind in dict.fromkeys(one.kind for one in told):
        try:
            targets[kind] = targets_of(flow, kind)
        except SyncError as problem:
            problems.append(problem.message)
    elsewhere = chosen_elsewhere(flow, [one.source for one in told])
    meanwhile = _meanwhile(flow)
    rows = []
    for one in told:
        offered = targets.get(one.kind, ())
        suggestions = suggest_values(offered, one.names, one.rate, elsewhere.get((one.kind, one.source)))
        label = ValueMapping.Kind(one.kind).label
        rows.append(UnmappedValue(one, label, causes.get(one), meanwhile[one.kind], offered, suggestions[0] if suggestions else None))
    return tuple(rows), problems


def _meanwhile(flow: Flow) -> dict[str, str]:
    """What becomes of a value that has no mapping, by kind."""
    options = options_of(flow)
    return {
        TAX: "waits" if text(options, "tax_unmapped") == "attention" else "its own name",
        GATEWAY: text(options, "default_payment_type") or "Other",
        STATUS: text(options, "paid_status"),
        ACCOUNT: "its own name",
    }


def suggestions_for(flow: Flow, kind: str, source: str) -> tuple[Seen, list[ValueSuggestion], tuple[Target, ...]]:
    """One value as the waiting records tell it, its suggestions, and all that can be chosen. Raises SyncError when nothing is listed."""
    try:
        records = read_records(flow, waiting_records(flow, [f"{kind}:{source}"]) or latest(flow))
    except SyncError:
        records = []
    known = (one for one in seen_in(records, (kind,)) if source in (one.source, *one.names))
    seen = next(known, Seen(kind, source, (source,), records=0))
    targets = targets_of(flow, kind)
    return seen, suggest_values(targets, seen.names, seen.rate, chosen_elsewhere(flow, [source]).get((kind, source))), targets


def targets_of(flow: Flow, kind: str) -> tuple[Target, ...]:
    """What the destination offers for this kind. Raises SyncError when it does not answer, or lists nothing."""
    connector = get_connector(flow.destination.platform)
    found: Iterable[Target]
    match kind:
        case "tax":
            found = (Target(tax.name, f"{tax.name} ({tax.percent.normalize():f} %)", tax.percent) for tax in taxes_of(flow))
        case "gateway":
            found = (Target(name) for name in connector.payment_methods)
        case "status":
            found = (Target(name, label) for name, label in connector.statuses)
        case _:
            found = (Target(item.name, f"{item.name} ({item.sku})" if item.sku else "") for item in items_of(flow) if item.active)
    return tuple({target.name: target for target in found if target.name}.values())


def chosen_elsewhere(flow: Flow, sources: Sequence[str]) -> dict[tuple[str, str], dict[str, str]]:
    """By kind and value: the targets that other flows of the organization into the same books chose, and which flow did."""
    others = ValueMapping.objects.filter(
        source__in=sources, flow__organization=flow.organization_id, flow__destination=flow.destination_id
    ).exclude(flow=flow)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for kind, source, target, label in others.values_list("kind", "source", "target", "flow__label"):
        found.setdefault((kind, source), {})[target] = label
    return found


def map_value(flow: Flow, kind: str, source: str, target: str, by: str) -> tuple[ValueMapping, bool, int]:
    """Map the value: the row, whether it is new, how many jobs go on. Raises SyncError, NeedsAttention for what the destination does not
    take.
    """
    if kind not in kinds_of(flow):
        raise NeedsAttention(f"{flow} looks up no {ValueMapping.Kind(kind).label}.", code="no_such_kind")
    refuse_long(ValueMapping.Kind(kind).label.capitalize(), source)
    if kind in CLOSED and target not in {one.name for one in targets_of(flow, kind)}:
        raise NeedsAttention(f'{flow.destination} does not know "{target}". Choose one of those that it lists.', code="no_such_target")
    if not target or len(target) > 120:
        raise NeedsAttention("Choose what it is called at the destination.", code="no_such_target")
    with transaction.atomic():
        row, new = ValueMapping.objects.update_or_create(flow=flow, kind=kind, source=source, defaults={"target": target})
        return row, new, mapping_saved(row, by)
