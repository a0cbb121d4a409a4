"""Orders of the WooCommerce sandbox: arithmetic, statuses, dates, listing, trash, notes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from woo_shop import OpenShop, open_shop

QUEBEC = {"country": "CA", "state": "QC"}


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    with open_shop() as opened:
        yield opened


def product(shop: OpenShop, price: str, **fields: Any) -> int:
    answer = shop.post("/products", {"name": "Thing", "regular_price": price, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


# ---- arithmetic --------------------------------------------------------------------------------------------


def test_two_taxes_coupon_shipping_and_fee(shop: OpenShop) -> None:
    lines = [{"product_id": product(shop, "19.99"), "quantity": 3}, {"product_id": product(shop, "5.55", tax_status="none")}]
    order = shop.order(
        billing=QUEBEC,
        line_items=lines,
        coupon_lines=[{"code": "WELCOME10"}],
        shipping_lines=[{"method_id": "flat_rate", "method_title": "Flat rate", "total": "7.95"}],
        fee_lines=[{"name": "Wrap", "total": "2.50"}],
    )
    first, second = order["line_items"]
    # 59.97 - 10 %: 599.7 and 55.5 cents rounded down are 599 and 55, the missing cent of 655 goes to the dearer line.
    assert (first["subtotal"], first["total"], second["total"]) == ("59.97", "53.97", "5.00")
    assert first["taxes"] == [{"id": 2, "total": "2.70", "subtotal": "3.00"}, {"id": 3, "total": "5.38", "subtotal": "5.98"}]
    assert (first["total_tax"], second["taxes"], second["total_tax"]) == ("8.08", [], "0.00")
    assert [(tax["rate_code"], tax["rate_percent"], tax["tax_total"], tax["shipping_tax_total"]) for tax in order["tax_lines"]] == [
        ("CA-QC-GST-1", 5, "2.83", "0.40"),
        ("CA-QC-QST-2", 9.975, "5.63", "0.79"),
    ]
    assert (order["discount_total"], order["cart_tax"], order["shipping_tax"]) == ("6.55", "8.46", "1.19")
    assert (order["total_tax"], order["total"]) == ("9.65", "79.07")
    assert [(line["discount"], line["discount_type"], line["nominal_amount"]) for line in order["coupon_lines"]] == [
        ("6.55", "percent", 10)
    ]


def test_the_fixed_coupon_is_shared_per_piece_to_the_last_cent(shop: OpenShop) -> None:
    lines = [{"product_id": product(shop, "3.33"), "quantity": 2}, {"product_id": product(shop, "8.00"), "quantity": 1}]
    order = shop.order(billing={"country": "US", "state": "OR"}, line_items=lines, coupon_lines=[{"code": "fiver"}])
    # 500 cents over 3 pieces are 166 each; the two cents left go to the dearer line first.
    assert [line["total"] for line in order["line_items"]] == ["3.33", "6.33"]
    assert (order["total"], order["total_tax"], order["coupon_lines"][0]["discount"]) == ("9.66", "0.00", "5")


def test_line_totals_are_without_tax_even_when_prices_include_it() -> None:
    with open_shop(prices_include_tax=True) as shop:
        order = shop.order(line_items=[{"product_id": product(shop, "10.00"), "quantity": 1}])
        line = order["line_items"][0]
        assert order["prices_include_tax"] is True
        assert (line["subtotal"], line["total"], line["total_tax"], line["price"]) == ("8.85", "8.85", "1.15", 8.849558)
        assert (order["total"], order["total_tax"]) == ("10.00", "1.15")


def test_price_is_a_number_and_cannot_be_trusted(shop: OpenShop) -> None:
    order = shop.order(line_items=[{"sku": "SPOON-3", "quantity": 3, "subtotal": "10.00", "total": "10.00"}])
    line = order["line_items"][0]
    assert (line["price"], line["total"]) == (3.3333333333333335, "10.00")


def test_a_compound_tax_comes_on_top_of_the_other(shop: OpenShop) -> None:
    order = shop.order(billing={"country": "CA", "state": "PE"}, line_items=[{"product_id": product(shop, "100")}])
    assert [(tax["label"], tax["compound"], tax["tax_total"]) for tax in order["tax_lines"]] == [
        ("GST", False, "5.00"),
        ("PST", True, "10.50"),
    ]
    assert order["total"] == "115.50"


def test_a_negative_fee_takes_tax_off_in_proportion(shop: OpenShop) -> None:
    lines = [{"product_id": product(shop, "30")}, {"product_id": product(shop, "10", tax_status="none")}]
    order = shop.order(line_items=lines, fee_lines=[{"name": "Credit", "total": "-4.00"}])
    fee = order["fee_lines"][0]
    assert (fee["total"], fee["taxes"]) == ("-4.00", [{"id": 1, "total": "-0.39", "subtotal": ""}])  # 13 % of three quarters
    assert (order["total_tax"], order["total"]) == ("3.51", "39.51")
    free = shop.order(line_items=[{"product_id": product(shop, "3", tax_status="none")}], fee_lines=[{"name": "Credit", "total": "-9"}])
    assert (free["fee_lines"][0]["total"], free["total"]) == ("-3.00", "0.00")


def test_untaxed_shipping_and_places_without_tax(shop: OpenShop) -> None:
    shipping = {"method_id": "flat_rate", "method_title": "Post", "total": "10.00"}
    untaxed = shop.order(shipping_lines=[{**shipping, "tax_status": "none"}])
    assert (untaxed["shipping_tax"], untaxed["shipping_lines"][0]["taxes"], untaxed["total"]) == ("0.00", [], "21.30")
    abroad = shop.order(shipping={"country": "US", "state": "OR"}, billing=QUEBEC, shipping_lines=[shipping])
    assert (abroad["tax_lines"], abroad["total"]) == ([], "20.00")


def test_rounding_at_subtotal_makes_orders_whose_lines_do_not_add_up() -> None:
    def lines_and_total(shop: OpenShop) -> tuple[Decimal, str]:
        lines = [{"product_id": product(shop, price)} for price in ("0.33", "0.33", "0.33")]
        order = shop.order(line_items=lines)
        gross = [Decimal(line["total"]) + Decimal(line["total_tax"]) for line in order["line_items"]]
        return sum(gross, Decimal(0)), order["total"]

    with open_shop() as shop:
        assert lines_and_total(shop) == (Decimal("1.11"), "1.11")
    with open_shop(round_at_subtotal=True) as shop:
        assert lines_and_total(shop) == (Decimal("1.11"), "1.12")


@pytest.mark.parametrize(
    ("currency", "price", "total", "symbol"), [("JPY", "1250", "1413", "\u00a5"), ("KWD", "1.234", "1.394", "\u062f.\u0643")]
)
def test_stores_with_other_decimals(currency: str, price: str, total: str, symbol: str) -> None:
    with open_shop(currency=currency) as shop:
        order = shop.order(line_items=[{"product_id": product(shop, price)}])
        assert (order["currency"], order["total"], order["currency_symbol"]) == (currency, total, symbol)


def test_the_stores_decimals_count_for_every_currency(shop: OpenShop) -> None:
    assert (shop.order(currency="JPY")["total"], shop.order()["total"]) == ("11.30", "11.30")
    with open_shop(decimals=0) as whole:
        assert whole.order(line_items=[{"product_id": product(whole, "12.50")}])["total"] == "15"  # 13 + round(1.625)


def test_dp_shows_unrounded_line_taxes(shop: OpenShop) -> None:
    order = shop.order(billing=QUEBEC, line_items=[{"product_id": product(shop, "33.33")}])
    fine = shop.get(f"/orders/{order['id']}", dp=4).json()
    assert [tax["total"] for tax in fine["line_items"][0]["taxes"]] == ["1.6665", "3.3247"]
    assert (fine["total"], fine["line_items"][0]["total_tax"]) == ("38.3200", "4.9900")
    assert shop.get("/orders", dp=4).json()[0]["total"] == "38.3200"


# ---- creation ----------------------------------------------------------------------------------------------


def test_unknown_products_are_accepted_and_missing_references_are_not(shop: OpenShop) -> None:
    line = shop.order(line_items=[{"product_id": 99999, "quantity": 2}])["line_items"][0]
    assert (line["name"], line["product_id"], line["sku"], line["total"], line["price"]) == ("", 0, None, "0.00", 0)
    refused = shop.post("/orders", {"line_items": [{"name": "Free text", "total": "9.99"}]})
    assert (refused.status_code, refused.json()["code"]) == (400, "woocommerce_rest_required_product_reference")
    assert shop.get("/orders").headers["X-WP-Total"] == "1"


def test_variations_carry_the_childs_sku_and_the_parents_name(shop: OpenShop) -> None:
    line = shop.order(line_items=[{"sku": "towel-l", "quantity": 2}])["line_items"][0]
    parent = shop.get("/products", sku="TOWEL").json()[0]
    assert (line["product_id"], line["sku"], line["parent_name"]) == (parent["id"], "TOWEL-L", "Linen towel")
    assert (line["name"], line["variation_id"]) == ("Linen towel - 70 \u00d7 140", parent["variations"][1])


def test_a_deleted_product_leaves_name_and_total(shop: OpenShop) -> None:
    number = product(shop, "3.00", sku="GONE")
    order = shop.order(line_items=[{"product_id": number}])
    shop.delete(f"/products/{number}", force="true")
    line = shop.get(f"/orders/{order['id']}").json()["line_items"][0]
    assert (line["name"], line["total"], line["product_id"], line["sku"]) == ("Thing", "3.00", 0, None)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"status": "shipped"}, 400, "rest_invalid_param"),
        ({"billing": {"email": "nope"}}, 400, "rest_invalid_param"),
        ({"customer_id": 4242}, 400, "woocommerce_rest_invalid_customer_id"),
        ({"coupon_lines": [{"code": "nosuch"}]}, 400, "woocommerce_rest_invalid_coupon"),
    ],
)
def test_refused_orders_do_not_exist(shop: OpenShop, body: dict[str, Any], status: int, code: str) -> None:
    answer = shop.post("/orders", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert shop.get("/orders").json() == []


def test_malformed_json_and_missing_orders(shop: OpenShop) -> None:
    broken = shop.call("POST", "/orders", data='{"a":', headers={"Content-Type": "application/json"})
    data = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}
    assert broken.json() == {"code": "rest_invalid_json", "message": "Invalid JSON body passed.", "data": data}
    missing = {"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}
    assert (shop.get("/orders/999").status_code, shop.get("/orders/999").json()) == (404, missing)
    put = shop.put("/orders/999", {})
    assert (put.status_code, put.json()["code"]) == (400, "woocommerce_rest_shop_order_invalid_id")
    assert shop.delete("/orders/999").status_code == 404
    assert shop.call("PATCH", "/orders").json()["code"] == "rest_no_route"
    assert shop.get("/orderz").status_code == 404


# ---- payment and status ------------------------------------------------------------------------------------


def test_set_paid_works_on_pending_and_does_nothing_on_hold(shop: OpenShop) -> None:
    pending, held = shop.order(payment_method="bacs"), shop.order(payment_method="bacs", status="on-hold")
    paid = shop.put(f"/orders/{pending['id']}", {"set_paid": True, "transaction_id": "T-1"}).json()
    assert (paid["status"], paid["date_paid_gmt"], paid["transaction_id"]) == ("processing", "2026-03-10T16:00:00", "T-1")
    assert paid["date_paid"] == "2026-03-10T12:00:00"
    still = shop.put(f"/orders/{held['id']}", {"set_paid": True, "transaction_id": "T-2"}).json()
    assert (still["status"], still["date_paid_gmt"], still["transaction_id"]) == ("on-hold", None, "T-2")
    moved = shop.put(f"/orders/{held['id']}", {"status": "processing"}).json()
    assert (moved["status"], moved["date_paid_gmt"]) == ("processing", "2026-03-10T16:00:00")


def test_cash_on_delivery_is_processing_without_being_paid(shop: OpenShop) -> None:
    order = shop.order(payment_method="cod", status="processing")
    assert (order["status"], order["date_paid"], order["needs_payment"]) == ("processing", None, False)
    done = shop.put(f"/orders/{order['id']}", {"status": "completed"}).json()
    assert (done["date_paid_gmt"], done["date_completed_gmt"]) == ("2026-03-10T16:00:00", "2026-03-10T16:00:00")


def test_downloads_need_no_processing(shop: OpenShop) -> None:
    order = shop.order(line_items=[{"sku": "EBOOK-TEA"}], set_paid=True)
    assert (order["needs_processing"], order["status"]) == (False, "completed")


def test_even_an_empty_put_moves_date_modified_and_a_note_does_not(shop: OpenShop) -> None:
    order = shop.order()
    shop.admin("clock", advance=60)
    note = shop.post(f"/orders/{order['id']}/notes", {"note": "Invoice 17"})
    assert note.status_code == 201
    assert shop.get(f"/orders/{order['id']}").json()["date_modified_gmt"] == "2026-03-10T16:00:00"
    changed = shop.put(f"/orders/{order['id']}", {}).json()
    assert (changed["date_modified_gmt"], changed["date_modified"]) == ("2026-03-10T16:01:00", "2026-03-10T12:01:00")


def test_changing_a_line(shop: OpenShop) -> None:
    order = shop.order()
    line = order["line_items"][0]["id"]
    more = shop.put(f"/orders/{order['id']}", {"line_items": [{"id": line, "quantity": 5}]}).json()
    assert (more["line_items"][0]["quantity"], more["line_items"][0]["total"], more["total"]) == (5, "10.00", "11.30")
    none = shop.put(f"/orders/{order['id']}", {"line_items": [{"id": line, "quantity": 0}]}).json()
    assert (none["line_items"], none["tax_lines"], none["total"]) == ([], [], "0.00")


def test_meta_data_with_a_known_key_is_changed_in_place(shop: OpenShop) -> None:
    order = shop.order(meta_data=[{"key": "_ref", "value": "1"}])
    changed = shop.put(f"/orders/{order['id']}", {"meta_data": [{"key": "_ref", "value": "2"}, {"key": "x", "value": [1]}]}).json()
    assert [(entry["key"], entry["value"]) for entry in changed["meta_data"]] == [("_ref", "2"), ("x", [1])]
    assert changed["meta_data"][0]["id"] == order["meta_data"][0]["id"]


def test_trash_untrash_and_deletion(shop: OpenShop) -> None:
    number = shop.order(status="processing")["id"]
    shop.admin("clock", advance=5)
    before = shop.delete(f"/orders/{number}").json()
    assert (before["status"], before["date_modified_gmt"]) == ("processing", "2026-03-10T16:00:00")
    trashed = shop.get(f"/orders/{number}").json()
    assert (trashed["status"], trashed["date_modified_gmt"]) == ("trash", "2026-03-10T16:00:05")
    assert shop.delete(f"/orders/{number}").json()["code"] == "woocommerce_rest_already_trashed"
    assert [shop.get("/orders").json(), [row["id"] for row in shop.get("/orders", status="trash").json()]] == [[], [number]]
    assert shop.put(f"/orders/{number}", {"status": "processing"}).json()["status"] == "processing"
    assert shop.delete(f"/orders/{number}", force="true").status_code == 200
    assert shop.get(f"/orders/{number}").status_code == 404
    assert shop.get("/orders", status="any,trash").json() == []


# ---- notes and batch ---------------------------------------------------------------------------------------


def test_notes(shop: OpenShop) -> None:
    number = shop.order()["id"]
    first = shop.post(f"/orders/{number}/notes", {"note": "inside"}).json()
    second = shop.post(f"/orders/{number}/notes", {"note": "for you", "customer_note": True}).json()
    assert [note["id"] for note in shop.get(f"/orders/{number}/notes").json()] == [first["id"], second["id"]]
    assert [note["note"] for note in shop.get(f"/orders/{number}/notes", type="customer").json()] == ["for you"]
    missing = shop.post("/orders/999/notes", {"note": "x"})
    assert (missing.status_code, missing.json()["code"]) == (404, "woocommerce_rest_order_invalid_id")
    assert shop.post(f"/orders/{number}/notes", {}).json()["data"]["params"] == ["note"]
    shop.delete(f"/orders/{number}/notes/{first['id']}", force="true")
    assert [note["id"] for note in shop.get(f"/orders/{number}/notes").json()] == [second["id"]]


def test_batch_answers_each_item_by_itself(shop: OpenShop) -> None:
    kept, gone = shop.order()["id"], shop.order()["id"]
    body = {"create": [{}], "update": [{"id": kept, "customer_note": "b"}, {"id": 998, "status": "failed"}], "delete": [gone, 999]}
    done = shop.post("/orders/batch", body)
    assert done.status_code == 200
    found = done.json()
    assert (found["create"][0]["status"], found["update"][0]["customer_note"]) == ("pending", "b")
    errors = [(row["id"], row["error"]["code"], row["error"]["data"]["status"]) for row in (found["update"][1], found["delete"][1])]
    assert errors == [(998, "woocommerce_rest_shop_order_invalid_id", 400), (999, "woocommerce_rest_shop_order_invalid_id", 404)]
    assert shop.get(f"/orders/{gone}").status_code == 404
    many = shop.post("/orders/batch", {"update": [{"id": kept, "customer_note": "x"}] * 101})
    assert (many.status_code, many.json()["code"]) == (413, "woocommerce_rest_request_entity_too_large")
    assert shop.get(f"/orders/{kept}").json()["customer_note"] == "b"


def test_answers_are_written_as_wordpress_writes_them(shop: OpenShop) -> None:
    order = shop.order(billing={"first_name": "Zo\u00eb"})
    raw = shop.get(f"/orders/{order['id']}")
    assert b'"first_name":"Zo\\u00eb"' in raw.content
    assert b"\\/wp-json\\/wc\\/v3\\/orders\\/" in raw.content
    assert raw.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert raw.headers["Link"] == f'<{shop.url}/wp-json/>; rel="https://api.w.org/"'
    assert json.loads(raw.content) == order
