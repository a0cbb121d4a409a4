"""Saving field mappings: checked first, kept as a version with the person's name, and what waited for it goes on."""

from __future__ import annotations

from typing import Any

import jmespath
from django.db import transaction
from django.utils import timezone

from connectors.kit.errors import NeedsAttention
from flows.mapping.canonical import RECORDS, fields_of
from flows.mapping.hopeless import never_works
from flows.models import FieldMapping, FieldMappingVersion, Flow
from flows.recipes import RECIPES
from flows.recipes.contract import FieldRule
from flows.recipes.fields import problem_with, targets
from flows.releasing import mapping_saved

What = FieldMappingVersion.What
_INTO = ("subexpression", "index_expression", "index", "projection", "flatten", "filter_projection", "value_projection", "pipe", "slice")


def rule_of(row: FieldMapping | FieldMappingVersion) -> FieldRule:
    """The rule that a row holds."""
    return FieldRule(row.target, row.expression, row.transform, row.default, row.mode)


def targets_of(flow: Flow) -> tuple[str, ...]:
    """What rules of this flow may fill."""
    groups = RECIPES[flow.recipe].fills
    return tuple(target for target in targets() if target.partition(".")[0] in groups)


def problem_in(flow: Flow, rule: FieldRule) -> str:
    """A sentence about what is wrong with the rule in this flow, "" when it can work."""
    wrong = problem_with(rule)
    if wrong:
        return wrong
    if rule.target not in targets_of(flow):
        said = ", ".join(targets_of(flow)) or "none"
        return f"{flow} does not fill {rule.target}. Fields that it fills: {said}."
    kind = RECIPES[flow.recipe].source
    first = _first_field(jmespath.compile(rule.expression).parsed)
    if first and kind in RECORDS and first not in fields_of(kind):
        known = ", ".join(sorted(fields_of(kind)))
        return f'Records of this flow have no field "{first}". They have: {known}.'
    return never_works(rule.expression, kind) if kind in RECORDS else ""


def _first_field(node: Any) -> str:
    """The field of the record that the expression begins with, "" where it begins with something else (a function, a list)."""
    while node["type"] in _INTO and node["children"]:
        node = node["children"][0]
    return str(node["value"]) if node["type"] == "field" else ""


@transaction.atomic
def save_rule(flow: Flow, rule: FieldRule, by: str, what: str = "") -> tuple[FieldMapping, int]:
    """Save the rule and a version of it; the row, and how many jobs go on. Raises NeedsAttention for a rule that cannot work.

    A rule that stands there already, word for word, makes no version.
    """
    wrong = problem_in(flow, rule)
    if wrong:
        raise NeedsAttention(wrong, code="bad_field_mapping", subject=f"field:{rule.target}")
    Flow.objects.select_for_update().get(pk=flow.pk)  # two people who save at once get two numbers
    fields = {"expression": rule.expression, "transform": rule.transform, "default": rule.default, "mode": rule.mode}
    row = FieldMapping.objects.filter(flow=flow, target=rule.target).first()
    if row is not None and rule_of(row) == rule:
        return row, mapping_saved(row, by)
    known = row is not None
    row, _ = FieldMapping.objects.update_or_create(flow=flow, target=rule.target, defaults=fields)
    _keep(row, what or (What.CHANGED if known else What.MADE), by)
    return row, mapping_saved(row, by)


@transaction.atomic
def delete_rule(row: FieldMapping, by: str) -> None:
    """Delete the rule; its versions stay, so that it can be brought back."""
    Flow.objects.select_for_update().get(pk=row.flow_id)
    _keep(row, What.DELETED, by)
    row.delete()


def restore(version: FieldMappingVersion, by: str) -> tuple[FieldMapping, int]:
    """Make an old version the rule again: it becomes the newest version."""
    return save_rule(version.flow, rule_of(version), by, What.RESTORED)


def _keep(row: FieldMapping, what: str, by: str) -> None:
    older = FieldMappingVersion.objects.filter(flow_id=row.flow_id, target=row.target)
    number = (older.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    FieldMappingVersion.objects.create(
        flow_id=row.flow_id,
        target=row.target,
        number=number,
        what=what,
        expression=row.expression,
        transform=row.transform,
        default=row.default,
        mode=row.mode,
        by=by,
        at=timezone.now(),
    )
