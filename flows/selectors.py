"""Queries that several places share: what a flow's recipe may know, which flows want what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection as database

from connectors.kit.contract import Setting
from connectors.registry import get_connector
from flows.models import Flow, ItemMapping
from flows.recipes import RECIPES
from flows.recipes.contract import Context, FieldRule, ItemChoice, Mappings

ITEMS_AT_ONCE = 200  # a flow with more looks its record's own SKUs up instead of reading all of them for each job
_MAPPINGS = f"""
SELECT 'item', sku, item_id, item_name, '', ''
FROM (SELECT sku, item_id, item_name FROM flows_itemmapping WHERE flow_id = %s LIMIT {ITEMS_AT_ONCE + 1}) AS few
UNION ALL SELECT kind, source, target, '', '', '' FROM flows_valuemapping WHERE flow_id = %s
UNION ALL SELECT 'field', target, expression, transform, "default", mode FROM flows_fieldmapping WHERE flow_id = %s
ORDER BY 1, 2
"""  # noqa: S608 - our own number


def mappings_of(flow: Flow) -> Mappings:
    """The operator's mappings of a flow as the recipes want them, in one query: every job asks for them. Of very many items only
    some are among them; see with_items.
    """
    with database.cursor() as cursor:
        cursor.execute(_MAPPINGS, [flow.pk] * 3)
        rows = cursor.fetchall()
    return Mappings(
        items={sku: ItemChoice(item_id, name) for kind, sku, item_id, name, *_ in rows if kind == "item"},
        values={(kind, source): target for kind, source, target, *_ in rows if kind not in ("item", "field")},
        fields=tuple(FieldRule(*rule) for kind, *rule in rows if kind == "field"),
    )


def with_items(mappings: Mappings, flow: Flow, skus: Collection[str]) -> Mappings:
    """The same, and of many items exactly those that are asked for."""
    if len(mappings.items) <= ITEMS_AT_ONCE:
        return mappings
    rows = ItemMapping.objects.filter(flow=flow, sku__in=skus).values_list("sku", "item_id", "item_name")
    return replace(mappings, items={sku: ItemChoice(item_id, name) for sku, item_id, name in rows})


def settings_for(flow: Flow) -> tuple[Setting, ...]:
    """All that an operator may choose for this flow: the recipe's options, and what its source platform adds to them."""
    return (*RECIPES[flow.recipe].options, *get_connector(flow.source.platform).source_options)


def source_choices(flow: Flow) -> dict[str, Any]:
    """What the flow chose of its source platform's own options, defaults filled in."""
    chosen = options_of(flow)
    return {option.name: chosen[option.name] for option in get_connector(flow.source.platform).source_options}


def options_of(flow: Flow) -> dict[str, Any]:
    """The defaults, what the source platform itself counts as booked, and what the operator chose on top."""
    options = {option.name: option.default for option in settings_for(flow)}
    if "statuses" in options:
        options["paid_statuses"] = list(get_connector(flow.source.platform).paid_statuses)
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
        destination_key=str(flow.destination.key),
    )


def flows_reading(connection_id: int) -> dict[str, list[Flow]]:
    """The enabled flows that read from this connection, by object type."""
    wanted: dict[str, list[Flow]] = defaultdict(list)
    for flow in Flow.objects.filter(source_id=connection_id, enabled=True).select_related("source", "destination"):
        wanted[RECIPES[flow.recipe].source.value].append(flow)
    return wanted
