"""The pages of what has no mapping ask the database as much for a full page as for one row."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from connectors.canonical.catalogue import Product
from flows.models import Flow, SyncJob
from tests import factories as make
from tests.admin.console_world import World
from tests.admin.test_console_pages import assert_clean
from tests.admin.test_console_queries import queries

ITEMS, VALUES = reverse("admin:flows_itemmapping_unmapped"), reverse("admin:flows_valuemapping_unmapped")


@pytest.fixture(autouse=True)
def books(monkeypatch: pytest.MonkeyPatch) -> None:
    """Books with one item; the shop cannot be asked."""
    cache.clear()
    monkeypatch.setattr("flows.mapping.items.items_of", lambda _flow: (Product("1", "SKU-1", "Item"),))
    monkeypatch.setattr("flows.mapping.values.taxes_of", lambda _flow: ())
    monkeypatch.setattr("flows.catalogue.read_records", lambda _flow, _ids: [])
    monkeypatch.setattr("flows.mapping.values.read_records", lambda _flow, _ids: [])


def stuck(flow: Flow, subject: str, count: int = 1) -> None:
    for _ in range(count):
        source_id = f"9{SyncJob.objects.count():05}"
        make.JobFactory(flow=flow, source_id=source_id, state="attention", reason_code="unmapped", subject=subject)
        make.RecordFactory(flow=flow, source_id=source_id)


@pytest.mark.parametrize(("url", "subject"), [(ITEMS, "sku:SKU-{}"), (VALUES, "tax:T-{}")])
def test_as_many_queries_for_twenty_rows_as_for_one(world: World, url: str, subject: str) -> None:
    flow = world.rows["flow"]
    assert isinstance(flow, Flow)
    client = world.client("bookkeeper")
    stuck(flow, subject.format(1))
    queries(client, url)
    few = queries(client, url)
    for number in range(2, 21):
        stuck(flow, subject.format(number))
    many = queries(client, url)
    assert len(many) == len(few) <= 30, "\n".join(many)
    assert_clean(client, url)


def test_what_more_records_wait_for_comes_first_and_the_rest_has_pages(world: World) -> None:
    flow = world.rows["flow"]
    assert isinstance(flow, Flow)
    for number in range(22):
        stuck(flow, f"sku:SKU-{number}", 1)
    stuck(flow, "sku:SKU-7", 3)
    page = world.client("bookkeeper").get(ITEMS)
    assert (page.context["rows"][0].sku, page.context["rows"][0].cause.records, len(page.context["rows"])) == ("SKU-7", 4, 20)
    rest = world.client("bookkeeper").get(ITEMS, {"page": 2}).context["rows"]
    assert len(rest) == 3
    assert not {row.sku for row in rest} & {row.sku for row in page.context["rows"]}


def test_a_flow_of_others_is_no_tab(world: World) -> None:
    theirs = world.theirs["flow"]
    assert isinstance(theirs, Flow)
    stuck(theirs, "sku:SECRET")
    page = world.client("bookkeeper").get(ITEMS, {"flow": theirs.pk})
    assert [tab.flow for tab in page.context["tabs"]] == [world.rows["flow"]]
    assert "SECRET" not in page.content.decode()
