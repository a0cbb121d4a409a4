"""Searching 50,000 mappings is a look-up: every condition of the lists' searches has its index on PostgreSQL."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Model

from flows.models import ItemMapping, ValueMapping
from tests.admin.console_world import World, address
from tests.admin.test_console_pages import assert_clean
from tests.admin.test_console_queries import queries


@pytest.mark.parametrize(
    ("model", "indexes"),
    [
        (ItemMapping, ("flows_itemmapping_sku_search", "flows_itemmapping_item_name_search", "flows_itemmapping_item_id")),
        (ValueMapping, ("flows_valuemapping_source_search", "flows_valuemapping_target_search")),
    ],
)
def test_a_search_reads_indexes_only(world: World, model: type[Model], indexes: tuple[str, ...]) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("plans of PostgreSQL")
    client, table, flow = world.client("bookkeeper"), model._meta.db_table, world.rows["flow"]
    ItemMapping.objects.bulk_create([ItemMapping(flow=flow, sku=f"S{n}", item_id=str(n), item_name=f"Item {n}") for n in range(4000)])
    ValueMapping.objects.bulk_create([ValueMapping(flow=flow, kind="tax", source=f"T{n}", target=f"Tax {n}") for n in range(4000)])
    found = [sql for sql in queries(client, address(model, "changelist"), {"q": "mug"}) if f'FROM "{table}"' in sql and "LIKE" in sql]
    assert found
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
        for sql in found:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert all(index in plan for index in indexes), plan
            assert f"Seq Scan on {table}" not in plan


@pytest.mark.parametrize(("query", "hit"), [("sku-", True), ("SKU", True), ("ku-", False)])
def test_a_search_is_by_beginnings_in_any_case(world: World, query: str, hit: bool) -> None:
    mapping = world.rows["itemmapping"]
    page = world.client("support").get(address(mapping, "changelist"), {"q": query})
    assert (mapping in page.context["cl"].result_list) == hit


def test_fields_in_the_list_say_what_they_are(world: World) -> None:
    url = address(world.rows["itemmapping"], "changelist")
    assert 'aria-label="Item id"' in world.client("bookkeeper").get(url).content.decode()
    assert_clean(world.client("bookkeeper"), url)


def test_pages_of_rules_and_values_keep_to_the_policy(world: World) -> None:
    client, row = world.client("bookkeeper"), world.rows["fieldmapping"]
    for page in ("versions", "add"):
        assert_clean(client, address(row, page))
    assert_clean(client, f"{address(row, 'try')}?flow={world.rows['flow'].pk}&target=invoice.notes&expression=note")
    assert_clean(client, address(world.rows["valuemapping"], "unmapped"))
