"""The mappings of a flow out of a provisioning file. What the file does not name is left as people made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from config.provision.entries import FlowEntry
from config.provision.reading import ProvisionError, Table, nearest, unique
from config.provision.rows import Step, bring
from flows.mapping.rules import problem_in, rule_of, save_rule
from flows.models import FieldMapping, Flow, ItemMapping, ValueMapping
from flows.recipes.contract import FieldRule
from flows.recipes.updating import OVERWRITE
from flows.releasing import Mapping, mapping_saved


def apply_mappings(flow: Flow, entry: FlowEntry) -> Iterator[Step]:
    """One step per mapping in the file."""
    unique(entry.items, lambda table: (table.text("sku"),), "SKU")
    unique(entry.values, lambda table: (table.text("kind"), table.text("source")), "value")
    unique(entry.rules, lambda table: (table.text("target"),), "field")
    for table in entry.items:
        table.only("sku", "item_id", "item_name")
        fields = {"item_id": table.text("item_id"), "item_name": table.text("item_name")}
        yield _step(ItemMapping, flow, table, {"sku": table.text("sku")}, fields, "item mapping")
    for table in entry.values:
        yield _apply_value(flow, table)
    for table in entry.rules:
        yield _apply_rule(flow, table)


def _apply_value(flow: Flow, table: Table) -> Step:
    table.only("kind", "source", "target")
    kind = table.text("kind")
    if kind not in ValueMapping.Kind.values:
        table.refuse("kind", f"unknown kind. {nearest(kind, ValueMapping.Kind.values)}")
    keys = {"kind": kind, "source": table.text("source")}
    return _step(ValueMapping, flow, table, keys, {"target": table.text("target")}, "value mapping")


def _apply_rule(flow: Flow, table: Table) -> Step:
    table.only("target", "expression", "transform", "default", "mode")
    texts = {name: table.text(name, "") for name in ("transform", "default")}
    rule = FieldRule(table.text("target"), table.text("expression"), mode=table.text("mode", OVERWRITE), **texts)
    if wrong := problem_in(flow, rule):
        raise ProvisionError(f"{table.path}: {wrong}")
    before = FieldMapping.objects.filter(flow=flow, target=rule.target).first()
    held = rule_of(before) if before else None
    details = tuple(name for name, value in asdict(rule).items() if held and getattr(held, name) != value)
    if held != rule:
        save_rule(flow, rule, "provision")
    return Step(
        "created" if held is None else "changed" if details else "left", "field mapping", f"{rule.target!r} of {flow.label!r}", details
    )


def _step(model: type[Mapping], flow: Flow, table: Table, keys: dict[str, Any], fields: dict[str, Any], what: str) -> Step:
    row, verb, details = bring(model, table, {"flow": flow, **keys}, fields)
    if verb != "left":
        mapping_saved(row, "provision")
    return Step(verb, what, f"{' '.join(keys.values())!r} of {flow.label!r}", details)
