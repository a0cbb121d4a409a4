"""Every page of every list; points, versions, errors beside data; long listings as exports."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tea_shop import OneToken, Shop, open_shop, parts

from connectors.canonical.identity import ObjectType, Window
from connectors.kit.contract import Page
from connectors.kit.errors import Gone, NeedsAttention, RateLimited, Refused, Rejected, Transient, Unauthorised
from connectors.kit.http import Plumbing
from connectors.platforms.shopify import CONNECTOR
from connectors.platforms.shopify.api import open_api
from connectors.platforms.shopify.listings import page_customers, page_orders, page_products
from connectors.platforms.shopify.points import bucket_of
from connectors.platforms.shopify.queries import API_VERSION, ORDER
from connectors.platforms.shopify.sandbox.scenario import add_product


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


def lately() -> Window:
    now = datetime.now(UTC)
    return Window(now - timedelta(days=1), now + timedelta(hours=1))


def calls(shop: Shop) -> list[str]:
    return [entry["body"] for entry in shop.admin("requests") if "graphql" in entry["path"]]


def walked(shop: Shop, window: Window) -> list[str]:
    found, cursor = [], None
    while True:
        page: Page = page_orders(shop.api, window, cursor)
        found += [notice.source_id for notice in page.notices]
        cursor = page.next
        if cursor is None:
            return found


# ---- nested lists ------------------------------------------------------------------------------------------


def test_an_order_of_many_lines_payments_discounts_and_refunds_is_read_in_full(shop: Shop) -> None:
    lines = [{"name": f"Thing {i}", "price": "1.00"} for i in range(130)]
    payments = [["SALE", "shopify_payments", "0.04"]] * 25
    discounts = [{"code": f"CODE{i}", "amount": "0.50"} for i in range(12)]
    placed = shop.place(lines=lines, payments=payments, discounts=discounts, shipping="5.00")
    for i in range(23):
        shop.admin("refund", id=placed["id"], units={str(i): 1})
    order = shop.read(placed)
    assert [line.name for line in order.lines] == [f"Thing {i}" for i in range(130)]
    assert (len(order.transactions), len(order.discounts), len(order.refunds)) == (25, 12, 23)
    assert parts(order) == order.total


def test_a_refund_of_many_lines_is_read_in_full(shop: Shop) -> None:
    placed = shop.place(lines=[{"name": f"Thing {i}", "price": "1.00"} for i in range(120)])
    shop.admin("refund", id=placed["id"], units={str(i): 1 for i in range(120)})
    (refund,) = shop.read(placed).refunds
    assert len({line.line_id for line in refund.lines}) == 120


def test_a_list_without_pages_that_may_be_cut_is_refused_and_never_booked_in_part(shop: Shop) -> None:
    placed = shop.place(payments=[["SALE", "shopify_payments", "0.003"]] * 260)
    with pytest.raises(Rejected, match=r"order\.transactions: 250 or more"):
        shop.raw(placed)


# ---- points, version, errors -------------------------------------------------------------------------------


def test_sizes_are_halved_while_a_query_is_too_expensive(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = shop.place(lines=[{"name": f"Thing {i}", "price": "1.00"} for i in range(12)])
    monkeypatch.setattr("connectors.platforms.shopify.sandbox.endpoint.DEAREST", 70.0)
    assert len(shop.read(placed).lines) == 12
    asked = [entry for entry in calls(shop) if ORDER.name in entry]
    assert len(asked) > 1


def test_a_query_that_is_too_expensive_at_any_size_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = shop.place()
    monkeypatch.setattr("connectors.platforms.shopify.sandbox.endpoint.DEAREST", 3.0)
    with pytest.raises(Refused) as refused:
        shop.raw(placed)
    assert refused.value.code == "MAX_COST_EXCEEDED"


def test_throttled_waits_as_the_bucket_says() -> None:
    with open_shop(bucket=100.0, restore=50.0) as shop:
        placed = shop.place()
        shop.served.sandbox.state.points = 0.0
        naps: list[float] = []
        api = replace(shop.api, plumbing=replace(shop.api.plumbing, sleep=naps.append))
        with pytest.raises(RateLimited) as limited:
            CONNECTOR.reads[ObjectType.ORDER].fetch(api, placed["id"])
        assert limited.value.code == "throttled"
        assert 1.0 < limited.value.retry_after <= 2.0
        assert bucket_of(shop.account).throttled == 3  # three tries with naps between
        assert len(naps) >= 2


def test_points_are_waited_for_before_they_run_out() -> None:
    """A bucket that holds one order's query and little more: many are read without one refusal, as fast as points come back."""
    with open_shop(bucket=130.0, restore=500.0) as shop:
        for placed in [shop.place() for _ in range(25)]:
            shop.raw(placed)
        bucket = bucket_of(shop.account)
        assert (bucket.throttled, bucket.capacity, bucket.restore) == (0, 130.0, 500.0)
        assert shop.admin("points")["spent"] > 130


