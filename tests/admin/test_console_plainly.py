"""The console says what a click does before it is done, and in the same words everywhere."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from flows.models import BulkRun, Flow, ItemMapping
from flows.recipes.contract import FieldRule
from flows.recipes.fields import problem_with
from tests import factories as make
from tests.admin.console_world import World, address


def deletion_of(world: World, row: object) -> str:
    return world.client("bookkeeper").get(address(row, "delete", row.pk)).content.decode()  # type: ignore[attr-defined]


def test_deleting_a_mapping_says_what_becomes_of_the_records(world: World) -> None:
    flow: Flow = world.rows["flow"]
    item = make.ItemMappingFactory(flow=flow, sku="MUG")
    assert "What stands in the books stays as it is." in deletion_of(world, item)
    assert "MUG has no mapping; then the flow says: find or create the item." in deletion_of(world, item)
    Flow.objects.filter(pk=flow.pk).update(options={**flow.options, "unknown_sku": "attention"})
    assert "MUG has no mapping; then the flow says: find or create the item." not in deletion_of(world, item)
    tax = make.ValueMappingFactory(flow=flow, kind="account", source="Flat rate")
    assert "Flat rate has no mapping; then the flow says: it keeps its own name." in deletion_of(world, tax)
    assert ItemMapping.objects.filter(pk=item.pk).exists(), "a look deletes nothing"


def test_a_mapping_that_is_typed_in_says_what_to_write(world: World) -> None:
    page = world.client("bookkeeper").get(reverse("admin:flows_valuemapping_add")).content.decode()
    assert "letter by letter" in page


def test_the_search_calls_states_what_their_pages_call_them(world: World) -> None:
    make.RecordFactory(flow=world.rows["flow"], source_id="s1", number="N-1", outcome="attention")
    make.RecordFactory(flow=world.rows["flow"], source_id="s2", number="N-1", outcome="done")
    page = world.client("support").get(reverse("admin:find"), {"q": "N-1"}).content.decode()
    assert '<span class="badge badge-warn">needs attention</span>' in page


@pytest.mark.parametrize(("kind", "said"), [("look", "all looked at"), ("replay", "all passed on")])
def test_a_look_back_passes_nothing_on(world: World, kind: str, said: str) -> None:
    organization = world.rows["flow"].organization
    run = BulkRun.objects.create(organization=organization, kind=kind, about="orders", finished_at=timezone.now(), total=0)
    page = world.client("support").get(address(run, "change", run.pk)).content.decode()
    assert said in page


def test_what_is_wrong_with_an_expression_is_one_clean_sentence() -> None:
    said = problem_with(FieldRule("client.note", "lines["))
    assert said == "The expression 'lines[' is not JMESPath: Incomplete expression."
