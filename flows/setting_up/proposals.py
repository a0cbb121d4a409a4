"""What a source calls things, as its last records have them: what stands for each at the destination, or probably should and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import SyncError
from credentials.setting_fields import shown
from flows import catalogue
from flows.mapping.reading import read_records
from flows.mapping.seen import ACCOUNT, GATEWAY, STATUS, TAX, Seen, seen_in
from flows.mapping.values import CLOSED, PAID, chosen_elsewhere, targets_of
from flows.models import Flow, ItemMapping, ValueMapping
from flows.pipeline.workbench import open_workbench
from flows.preview import refuse_writes
from flows.recipes import RECIPES
from flows.selectors import settings_for
from flows.setting_up.latest import latest
from flows.suggesting import Target, suggest, suggest_values

LOOKS = 15  # records that are read
LISTED = 300  # choices that a browser bears
ITEM = "item"
HEADINGS = {
    ITEM: "Products and items",
    TAX: "Taxes",
    GATEWAY: "Ways to pay",
    ACCOUNT: "Shipping, fees and other charges",
    STATUS: "Statuses",
}
_OPTIONS = {ITEM: "unknown_sku", TAX: "tax_unmapped", GATEWAY: "default_payment_type", STATUS: "paid_status"}
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """source: what a mapping goes by; name: what people know it by; value: what is mapped, or else what is proposed for reason; choices:
    what there is to choose from; typed: whether anything else may be written; held: what is mapped already.
    """

    kind: str
    source: str
    name: str
    records: int
    value: str
    reason: str
    choices: Choices
    typed: bool = False
    held: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The proposals of one kind. otherwise: what becomes of what is left empty; problem: why the destination could not be asked."""

    kind: str
    heading: str
    otherwise: str
    proposals: tuple[Proposal, ...]
    problem: str = ""


def kinds_for(recipe: str) -> tuple[str, ...]:
    """What can be mapped for a flow that does this."""
    known = RECIPES[recipe]
    has_items = known.source is ObjectType.ORDER and ObjectType.PRODUCT in known.writes
    return (*((ITEM,) if has_items else ()), *known.maps)


def groups_of(flow: Flow, now: datetime) -> list[Group]:
    """By kind, the commonest names first. Raises SyncError when the source does not answer."""
    kinds = kinds_for(flow.recipe)
    records: list[Any] = []
    if set(kinds) - {STATUS}:
        records = read_records(flow, latest(open_workbench(flow, refuse_writes), LOOKS, now))
    seen = seen_in(records, kinds) + ([Seen(STATUS, PAID, ("a paid order",), records=0)] if STATUS in kinds else [])
    groups = [_items(flow, records) if kind == ITEM else _values(flow, kind, [one for one in seen if one.kind == kind]) for kind in kinds]
    return [group for group in groups if group.proposals]


def _items(flow: Flow, records: Sequence[Any]) -> Group:
    lines = [{(line.sku, line.name) for line in getattr(record, "lines", ()) if line.sku} for record in records]
    counted = Counter(sku for order in lines for sku in {sku for sku, _ in order})
    names = {sku: name for order in lines for sku, name in order}
    problem = ""
    items: tuple[Product, ...] = ()
    try:
        items = catalogue.items_of(flow)
    except SyncError as error:
        problem = error.message
    held = {one.sku: one for one in ItemMapping.objects.filter(flow=flow, sku__in=list(names))}
    elsewhere = catalogue.chosen_elsewhere(flow, list(names))
    made = []
    for sku, count in counted.most_common():
        found = suggest(items, sku, names[sku], elsewhere.get(sku))
        choices = tuple((one.item.id, f"{one.item.name} ({one.reason}, {one.confidence} %)") for one in found)
        value, reason = (found[0].item.id, f"{found[0].reason}, {found[0].confidence} %") if found else ("", "")
        if sku in held:
            value, reason = held[sku].item_id, "mapped"
            choices = choices if value in dict(choices) else ((value, held[sku].item_name), *choices)
        mapped = held[sku].item_id if sku in held else ""
        made.append(Proposal(ITEM, sku, names[sku], count, value, reason, choices, held=mapped))
    return Group(ITEM, HEADINGS[ITEM], otherwise(flow, ITEM), tuple(made), problem)


def _values(flow: Flow, kind: str, seen: Sequence[Seen]) -> Group:
    problem = ""
    targets: tuple[Target, ...] = ()
    try:
        targets = targets_of(flow, kind)
    except SyncError as error:
        problem = error.message
    held = dict(ValueMapping.objects.filter(flow=flow, kind=kind).values_list("source", "target"))
    elsewhere = chosen_elsewhere(flow, [one.source for one in seen])
    made = tuple(_value(kind, one, targets, held, elsewhere.get((kind, one.source), {})) for one in seen)
    return Group(kind, HEADINGS[kind], otherwise(flow, kind), made, problem)


def _value(kind: str, one: Seen, targets: Sequence[Target], held: Mapping[str, str], elsewhere: Mapping[str, str]) -> Proposal:
    found = suggest_values(targets, one.names, one.rate, elsewhere)
    value, reason = (found[0].target.name, f"{found[0].reason}, {found[0].confidence} %") if found else ("", "")
    mapped = next((name for name in (one.source, *one.names) if name in held), "")
    if mapped:
        value, reason = held[mapped], "mapped"
    choices = tuple((target.name, target.label or target.name) for target in targets[:LISTED])
    if mapped and value not in dict(choices):
        choices = ((value, value), *choices)
    name = one.source if kind == ACCOUNT or not one.names else one.names[:2][-1]  # a code comes first, then what people call it
    return Proposal(kind, mapped or one.source, name, one.records, value, reason, choices, kind not in CLOSED, held.get(mapped, ""))


def otherwise(flow: Flow, kind: str) -> str:
    """What the flow's options say about what has no mapping."""
    option = next((one for one in settings_for(flow) if one.name == _OPTIONS.get(kind)), None)
    if option is None:
        return "it keeps its own name"
    said = shown(option, flow.options)
    return said.lower() if option.kind == "choice" else f'it is called "{said}"'
