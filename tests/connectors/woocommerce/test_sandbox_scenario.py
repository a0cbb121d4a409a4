"""The admin port of the WooCommerce sandbox: the order mix, its arithmetic, and the merchant's own actions."""

from __future__ import annotations

import http.client
import json
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from woo_shop import OpenShop, open_shop, receiver

from connectors.platforms.woocommerce.sandbox import SANDBOX, connection


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    with open_shop() as opened:
        yield opened


def everything(shop: OpenShop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = 1
    while rows := shop.get("/orders", per_page=100, page=page, orderby="id", order="asc").json():
        found, page = found + rows, page + 1
    return found


def priced(order: dict[str, Any]) -> Decimal:
    return sum(
        (Decimal(line["total"]) for name in ("line_items", "shipping_lines", "fee_lines") for line in order[name]),
        Decimal(order["total_tax"]),
    )


def test_the_same_seed_gives_the_same_orders() -> None:
    mixes = []
    for _ in range(2):
        with open_shop() as shop:
            mixes.append(shop.admin("place_orders", count=30, seed=7, customers=5)["orders"])
    assert mixes[0] == mixes[1]
    assert len({row["email"] for row in mixes[0]}) == 5
    assert set(mixes[0][0]) == {"id", "number", "currency", "total", "captured", "refunded", "status", "email"}
    with open_shop() as shop:
        assert shop.admin("place_orders", count=30, seed=8, customers=5)["orders"] != mixes[0]


def test_the_mix_is_as_mixed_as_promised(shop: OpenShop) -> None:
    placed = shop.admin("place_orders", count=300, seed=2)["orders"]
    orders = everything(shop)
    assert [str(order["id"]) for order in orders] == [row["id"] for row in placed]
    assert [order["total"] for order in orders] == [row["total"] for row in placed]
    seen = {
        "inclusive": any(order["prices_include_tax"] for order in orders),
        "exclusive": any(not order["prices_include_tax"] for order in orders),
        "two taxes": any({tax["rate_percent"] for tax in order["tax_lines"]} == {5, 9.975} for order in orders),
        "compound": any(tax["compound"] for order in orders for tax in order["tax_lines"]),
        "no tax": any(not order["tax_lines"] for order in orders),
        "percent": any(line["discount_type"] == "percent" for order in orders for line in order["coupon_lines"]),
        "fixed": any(line["discount_type"] == "fixed_cart" for order in orders for line in order["coupon_lines"]),
        "fee": any(Decimal(line["total"]) > 0 for order in orders for line in order["fee_lines"]),
        "negative fee": any(Decimal(line["total"]) < 0 for order in orders for line in order["fee_lines"]),
        "untaxed shipping": any(line["tax_status"] == "none" for order in orders for line in order["shipping_lines"]),
        "no sku": any(line["sku"] == "" for order in orders for line in order["line_items"]),
        "uneven": any(line["quantity"] == 3 and line["subtotal"] == "10.00" for order in orders for line in order["line_items"]),
        "guest without phone": any(not order["customer_id"] and not order["billing"]["phone"] for order in orders),
        "account": any(order["customer_id"] for order in orders),
        "far letters": any(not order["billing"]["last_name"].isascii() for order in orders),
        "unpaid on hold": any(order["status"] == "on-hold" and not order["date_paid"] for order in orders),
        "unpaid processing": any(order["status"] == "processing" and not order["date_paid"] for order in orders),
    }
    assert [name for name, there in seen.items() if not there] == []
    assert {order["status"] for order in orders} == {"processing", "completed", "on-hold"}


def test_every_order_of_the_mix_adds_up(shop: OpenShop) -> None:
    placed = shop.admin("place_orders", count=300, seed=3)["orders"]
    for order, row in zip(everything(shop), placed, strict=True):
        assert priced(order) == Decimal(order["total"]) > 0, order["id"]
        taxes = sum(Decimal(tax["tax_total"]) + Decimal(tax["shipping_tax_total"]) for tax in order["tax_lines"])
        assert taxes == Decimal(order["total_tax"])
        assert row["captured"] == (order["total"] if order["date_paid"] else "0.00")


def test_rounding_at_subtotal_level_leaves_some_a_cent_off() -> None:
    with open_shop(round_at_subtotal=True) as shop:
        shop.admin("place_orders", count=300, seed=3)
        off = Counter(
            sum((Decimal(line["total_tax"]) for name in ("line_items", "shipping_lines", "fee_lines") for line in order[name]), Decimal(0))
            - Decimal(order["total_tax"])
            for order in everything(shop)
        )
        assert off[Decimal(0)] > 150
        assert sum(count for gap, count in off.items() if gap) > 0
        assert max(abs(gap) for gap in off) <= Decimal("0.03")


def test_many_currencies() -> None:
    with open_shop(currencies=["CAD", "JPY", "KWD"]) as shop:
        placed = shop.admin("place_orders", count=60, seed=4)["orders"]
        decimals = {(row["currency"], len(row["total"].partition(".")[2])) for row in placed}
        assert decimals == {("CAD", 2), ("JPY", 0), ("KWD", 3)}
        for order in everything(shop):
            assert priced(order) == Decimal(order["total"])


def test_a_connection_opens_a_fresh_sandbox(shop: OpenShop) -> None:
    found = connection(f"{shop.url}/")
    assert (SANDBOX.role, found["base_url"], set(found)) == ("shop", shop.url, {"base_url", "urls", "ids", "secrets", "settings"})
    assert shop.get("/system_status").status_code == 200


def test_what_the_merchant_does_by_hand(shop: OpenShop) -> None:
    with receiver() as post:
        for topic in ("order.updated", "order.deleted"):
            shop.hook(topic, post.url)
        post.got.clear()
        row = shop.admin("place_order", fields={"line_items": [{"sku": "SPOON-3"}], "set_paid": True, "billing": {"email": "a@b.example"}})
        assert (row["total"], row["captured"], row["status"], row["email"]) == ("11.30", "11.30", "processing", "a@b.example")
        assert shop.admin("refund", id=row["id"], amount="1.30")["amount"] == "1.30"
        assert shop.admin("update", id=row["id"], fields={"status": "completed"})["status"] == "completed"
        assert shop.admin("refund", id=row["id"])["amount"] == "10.00"
        assert shop.admin("trash", id=row["id"])["status"] == "trash"
        shop.settle()
        assert sorted(post.topics()) == ["order.deleted", *["order.updated"] * 4]
        assert shop.admin("fire", id=row["id"], topic="order.updated") == {"sent": 1}
        shop.settle()
        assert len(post.deliveries) == 6
    looked = shop.admin("order", id=row["id"])
    assert [refund["amount"] for refund in looked["refunds"]] == ["1.30", "10.00"]
    assert [note["note"] for note in looked["notes"]][-1] == "Order status changed from Processing to Completed."
    assert [(found["id"], found["refunded"], found["status"]) for found in shop.admin("orders")["orders"]] == [
        (row["id"], "11.30", "trash")
    ]
    assert shop.admin("refund", id=row["id"], amount="1")["error"]["code"] == "woocommerce_rest_cannot_create_order_refund"


def test_faults_of_the_kit_apply(shop: OpenShop) -> None:
    shop.admin("faults", faults=[{"kind": "html", "path": "/orders", "status": 503}])
    assert (shop.get("/orders").status_code, shop.get("/orders").status_code) == (503, 200)


def test_it_answers_hundreds_of_requests_a_second() -> None:
    """A floor that a busy machine holds too; alone it is several times faster."""
    with open_shop() as shop:
        number = shop.order()["id"]
        headers = {"Authorization": "Basic " + b64encode(":".join(shop.key).encode()).decode()}

        def ask(count: int) -> int:
            line = http.client.HTTPConnection(shop.url.removeprefix("http://"), timeout=10)
            statuses = []
            for _ in range(count):
                line.request("GET", f"/wp-json/wc/v3/orders/{number}", headers=headers)
                answer = line.getresponse()
                statuses.append((answer.status, json.loads(answer.read())["id"]))
            line.close()
            return statuses.count((200, number))

        started = time.perf_counter()
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(ask, [100] * 4)) == 400
        assert 400 / (time.perf_counter() - started) > 200
