"""Walks through windows of changes: nothing is skipped and nothing read twice, whatever moves, repeats or is left out meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from mag_shop import plumbing, shop, wide

from connectors.canonical.identity import ObjectType, Window
from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, NothingToDo, Rejected, Transient
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.platforms.magento import CONNECTOR, orders
from connectors.platforms.magento.paging import Walk, turn_page
from connectors.platforms.magento.search import Filter, search_all

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def place_many(town, count, seconds=0):
    """So many orders; seconds between them (0: all in the same second)."""
    ids = []
    for _ in range(count):
        ids.append(town.place(["STAMP", 1])["id"])
        if seconds:
            town.ask("clock", advance=seconds)
    return ids


def test_equal_seconds_over_many_pages():
    """250 orders of one second with at most seven rows a page: each exactly once."""
    with shop(now="2026-03-02T12:00:00+00:00", page_limit=7) as town:
        placed = place_many(town, 250)
        assert town.walked() == placed


def test_the_page_size_that_the_shop_allows_is_learned_once_per_walk():
    with shop(now="2026-03-02T12:00:00+00:00", page_limit=30) as town:
        placed = place_many(town, 70)
        town.forget()
        assert town.walked() == placed
        assert len(town.calls()) == 4, "one refusal, then pages of 30, 30 and 10"


def test_an_order_that_changes_while_we_walk_comes_once_more_and_pushes_nothing_out():
    with shop(now="2026-03-02T12:00:00+00:00", page_limit=5) as town:
        placed = place_many(town, 23, seconds=1)
        page_of, cursor, found = CONNECTOR.reads[ObjectType.ORDER].page, None, []
        while True:
            page = page_of(town.api, wide(), cursor)
            found += [notice.source_id for notice in page.notices]
            if len(found) == 5:  # the first page's orders change: pages that are counted would now skip five others
                for order_id in found[:5]:
                    town.ask("pay", id=order_id)
            cursor = page.next
            if cursor is None:
                break
        assert set(found) == set(placed)
        assert sorted(found) == sorted([*placed, *placed[:5]])


def test_the_window_is_closed_on_both_sides_and_in_whole_seconds_of_utc():
    with shop(now="2026-03-02T12:00:00+00:00", time_zone="Pacific/Auckland") as town:
        placed = place_many(town, 5, seconds=10)
        window = Window(NOON + timedelta(seconds=10), NOON + timedelta(seconds=30))
        assert town.walked(window=window) == placed[1:4]
        assert town.walked(window=Window(NOON + timedelta(seconds=41), NOON + timedelta(days=1))) == []


def test_a_mask_that_leaves_null_where_nothing_was_found_is_the_end():
    with shop() as town:
        assert town.walked() == []
        assert "fields=" in town.judged.targets[0]
        assert "updated_at" in town.judged.targets[0]


@pytest.mark.parametrize("kind", [ObjectType.ORDER, ObjectType.CUSTOMER, ObjectType.PRODUCT])
def test_versions_are_the_times_of_change(kind):
    with shop(now="2026-03-02T12:00:00+00:00") as town:
        town.ask("place_orders", count=3, seed=5)
        page = CONNECTOR.reads[kind].page(town.api, wide(), None)
        assert {notice.version for notice in page.notices} == {"2026-03-02 12:00:00"}


def old_shop(rows, calls):
    """A release before the fix of 2.4.0: whatever page is asked for, the last rows come again, and the count never falls."""

    def build(_url, _options):
        sandbox = Sandbox(None)

        def answer(call):
            calls.append(call.url)
            return Answer.of({"items": rows[-3:] if len(calls) > 1 else rows[:3], "total_count": 99})

        sandbox.route("GET", "/.*", answer)
        return sandbox

    return build


def test_a_last_page_that_is_repeated_for_ever_ends_the_walk():
    rows = [{"entity_id": n, "updated_at": "2026-03-02 12:00:00"} for n in range(1, 6)]
    calls = []
    served = serve(old_shop(rows, calls))
    try:
        api = CONNECTOR.open(Account("old", served.url, secrets={"consumer_key": "k"}), plumbing())
        found, cursor = [], None
        for _ in range(10):
            page = turn_page(api, Walk("/orders", ObjectType.ORDER), wide(), cursor)
            found += [notice.source_id for notice in page.notices]
            cursor = page.next
            if cursor is None:
                break
        assert cursor is None
        assert found == ["1", "2", "3", "4", "5"]
        calls.clear()
        assert [row["entity_id"] for row in search_all(api, "/invoices", (Filter("order_id", "1"),), "entity_id")] == [1, 2, 3, 4, 5]
    finally:
        served.stop()


@pytest.mark.parametrize("cursor", ["", "x", "2026-03-02|1|100", "2026-03-02 12:00:00|1", "2026-03-02 12:00:00|1|100' OR 1"])
def test_a_cursor_of_another_making_is_refused(cursor):
    with shop() as town:
        if not cursor:
            assert CONNECTOR.reads[ObjectType.ORDER].page(town.api, wide(), cursor).next is None
            return
        with pytest.raises(Rejected, match="cursor"):
            CONNECTOR.reads[ObjectType.ORDER].page(town.api, wide(), cursor)
        assert town.calls() == []


def test_an_unknown_column_would_be_a_server_error_and_we_ask_for_none():
    with shop() as town:
        town.place()
        with pytest.raises(Transient) as raised:
            search_all(town.api, "/orders", (Filter("no_such_column", "1"),), "entity_id")
    assert raised.value.code == "server_error"


# ---- stores ------------------------------------------------------------------------------------------------


def test_a_flow_reads_the_stores_that_it_chose():
    with shop() as town:
        mine = [town.place(store_id=store)["id"] for store in (1, 2, 1, 2)]
        assert town.walked() == mine
        assert town.walked(api=town.opened(store_ids="2")) == [mine[1], mine[3]]
        assert town.walked(api=town.opened(store_ids=" 1 , 2 ")) == mine
        assert town.walked(api=town.opened(store_code="second")) == mine, "one listing shows all stores, whatever the address names"


@pytest.mark.parametrize("stores", ["second", "1,x", "1;2", "٣"])
def test_a_choice_that_is_no_number_is_told_and_reads_nothing(stores):
    """Magento would take it for a filter that fits no order, and the flow would be silent for ever."""
    with shop() as town:
        order = town.place()
        town.forget()
        with pytest.raises(NeedsAttention) as raised:
            town.walked(api=town.opened(store_ids=stores))
        assert raised.value.code == "bad_store"
        assert town.calls() == []
        raw = CONNECTOR.reads[ObjectType.ORDER].fetch(town.api, order["id"])
        with pytest.raises(NeedsAttention):
            orders.normalise_order(raw, town.opened(store_ids=stores).account)


def test_a_webhook_s_order_of_another_store_is_nothing_to_do():
    with shop() as town:
        order = town.place(store_id=2)
        raw = CONNECTOR.reads[ObjectType.ORDER].fetch(town.api, order["id"])
        with pytest.raises(NothingToDo) as raised:
            orders.normalise_order(raw, town.opened(store_ids="1").account)
        assert raised.value.code == "other_store"
        assert orders.normalise_order(raw, town.opened(store_ids="2").account).currency == "EUR"


def test_an_order_costs_one_call_until_money_moved():
    with shop() as town:
        order = town.place()
        town.forget()
        town.order(order["id"])
        assert town.calls() == [f"GET /rest/V1/orders/{order['id']}"]
        town.ask("pay", id=order["id"], txn="txn_9")
        town.forget()
        town.order(order["id"])
        assert [call.rpartition("/")[2] for call in town.calls()] == [order["id"], "invoices", "transactions"]
