"""A field rule tried on a real record before it is saved: what it finds, what the books hold, what they would hold. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from connectors.canonical.identity import ObjectType
from connectors.kit.errors import SyncError
from flows.finding import source_id_of
from flows.known_by import skus_of
from flows.mapping.reading import read_record
from flows.mapping.rules import problem_in
from flows.models import Flow, SyncRecord
from flows.pipeline.view import Sight
from flows.pipeline.workbench import Workbench, open_workbench
from flows.preview import refuse_writes, sentence_of
from flows.recipes import RECIPES
from flows.recipes.contract import FieldRule
from flows.recipes.fields import evaluate, found_by
from flows.recipes.looks import LinkOf, Now
from flows.recipes.plain import to_plain
from flows.recipes.updating import keeping, kept_by
from flows.selectors import with_items

CHOICES = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """found: by the expression alone; answer: after transform and default. there: what the books hold in the field, None where they hold
    no such record of ours; becomes: what they hold after the next write. problem: why the rule or the record does not work; note: why
    nothing would be written.
    """

    record: str
    rule: FieldRule
    found: str = ""
    answer: str = ""
    there: str | None = None
    becomes: str = ""
    problem: str = ""
    note: str = ""

    @property
    def stays(self) -> bool:
        """Whether an update leaves the field as it is."""
        return self.there is not None and self.there == self.becomes


def records_to_try(flow: Flow) -> list[str]:
    """Numbers of the records that came last."""
    mine = SyncRecord.objects.filter(flow=flow, object_type=RECIPES[flow.recipe].source.value).order_by("-id")
    return [number or source_id for number, source_id in mine.values_list("number", "source_id")[:CHOICES]]


def try_rule(flow: Flow, rule: FieldRule, record: str) -> Tried:
    """On the record with this number or id. Reads from both sides."""
    wrong = problem_in(flow, rule)
    if wrong:
        return Tried(record, rule, problem=wrong)
    try:
        value = read_record(flow, source_id_of(flow, record))
        plain = to_plain(value)
        tried = Tried(record, rule, found_by(rule, plain), evaluate(rule, plain))
    except SyncError as problem:
        return Tried(record, rule, problem=problem.message)
    try:
        return _in_the_books(tried, open_workbench(flow, refuse_writes), value)
    except SyncError as verdict:
        return replace(tried, note=sentence_of(verdict))


def _in_the_books(tried: Tried, bench: Workbench, value: Any) -> Tried:
    """What the recipe wants with this rule in place of the saved one, against what stands there."""
    group, _, name = tried.rule.target.partition(".")
    mappings = with_items(bench.mappings, bench.flow, skus_of(value))
    rules = (*(rule for rule in mappings.fields if rule.target != tried.rule.target), tried.rule)
    bench.context = replace(bench.context, mappings=replace(mappings, fields=rules))
    kind, key, wanted = _aim(group, bench.recipe.desire(value, bench.context))
    if wanted is None:
        return replace(tried, note="Nothing of it would be written: the record is left out or voided.")
    now = _standing(bench, kind, key, str(getattr(value, "id", "")))
    there = None if now is None else str(getattr(now, name))
    return replace(tried, there=there, becomes=str(getattr(keeping(wanted, now, kept_by(group, rules)), name)))


def _aim(group: str, desired: Any) -> tuple[ObjectType, str, Any]:
    """What a rule of the group fills: its type, its link's key, its value."""
    if group == "invoice":
        return ObjectType.INVOICE, desired.order_id, desired.invoice
    if group == "client":
        return ObjectType.CUSTOMER, desired.client.key, desired.client.customer
    return ObjectType.PRODUCT, desired.key, desired.product


def _standing(bench: Workbench, kind: ObjectType, key: str, source_id: str) -> Any:
    bench.source_id, link_of = source_id, LinkOf(kind, key)
    sight = Sight(bench)
    sight.look_at([link_of])
    link = sight.view(link_of)
    if link is None:
        return None
    now = Now(kind, link.destination_id)
    sight.look_at([now])
    return sight.view(now)
