"""Listings of the WooCommerce sandbox: filters, the date quirk, order, pages, exact refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from woo_shop import OpenShop, open_shop


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    """Three orders, last changed at 16:00:00, :10 and :20 GMT (noon in Toronto, UTC-4)."""
    with open_shop() as opened:
        for status in ("pending", "processing", "completed"):
            opened.order(status=status, billing={"email": f"{status}@mail.example", "last_name": "Lind"})
            opened.admin("clock", advance=10)
        yield opened


def ids(shop: OpenShop, **params: Any) -> list[int]:
    answer = shop.get("/orders", **params)
    assert answer.status_code == 200, answer.text
    first = min(shop.served.sandbox.state.orders)
    return [row["id"] - first for row in answer.json()]


def test_bounds_are_exclusive_and_a_second_fine(shop: OpenShop) -> None:
    gmt = {"dates_are_gmt": "true", "orderby": "modified", "order": "asc"}
    assert ids(shop, modified_after="2026-03-10T16:00:00", **gmt) == [1, 2]
    assert ids(shop, modified_after="2026-03-10T15:59:59", **gmt) == [0, 1, 2]
    assert ids(shop, modified_before="2026-03-10T16:00:20", **gmt) == [0, 1]
    assert ids(shop, modified_after="2026-03-10T16:00:00", modified_before="2026-03-10T16:00:20", **gmt) == [1]
    assert ids(shop, after="2026-03-10T16:00:10", **gmt) == [2]
    assert ids(shop, before="2026-03-10T16:00:10", **gmt) == [0]


@pytest.mark.parametrize(
    ("value", "flag", "expected"),
    [
        ("2026-03-10T12:00:00", "", [1, 2]),  # site time
        ("2026-03-10T16:00:00", "", []),  # GMT taken for site time: four hours ahead
        ("2026-03-10T16:00:00", "true", [1, 2]),  # bare GMT with the flag: right
        ("2026-03-10T16:00:00Z", "", [1, 2]),  # an offset without the flag: right
        ("2026-03-10T17:00:00+01:00", "", [1, 2]),
        ("2026-03-10T16:00:00Z", "true", [0, 1, 2]),  # both: off by the zone, four hours too much
        ("2026-03-10T17:00:00+01:00", "true", [0, 1, 2]),
    ],
)
def test_dates_are_gmt_and_suffixes(shop: OpenShop, value: str, flag: str, expected: list[int]) -> None:
    params = {"dates_are_gmt": flag} if flag else {}
    assert ids(shop, modified_after=value, order="asc", **params) == expected


def test_a_changed_order_moves_to_the_end_of_the_changes(shop: OpenShop) -> None:
    first = min(shop.served.sandbox.state.orders)
    shop.put(f"/orders/{first}", {})
    assert ids(shop, orderby="modified", order="asc") == [1, 2, 0]
    assert ids(shop, orderby="modified", order="asc", modified_after="2026-03-10T16:00:00", dates_are_gmt="true") == [1, 2, 0]
    assert (ids(shop, orderby="date", order="asc"), ids(shop)) == ([0, 1, 2], [2, 1, 0])


def test_status_any_leaves_the_trash_out(shop: OpenShop) -> None:
    first = min(shop.served.sandbox.state.orders)
    shop.delete(f"/orders/{first}")
    shop.order(status="checkout-draft")
    assert (ids(shop), ids(shop, status="any"), ids(shop, status="trash")) == ([2, 1], [2, 1], [0])
    assert ids(shop, status="trash,completed", order="asc") == [0, 2]
    assert ids(shop, **{"status[]": ["processing", "completed"]}) == [2, 1]
    assert ids(shop, status="trash", modified_after="2026-03-10T16:00:20", dates_are_gmt="true") == [0]


def test_search_finds_email_name_and_id(shop: OpenShop) -> None:
    first = min(shop.served.sandbox.state.orders)
    assert ids(shop, search="PENDING@mail.example") == [0]
    assert ids(shop, search=str(first + 1)) == [1]
    assert ids(shop, search="lind", order="asc") == [0, 1, 2]
    assert ids(shop, search="nobody") == []


def test_include_exclude_customer_product(shop: OpenShop) -> None:
    first = min(shop.served.sandbox.state.orders)
    spoon = shop.get("/products", sku="SPOON-3").json()[0]["id"]
    assert ids(shop, include=f"{first + 2},{first}", orderby="include", order="asc") == [2, 0]
    assert ids(shop, exclude=str(first)) == [2, 1]
    assert (ids(shop, customer=0, product=spoon), ids(shop, customer=7), ids(shop, product=spoon + 1)) == ([2, 1, 0], [], [])


def test_pages_and_their_headers(shop: OpenShop) -> None:
    page = shop.get("/orders", per_page=1, page=2, orderby="id", order="asc")
    assert (page.headers["X-WP-Total"], page.headers["X-WP-TotalPages"]) == ("3", "3")
    base = f"{shop.api}/orders?per_page=1&page="
    rest = "&orderby=id&order=asc&status%5B0%5D=any&dp=2&context=view"
    assert page.headers["Link"] == f'<{base}1{rest}>; rel="prev", <{base}3{rest}>; rel="next"'
    assert 'rel="next"' not in shop.get("/orders", per_page=1, page=3).headers["Link"]
    assert ids(shop, offset=1, per_page=1, order="asc") == [1]
    head = shop.call("HEAD", "/orders", params={"per_page": 2})
    assert (head.status_code, head.headers["X-WP-Total"], head.content) == (200, "3", b"")


def test_past_the_end_the_total_is_lost_with_order_tables_only(shop: OpenShop) -> None:
    beyond = shop.get("/orders", page=99)
    assert (beyond.status_code, beyond.json(), beyond.headers["X-WP-Total"]) == (200, [], "0")
    assert "page=0&" in beyond.headers["Link"]
    assert 'rel="prev"' in beyond.headers["Link"]
    shop.admin("switch", storage="posts")
    assert shop.get("/orders", page=99).headers["X-WP-Total"] == "3"


@pytest.mark.parametrize(
    ("name", "value", "code", "message"),
    [
        ("per_page", "101", "rest_out_of_bounds", "per_page must be between 1 (inclusive) and 100 (inclusive)"),
        ("per_page", "0", "rest_out_of_bounds", "per_page must be between 1 (inclusive) and 100 (inclusive)"),
        ("page", "0", "rest_out_of_bounds", "page must be greater than or equal to 1"),
        ("page", "x", "rest_invalid_type", "page is not of type integer."),
        ("modified_after", "yesterday", "rest_invalid_date", "Invalid date."),
        ("modified_after", "2026-02-30T00:00:00", "rest_invalid_date", "Invalid date."),
        ("orderby", "price", "rest_not_in_enum", "orderby is not one of date, id, include, title, slug, and modified."),
    ],
)
def test_bad_parameters(shop: OpenShop, name: str, value: str, code: str, message: str) -> None:
    answer = shop.get("/orders", **{name: value})
    details = {name: {"code": code, "message": message, "data": None}}
    data = {"status": 400, "params": {name: message}, "details": details}
    expected = {"code": "rest_invalid_param", "message": f"Invalid parameter(s): {name}", "data": data}
    assert (answer.status_code, answer.json()) == (400, expected)


def test_fields_trims_answers(shop: OpenShop) -> None:
    assert shop.get("/orders", _fields="id,billing.email", per_page=1).json()[0]["billing"] == {"email": "completed@mail.example"}
    status = shop.get("/system_status", _fields="environment.version,settings.currency,settings.HPOS_enabled").json()
    assert status == {"environment": {"version": "11.0.1"}, "settings": {"currency": "CAD", "HPOS_enabled": True}}


def test_what_the_store_tells_about_itself(shop: OpenShop) -> None:
    assert shop.get("/data/currencies/current").json()["code"] == "CAD"
    assert shop.get("/settings/general/woocommerce_currency").json()["value"] == "CAD"
    assert shop.get("/settings/tax/woocommerce_prices_include_tax").json()["value"] == "no"
    assert shop.get("/settings/tax/nosuch").status_code == 404
    rates = {rate["id"]: (rate["name"], rate["rate"]) for rate in shop.get("/taxes").json()}
    assert rates[3] == ("QST", "9.9750")
    supports = {row["id"]: row["method_supports"] for row in shop.get("/payment_gateways").json()}
    assert (supports["stripe"], supports["cod"]) == (["products", "refunds"], ["products"])
    totals = {row["slug"]: row["total"] for row in shop.get("/reports/orders/totals").json()}
    assert (totals["pending"], totals["completed"], totals["failed"]) == (1, 1, 0)


def test_the_clock_is_the_real_one_unless_told(shop: OpenShop) -> None:
    assert shop.admin("clock", now="2026-07-01T00:00:00Z") == {"now": "2026-07-01T00:00:00+00:00"}
    assert shop.order()["date_created"] == "2026-06-30T20:00:00"
    assert shop.admin("clock")["now"] > "2026-07-01"


def test_products_keep_their_total_past_the_end(shop: OpenShop) -> None:
    beyond = shop.get("/products", page=99)
    assert (beyond.json(), beyond.headers["X-WP-Total"]) == ([], "11")


def test_every_route_is_listed_by_the_namespace(shop: OpenShop) -> None:
    routes = shop.get("").json()["routes"]
    assert routes[r"/wc/v3/orders/(?P<order_id>\d+)/refunds"]["methods"] == ["GET", "POST"]
    assert r"/wc/v3/webhooks/(?P<hook_id>\d+)" in routes