def test_a_long_wait_for_points_gives_the_worker_back() -> None:
    with open_shop(bucket=100.0, restore=1.0) as shop:
        placed, naps = shop.place(), list[float]()
        shop.raw(placed)  # now the bucket is known
        api = replace(shop.api, plumbing=replace(shop.api.plumbing, sleep=naps.append))
        asked = shop.admin("counters")["calls"]
        with pytest.raises(RateLimited) as limited:
            CONNECTOR.reads[ObjectType.ORDER].fetch(api, placed["id"])
        assert (limited.value.code, naps) == ("points", [2.0, 2.0, 2.0])
        assert 5 < limited.value.retry_after <= 30
        assert shop.admin("counters")["calls"] == asked


def test_another_version_in_the_answer_is_told(shop: Shop) -> None:
    placed = shop.place()
    shop.raw(placed)
    assert shop.warnings == []
    shop.admin("switch", serves="2026-10")
    shop.raw(placed)
    ((code, sentence),) = shop.warnings
    assert code == "api_version"
    assert "2026-10" in sentence
    assert API_VERSION in sentence


PARTIAL = '{"data": {"order": {"id": "x"}}, "errors": [{"message": "no", "path": ["order"], "extensions": {"code": "%s"}}]}'


@pytest.mark.parametrize(
    ("body", "status", "kind", "code"),
    [
        (PARTIAL % "ACCESS_DENIED", 200, NeedsAttention, "scope_missing"),
        (PARTIAL % "INTERNAL_SERVER_ERROR", 200, Transient, "server_error"),
        (PARTIAL % "undefinedField", 200, Rejected, "undefinedField"),
        ('{"errors": "Not Found"}', 404, NeedsAttention, "no_shop"),
        ('{"errors": "expired"}', 401, Unauthorised, "token_refused"),
        ('{"errors": "Non-expiring access tokens are no longer accepted"}', 403, Unauthorised, "forbidden"),
        ('{"errors": "Unavailable Shop"}', 402, Transient, "shop_closed"),
        ('{"errors": "Locked"}', 423, Transient, "shop_closed"),
        ("<html>maintenance</html>", 200, Transient, "not_json_answer"),
    ],
)
def test_errors_beside_data_or_as_text_are_errors(shop: Shop, body: str, status: int, kind: type[Exception], code: str) -> None:
    placed = shop.place()
    shop.admin("faults", faults=[{"kind": "status", "status": status, "body": body, "times": -1}])
    with pytest.raises(kind) as caught:
        shop.raw(placed)
    assert getattr(caught.value, "code", "") == code


def test_an_answer_about_another_order_is_refused(shop: Shop) -> None:
    placed = shop.place()
    body = '{"data": {"order": {"id": "gid://shopify/Order/1"}}}'
    shop.admin("faults", faults=[{"kind": "status", "status": 200, "body": body, "times": -1}])
    with pytest.raises(Rejected, match=r"order\.id"):
        shop.raw(placed)


def test_only_shopify_s_own_addresses_get_the_token() -> None:
    for address in ("https://shop.example", "https://evil.example/.myshopify.com", "http://x.myshopify.com.evil.example", ""):
        with open_shop() as shop, pytest.raises(NeedsAttention):
            open_api(replace(shop.account, base_url=address, urls={}), Plumbing(tokens=OneToken()))
    with open_shop() as shop:
        assert open_api(replace(shop.account, urls={}), Plumbing()).base_url == "https://tillbridge-teas.myshopify.com"


# ---- listings ----------------------------------------------------------------------------------------------


