"""Refunds of the WooCommerce sandbox: by lines, by amount, by status, silently deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from woo_shop import OpenShop, open_shop


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    with open_shop() as opened:
        yield opened


def paid(shop: OpenShop, **fields: Any) -> dict[str, Any]:
    """Three pairs of cups for Quebec: 70.05 + 3.50 + 6.99 = 80.54."""
    lines = [{"sku": "CUP-PAIR", "quantity": 3}]
    return shop.order(payment_method="bacs", set_paid=True, billing={"country": "CA", "state": "QC"}, line_items=lines, **fields)


def refund(shop: OpenShop, order: dict[str, Any], **fields: Any) -> Any:
    return shop.post(f"/orders/{order['id']}/refunds", {"api_refund": False, **fields})


def test_by_lines_with_their_taxes(shop: OpenShop) -> None:
    order = paid(shop)
    assert order["total"] == "80.54"
    line = {"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": "23.35",
            "refund_tax": [{"id": 2, "refund_total": "1.17"}, {"id": 3, "refund_total": "2.33"}]}  # fmt: skip
    shop.admin("clock", advance=30)
    answer = refund(shop, order, line_items=[line], reason="Chipped")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["amount"], made["reason"], made["refunded_payment"]) == ("26.85", "Chipped", False)
    shown = made["line_items"][0]
    assert (shown["quantity"], shown["total"], shown["total_tax"], shown["sku"]) == (-1, "-23.35", "-3.50", "CUP-PAIR")
    assert shown["taxes"][1] == {"id": 3, "total": "-2.33", "subtotal": "-2.33"}
    assert [(entry["key"], entry["value"]) for entry in shown["meta_data"]] == [("_refunded_item_id", str(line["id"]))]
    assert [(tax["rate_id"], tax["tax_total"]) for tax in made["tax_lines"]] == [(2, "-1.17"), (3, "-2.33")]
    assert made["meta_data"][0]["value"] == "partial"
    after = shop.get(f"/orders/{order['id']}").json()
    assert after["refunds"] == [{"id": made["id"], "reason": "Chipped", "total": "-26.85", "total_tax": "-3.50"}]
    assert (after["total"], after["status"], after["date_modified_gmt"]) == ("80.54", "processing", "2026-03-10T16:00:30")
    assert answer.headers["Location"] == f"{shop.api}/orders/(?P<order_id>[\\d]+)/refunds/{made['id']}"


def test_the_amount_wins_over_the_lines(shop: OpenShop) -> None:
    order = paid(shop)
    line = {"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": "23.35"}
    made = refund(shop, order, amount="10.00", line_items=[line]).json()
    assert (made["amount"], made["line_items"][0]["total"]) == ("10.00", "-23.35")


def test_without_amount_and_lines_the_amount_is_empty(shop: OpenShop) -> None:
    order = paid(shop)
    answer = refund(shop, order)
    assert (answer.status_code, answer.json()["amount"], answer.json()["line_items"]) == (201, "", [])
    assert shop.get(f"/orders/{order['id']}").json()["refunds"][0]["total"] == "0.00"


def test_the_last_cent_flips_the_status(shop: OpenShop) -> None:
    order = paid(shop)
    refund(shop, order, amount="80.53")
    assert shop.get(f"/orders/{order['id']}").json()["status"] == "processing"
    made = refund(shop, order, amount="0.01").json()
    assert made["meta_data"][0]["value"] == "full"
    assert shop.get(f"/orders/{order['id']}").json()["status"] == "refunded"


def test_the_status_refunded_makes_a_refund_of_the_rest(shop: OpenShop) -> None:
    order = paid(shop)
    refund(shop, order, amount="0.54")
    shop.put(f"/orders/{order['id']}", {"status": "refunded"})
    newest, oldest = shop.get(f"/orders/{order['id']}/refunds").json()
    assert (newest["amount"], newest["reason"], newest["line_items"]) == ("80.00", "Order fully refunded.", [])
    assert oldest["amount"] == "0.54"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"amount": "80.55"}, "Invalid refund amount."),
        ({"amount": "1.00", "api_refund": True}, "The payment gateway for this order does not support automatic refunds."),
    ],
)
def test_impossible_refunds_have_an_integer_for_data(shop: OpenShop, fields: dict[str, Any], message: str) -> None:
    order = paid(shop)
    answer = refund(shop, order, **fields)
    expected = {"code": "woocommerce_rest_cannot_create_order_refund", "message": message, "data": 500}
    assert (answer.status_code, answer.json()) == (500, expected)
    assert shop.get(f"/orders/{order['id']}").json()["refunds"] == []


def test_through_a_gateway_that_can(shop: OpenShop) -> None:
    order = paid(shop) | shop.order(payment_method="stripe", set_paid=True)
    made = shop.post(f"/orders/{order['id']}/refunds", {"amount": "1.00"}).json()
    assert made["refunded_payment"] is True


def test_deletion_is_silent(shop: OpenShop) -> None:
    order = paid(shop)
    made = refund(shop, order, amount="5").json()
    modified = shop.get(f"/orders/{order['id']}").json()["date_modified_gmt"]
    shop.admin("clock", advance=60)
    assert shop.delete(f"/orders/{order['id']}/refunds/{made['id']}").status_code == 501
    assert shop.delete(f"/orders/{order['id']}/refunds/{made['id']}", force="true").status_code == 200
    after = shop.get(f"/orders/{order['id']}").json()
    assert (after["refunds"], after["date_modified_gmt"]) == ([], modified)


def test_over_all_orders(shop: OpenShop) -> None:
    first, second = paid(shop), paid(shop)
    refund(shop, first, amount="1")
    shop.admin("clock", advance=60)
    refund(shop, second, amount="2")
    rows = shop.get("/refunds").json()
    assert [(row["parent_id"], row["amount"]) for row in rows] == [(second["id"], "2.00"), (first["id"], "1.00")]
    late = shop.get("/refunds", after="2026-03-10T16:00:00", dates_are_gmt="true").json()
    assert [row["parent_id"] for row in late] == [second["id"]]
    assert [row["amount"] for row in shop.get("/refunds", parent=first["id"]).json()] == ["1.00"]
    assert shop.get(f"/orders/{rows[0]['id']}").status_code == 404  # a refund's id is no order's


def test_returned_pieces_go_back_on_the_shelf(shop: OpenShop) -> None:
    before = shop.get("/products", sku="CUP-PAIR").json()[0]["stock_quantity"]
    order = paid(shop)
    assert shop.get("/products", sku="CUP-PAIR").json()[0]["stock_quantity"] == before - 3
    line = {"id": order["line_items"][0]["id"], "quantity": 2, "refund_total": "46.70"}
    refund(shop, order, line_items=[line])
    assert shop.get("/products", sku="CUP-PAIR").json()[0]["stock_quantity"] == before - 1
    meta = shop.get(f"/orders/{order['id']}").json()["line_items"][0]["meta_data"]
    assert [(entry["key"], entry["value"]) for entry in meta] == [("_reduced_stock", "1"), ("_restock_refunded_items", "2")]
    refund(shop, order, line_items=[{**line, "quantity": 1, "refund_total": "1"}], api_restock=False)
    assert shop.get("/products", sku="CUP-PAIR").json()[0]["stock_quantity"] == before - 1
