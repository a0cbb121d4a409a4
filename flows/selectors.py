"""Queries that several places share: what a flow's recipe may know, which flows want what."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from connectors.registry import get_connector
from flows.models import Flow
from flows.recipes import RECIPES
from flows.recipes.contract import Context, FieldRule, ItemChoice, Mappings


def mappings_of(flow: Flow) -> Mappings:
    """The operator's mappings of a flow as the recipes want them."""
    return Mappings(
        items={m.sku: ItemChoice(m.item_id, m.item_name) for m in flow.item_mappings.all()},
        values={(m.kind, m.source): m.target for m in flow.value_mappings.all()},
        fields=tuple(FieldRule(m.target, m.expression, m.transform, m.default) for m in flow.field_mappings.all()),
    )


def options_of(flow: Flow) -> dict[str, Any]:
    """The recipe's defaults, what the source platform itself counts as booked, and what the operator chose on top."""
    options = {option.name: option.default for option in RECIPES[flow.recipe].options}
    if "statuses" in options and not options["statuses"]:
        options["statuses"] = list(get_connector(flow.source.platform).paid_statuses)
    chosen = {name: value for name, value in flow.options.items() if value not in ("", None, [])}
    return {**options, **chosen}


def context_of(flow: Flow, now: datetime) -> Context:
    """All that the flow's recipe may know besides the source value."""
    return Context(
        options=options_of(flow),
        mappings=mappings_of(flow),
        source_key=str(flow.source.key),
        source_label=flow.source.label,
        destination_currency=flow.destination.currency,
        now=now,
        learned=flow.destination.learned,
    )


def flows_reading(connection_id: int) -> dict[str, list[Flow]]:
    """The enabled flows that read from this connection, by object type."""
    wanted: dict[str, list[Flow]] = defaultdict(list)
    for flow in Flow.objects.filter(source_id=connection_id, enabled=True).select_related("source", "destination"):
        wanted[RECIPES[flow.recipe].source.value].append(flow)
    return wanted
