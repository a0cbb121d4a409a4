"""Customers and products of the WooCommerce sandbox: look-ups, refusals, lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from woo_shop import OpenShop, open_shop


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    with open_shop() as opened:
        yield opened


def skus(shop: OpenShop, **params: Any) -> list[str]:
    return sorted(row["sku"] for row in shop.get("/products", per_page=100, **params).json())


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("SPOON-3", ["SPOON-3"]),
        ("spoon-3", ["SPOON-3"]),
        ("SPOON-3 ", ["SPOON-3"]),
        ("SPOON", []),
        ("NOSUCH", []),
        ("TOWEL-S,spoon-3", ["SPOON-3", "TOWEL-S"]),
    ],
)
def test_look_up_by_sku(shop: OpenShop, asked: str, found: list[str]) -> None:
    assert skus(shop, sku=asked) == found


def test_an_empty_sku_is_no_filter_at_all(shop: OpenShop) -> None:
    everything = skus(shop)
    assert len(everything) == 11
    assert skus(shop, sku="") == everything


def test_variations_come_only_when_asked_for(shop: OpenShop) -> None:
    assert "TOWEL-S" not in skus(shop)
    [child] = shop.get("/products", sku="TOWEL-S").json()
    [parent] = shop.get("/products", sku="TOWEL").json()
    assert (child["type"], child["parent_id"], child["name"]) == ("variation", parent["id"], "Linen towel - 30 \u00d7 50")
    assert (parent["type"], parent["price"], parent["regular_price"]) == ("variable", "12.85", "")
    below = shop.get(f"/products/{parent['id']}/variations", order="asc").json()
    assert [(row["sku"], row["name"]) for row in below] == [("TOWEL-S", "30 \u00d7 50"), ("TOWEL-L", "70 \u00d7 140")]
    assert [row["sku"] for row in shop.get("/variations", order="asc").json()] == ["TOWEL-S", "TOWEL-L"]
    assert shop.get(f"/products/{child['id']}").json()["type"] == "variation"


def test_changing_a_variation_moves_its_product(shop: OpenShop) -> None:
    [parent] = shop.get("/products", sku="TOWEL").json()
    shop.admin("clock", advance=60)
    shop.put(f"/products/{parent['id']}/variations/{parent['variations'][0]}", {"regular_price": "9.00"})
    changed = shop.get("/products", modified_after="2026-03-10T16:00:00", dates_are_gmt="true").json()
    assert [(row["id"], row["price"], row["date_modified_gmt"]) for row in changed] == [(parent["id"], "9.00", "2026-03-10T16:01:00")]


def test_a_sku_is_there_once(shop: OpenShop) -> None:
    holder = shop.get("/products", sku="SPOON-3").json()[0]["id"]
    refused = shop.post("/products", {"name": "Copy", "sku": "spoon-3"})
    data = {"status": 400, "resource_id": holder, "unique_sku": "spoon-3-1"}
    assert (refused.status_code, refused.json()) == (
        400, {"code": "product_invalid_sku", "message": "Invalid or duplicated SKU.", "data": data},
    )  # fmt: skip
    assert len(skus(shop)) == 11
    assert shop.get("/products/99999").json()["code"] == "woocommerce_rest_product_invalid_id"
    assert shop.put("/products/99999", {}).status_code == 400


def test_trashed_products(shop: OpenShop) -> None:
    number = shop.get("/products", sku="SPOON-3").json()[0]["id"]
    shop.delete(f"/products/{number}")
    assert (shop.get(f"/products/{number}").json()["status"], len(skus(shop)), skus(shop, status="trash")) == ("trash", 10, ["SPOON-3"])
    shop.delete(f"/products/{number}", force="true")
    assert shop.get(f"/products/{number}").status_code == 404
    assert shop.post("/products", {"name": "New", "sku": "SPOON-3"}).status_code == 201


def test_customers_by_email_role_and_search(shop: OpenShop) -> None:
    made = shop.post("/customers", {"email": "Ina@mail.example", "first_name": "Ina", "billing": {"city": "K\u00f6ln"}}).json()
    assert (made["role"], made["username"], made["billing"]["city"], made["is_paying_customer"]) == ("customer", "Ina", "K\u00f6ln", False)
    assert [row["id"] for row in shop.get("/customers", email="iNA@mail.example").json()] == [made["id"]]
    assert shop.get("/customers", email="owner@shop.example").json() == []  # an administrator is no customer unless asked for
    assert sorted(row["id"] for row in shop.get("/customers", role="all").json()) == [1, made["id"]]
    assert [row["id"] for row in shop.get("/customers", search="ina").json()] == [made["id"]]
    assert shop.get("/customers", orderby="modified").json()["data"]["params"] == {
        "orderby": "orderby is not one of id, include, name, and registered_date."
    }


def test_refused_customers(shop: OpenShop) -> None:
    made = shop.post("/customers", {"email": "ina@mail.example"}).json()
    again = shop.post("/customers", {"email": "INA@mail.example"})
    assert (again.status_code, again.json()["code"]) == (400, "registration-error-email-exists")
    assert shop.post("/customers", {"first_name": "x"}).json()["data"] == {"status": 400, "params": ["email"]}
    assert shop.get("/customers/999").json() == {"code": "wc_user_invalid_id", "message": "Invalid user ID.", "data": {"status": 404}}
    assert shop.put("/customers/999", {}).status_code == 404
    assert shop.delete(f"/customers/{made['id']}").json()["message"] == "Customers do not support trashing."
    assert shop.get("/customers").headers["X-WP-Total"] == "1"


def test_orders_of_a_deleted_customer_become_a_guests(shop: OpenShop) -> None:
    number = shop.post("/customers", {"email": "ina@mail.example"}).json()["id"]
    order = shop.order(customer_id=number)
    assert order["_links"]["customer"][0]["href"] == f"{shop.api}/customers/{number}"
    shop.delete(f"/customers/{number}", force="true")
    after = shop.get(f"/orders/{order['id']}").json()
    assert (after["customer_id"], "customer" in after["_links"]) == (0, False)
    assert shop.get("/customers", email="ina@mail.example").json() == []


def test_paying_makes_a_paying_customer(shop: OpenShop) -> None:
    number = shop.post("/customers", {"email": "ina@mail.example"}).json()["id"]
    order = shop.order(customer_id=number)
    assert shop.get(f"/customers/{number}").json()["is_paying_customer"] is False
    shop.put(f"/orders/{order['id']}", {"set_paid": True})
    assert shop.get(f"/customers/{number}").json()["is_paying_customer"] is True
