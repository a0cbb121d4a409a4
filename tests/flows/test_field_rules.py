"""A field rule is checked before it is saved, every version stays with its author, and an old one can be brought back."""

from __future__ import annotations

import pytest
from django.utils import timezone

from connectors.kit.errors import NeedsAttention
from flows.mapping.canonical import RECORDS, all_paths
from flows.mapping.rules import delete_rule, problem_in, restore, save_rule, targets_of
from flows.models import FieldMapping, FieldMappingVersion, Flow, SyncJob
from flows.recipes import RECIPES
from flows.recipes.contract import FieldRule

NOTES = FieldRule("invoice.notes", "note", "trim", "none", "empty")


def versions(flow: Flow) -> list[tuple[int, str, str, str, str]]:
    return list(FieldMappingVersion.objects.filter(flow=flow).order_by("number").values_list("number", "what", "expression", "mode", "by"))


def test_who_changed_what_is_kept_and_the_same_again_is_no_version(flow: Flow) -> None:
    save_rule(flow, NOTES, "kim")
    save_rule(flow, NOTES, "kim")
    save_rule(flow, FieldRule("invoice.notes", "number"), "lee")
    assert versions(flow) == [(1, "made", "note", "empty", "kim"), (2, "changed", "number", "overwrite", "lee")]


def test_an_old_version_comes_back_as_the_newest_also_after_a_deletion(flow: Flow) -> None:
    row, _ = save_rule(flow, NOTES, "kim")
    delete_rule(row, "lee")
    assert not FieldMapping.objects.filter(flow=flow).exists()
    restore(FieldMappingVersion.objects.get(number=1), "ann")
    assert [(number, what, by) for number, what, _, _, by in versions(flow)] == [
        (1, "made", "kim"),
        (2, "deleted", "lee"),
        (3, "restored", "ann"),
    ]
    row = FieldMapping.objects.get(flow=flow)
    assert (row.expression, row.transform, row.default, row.mode) == ("note", "trim", "none", "empty")


def test_saving_lets_what_waited_go_on(flow: Flow) -> None:
    now = timezone.now()
    SyncJob.objects.create(
        flow=flow, object_type="order", source_id="7", state="attention", subject="field:invoice.notes", not_before=now, created_at=now
    )
    assert save_rule(flow, NOTES, "kim")[1] == 1
    assert list(SyncJob.objects.filter(state="waiting").values_list("source_id", "asked_by")) == [("7", "kim")]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (FieldRule("item.name", "lines[0].name"), "does not fill item.name"),
        (FieldRule("invoice.notes", "custmer.note"), 'no field "custmer"'),
        (FieldRule("invoice.notes", "lines[?sku=='A'].nmae | [0]", mode="often"), "no update mode often"),
        (FieldRule("invoice.notes", "lines["), "is not JMESPath"),
        (FieldRule("invoice.notes", "sum(lines)"), "works on no order: sum() takes a list of numbers, and here it gets an object."),
        (FieldRule("invoice.notes", "sum(lines[].quantity)"), "sum() takes a list of numbers, and here it gets a text."),
        (FieldRule("invoice.notes", "shout(note)"), "works on no order: Unknown function: shout()."),
        (FieldRule("invoice.notes", "length(note, number)"), "works on no order: Expected 1 argument for function length(), received 2."),
        (FieldRule("invoice.notes", "{a: number}"), "finds a whole object (with a), and that would always stay empty."),
        (FieldRule("invoice.notes", "customer"), "Name the field that you mean, as customer.email."),
        (FieldRule("invoice.notes", "lines"), "finds a whole object"),
        (FieldRule("invoice.notes", "@"), "finds a whole object"),
    ],
)
def test_a_rule_that_cannot_work_is_not_saved(flow: Flow, rule: FieldRule, words: str) -> None:
    assert words in problem_in(flow, rule)
    with pytest.raises(NeedsAttention):
        save_rule(flow, rule, "kim")
    assert not FieldMapping.objects.exists()
    assert not FieldMappingVersion.objects.exists()


@pytest.mark.parametrize("expression", ["join(', ', lines[].name)", "lines[?sku=='A'].name | [0]", "customer.billing.city", "@.note",
    "lines[].name", "sum(map(&to_number(quantity), lines))", "length(lines[?sku=='A'] | [0].name)", "lines[].[sku, name]",
])  # fmt: skip
def test_what_can_work_has_no_problem(flow: Flow, expression: str) -> None:
    assert problem_in(flow, FieldRule("invoice.notes", expression)) == ""


def test_every_path_of_the_catalogue_can_be_a_rule(make_flow: object, flow: Flow) -> None:
    for recipe in RECIPES.values():
        if not recipe.fills:
            continue
        flow.recipe = recipe.name
        target = targets_of(flow)[0]
        paths = all_paths(recipe.source)
        assert len(paths) > 5
        assert [path for path in paths if problem_in(flow, FieldRule(target, path))] == []
    assert {recipe.source for recipe in RECIPES.values() if recipe.fills} == set(RECORDS)