def test_a_long_window_is_listed_by_an_export_in_pieces(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.platforms.shopify.bulk.PIECE", 4096)
    placed = {order["id"] for order in shop.admin("place_orders", count=320, seed=2)["orders"]}
    shop.admin("forget")
    found = walked(shop, lately())
    assert sorted(found) == sorted(placed)
    ranges = [entry for entry in shop.admin("requests") if entry["path"].startswith("/store/")]
    assert len(ranges) > 5
    assert {entry["status"] for entry in ranges} == {206}


def test_a_store_without_ranges_and_an_export_that_takes_its_time(shop: Shop) -> None:
    shop.admin("switch", ranges=False, bulk_seconds=0.3)
    placed = {order["id"] for order in shop.admin("place_orders", count=305, seed=2)["orders"]}
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        time.sleep(0.1)

    shop.api = replace(shop.api, plumbing=replace(shop.api.plumbing, sleep=nap))
    assert sorted(walked(shop, lately())) == sorted(placed)
    assert naps


def test_an_export_that_fails_needs_a_person_and_one_that_may_not_start_falls_back_to_pages(shop: Shop) -> None:
    placed = {order["id"] for order in shop.admin("place_orders", count=305, seed=2)["orders"]}
    page = page_orders(shop.api, lately(), None)
    assert page.next is not None
    for export in shop.served.sandbox.state.exports.values():
        export.status = "FAILED"
    with pytest.raises(NeedsAttention) as failed:
        page_orders(shop.api, lately(), page.next)
    assert failed.value.code == "export_failed"
    shop.admin("switch", bulk_seconds=60.0)
    for _ in range(5):
        page_orders(shop.api, lately(), None)
    assert sorted(walked(shop, lately())) == sorted(placed)


@pytest.mark.parametrize("cursor", ["bulk:x:0", "bulk:1", "bulk:1:-5"])
def test_a_cursor_that_we_never_gave_out_is_refused(shop: Shop, cursor: str) -> None:
    with pytest.raises(Rejected, match="cursor"):
        page_orders(shop.api, lately(), cursor)


def test_customers_are_listed_by_days_and_chosen_by_the_second(shop: Shop) -> None:
    shop.admin("clock", now="2026-09-14T15:20:00+00:00")
    early = shop.admin("add_customer", email="a@tea.example")
    shop.admin("clock", now="2026-09-14T18:00:00+00:00")
    late = shop.admin("add_customer", email="b@tea.example")
    day = datetime(2026, 9, 14, tzinfo=UTC)
    morning = Window(day.replace(hour=15), day.replace(hour=16))
    assert [n.source_id for n in page_customers(shop.api, morning, None).notices] == [str(early["id"])]
    assert len(page_customers(shop.api, Window(day, day + timedelta(days=1)), None).notices) == 2
    assert str(late["id"]) not in {n.source_id for n in page_customers(shop.api, morning, None).notices}


def test_every_variant_of_a_changed_product_is_listed(shop: Shop) -> None:
    shop.admin("clock", now="2026-09-14T15:20:00+00:00")
    state = shop.served.sandbox.state
    made = add_product(state, "Sampler", tuple((f"No. {i}", f"SAMPLE-{i}", "2.00") for i in range(120)))
    day = datetime(2026, 9, 14, tzinfo=UTC)
    page = page_products(shop.api, Window(day, day + timedelta(days=1)), None)
    assert sorted(n.source_id for n in page.notices) == sorted(str(each.id) for each in made)
    reads = CONNECTOR.reads[ObjectType.PRODUCT]
    product = reads.normalise(reads.fetch(shop.api, str(made[7].id)), shop.account)
    assert (product.sku, product.name, str(product.unit_price), product.active) == ("SAMPLE-7", "Sampler - No. 7", "2.00 CAD", True)
    inclusive = replace(shop.account, ids={"taxes_included": "yes"})
    assert reads.normalise(reads.fetch(shop.api, str(made[7].id)), inclusive).unit_price is None


def test_a_merged_or_deleted_customer_is_gone(shop: Shop) -> None:
    made = shop.admin("add_customer", email="a@tea.example", first_name="Ada")
    reads = CONNECTOR.reads[ObjectType.CUSTOMER]
    assert reads.normalise(reads.fetch(shop.api, str(made["id"])), shop.account).given_name == "Ada"
    shop.admin("delete_customer", id=made["id"])
    with pytest.raises(Gone):
        reads.fetch(shop.api, str(made["id"]))
