"""What an order is worth: rows once, nets by the formula that holds on both releases, payments from invoices, refunds from memos."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from mag_shop import ACCOUNT, order_of, raw, shop

from connectors.canonical.money import Money, total
from connectors.canonical.order import OrderState
from connectors.canonical.settlement import TransactionStatus
from connectors.kit.errors import NeedsAttention, Rejected

KIT = ["KIT", 2, [["SHADE-L", 1], ["BULB/E27 40W", 3]]]
RUG = ["RUG", 1, [["RUG-RED", 1]]]
STARTER = ["STARTER", 1, [["CORD-3M", 1], ["BULB/E27 40W", 2]]]


def cad(text):
    return Money.of(text, "CAD")


def adds_up(order):
    parts = [*order.lines, *order.charges]
    taxes = total((tax.amount for part in parts for tax in part.taxes), order.currency)
    assert total((part.total for part in parts), order.currency) + taxes == order.total
    assert taxes == order.total_tax


# ---- rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2.4.7", "2.4.8"])
def test_every_kind_of_row_counts_once_on_both_releases(release):
    with shop(release=release) as town:
        placed = town.place(KIT, RUG, STARTER, ["GUIDE-PDF", 3], coupon_percent=10, shipping="12.49", coupon_on_shipping=True)
        order = town.order(placed["id"])
        assert [(line.sku, line.quantity) for line in order.lines] == [
            ("SHADE-L", 2),
            ("BULB/E27 40W", 6),
            ("RUG-RED", 1),
            ("STARTER", 1),
            ("GUIDE-PDF", 3),
        ]
        assert order.total.text() == placed["total"]
        adds_up(order)


def test_a_configurable_row_names_the_product_that_was_sold():
    with shop() as town:
        products = {one["sku"]: str(one["id"]) for one in town.served.sandbox.state.products.values()}
        (line,) = town.order(town.place(RUG)["id"]).lines
        assert (line.sku, line.product_id) == ("RUG-RED", products["RUG-RED"])


@pytest.mark.parametrize("name", ["configurable_coupon", "bundle_dynamic_coupon", "inclusive_coupon_on_shipping", "second_store_eur"])
def test_row_total_is_never_read(name):
    """Over REST it means three things, by release: whatever stands there changes nothing."""
    found = raw(f"order__{name}")
    expected = order_of(found)
    for row in found["order"]["items"]:
        for field in ("row_total", "base_row_total", "discount_percent", "original_price", "base_row_total_incl_tax"):
            row[field] = Decimal("777.77")
    assert order_of(found) == expected
    adds_up(expected)


def test_both_releases_show_the_same_order_differently_and_it_comes_to_the_same():
    shown, read = [], []
    for release in ("2.4.7", "2.4.8"):
        with shop(release=release, now="2026-03-02T12:00:00+00:00") as town:
            placed = town.place(["CORD-3M", 3], coupon_percent=10)
            shown.append(town.shown(placed["id"])["items"][0]["row_total"])
            read.append(town.order(placed["id"]).lines)
    assert [str(one) for one in shown] == ["26.97", "6.99"]
    assert read[0] == read[1]


@pytest.mark.parametrize("inclusive", [False, True])
def test_prices_with_and_without_tax_two_taxes_and_a_coupon_on_shipping(inclusive):
    with shop() as town:
        quebec = {"region": "Quebec", "region_code": "QC"}
        placed = town.place(["LAMP-BRASS", 1], ["BULB/E27 40W", 3], address=quebec, inclusive=inclusive, coupon_percent=15,
                            coupon_on_shipping=True, shipping="12.49")  # fmt: skip
        order = town.order(placed["id"])
        assert {tax.name for tax in order.lines[0].taxes} == {"CA-QC-GST", "CA-QC-QST"}
        assert order.prices_include_tax is inclusive
        adds_up(order)


def test_amounts_are_those_of_the_store_s_currency():
    with shop() as town:
        placed = town.place(["CORD-3M", 1], store_id=2, paid=True)
        order = town.order(placed["id"])
        assert (order.currency, order.total.text(), order.number) == ("EUR", placed["total"], "2000000001")
        assert [payment.amount for payment in order.transactions] == [order.total]


def test_fields_that_are_null_are_left_out_and_count_as_nothing():
    """As in orders that a marketplace's extension put into the shop."""
    found = raw("order__virtual_guest")
    expected = order_of(found)
    names = ("shipping_amount", "shipping_tax_amount", "shipping_discount_amount", "shipping_discount_tax_compensation_amount",
             "discount_tax_compensation_amount", "discount_amount")  # fmt: skip
    for name in names:
        assert not Decimal(found["order"].pop(name))
    found["order"]["items"][0].pop("discount_amount")
    assert order_of(found) == expected


@pytest.mark.parametrize("name", ["subtotal", "tax_amount", "shipping_amount", "discount_amount"])
def test_a_missing_amount_that_matters_is_named(name):
    found = raw("order__inclusive_coupon_on_shipping")
    for row in found["order"]["items"]:
        row["row_total_incl_tax"] += 1
    del found["order"][name]
    with pytest.raises(Rejected, match=f"order.{name}: missing"):
        order_of(found)


def test_an_order_that_does_not_add_up_needs_a_person():
    found = raw("order__configurable_coupon")
    found["order"]["grand_total"] += Decimal("4.90")
    with pytest.raises(NeedsAttention) as raised:
        order_of(found)
    assert raised.value.code == "does_not_reconcile"
    assert "Book it by hand" in raised.value.message


def test_a_part_cancelled_after_another_was_invoiced_needs_a_person():
    found = raw("order__deposit_paid")
    found["order"]["total_canceled"] = Decimal("5.00")
    with pytest.raises(NeedsAttention) as raised:
        order_of(found)
    assert raised.value.code == "partly_cancelled"


def test_gift_cards_and_store_credit_are_ways_to_pay():
    """Adobe Commerce takes them off the grand total."""
    found = raw("order__virtual_guest")
    worth = order_of(found).total
    found["order"]["extension_attributes"] |= {"gift_cards_amount": Decimal("5.00"), "customer_balance_amount": Decimal("2.50")}
    found["order"]["grand_total"] -= Decimal("7.50")
    order = order_of(found)
    assert order.total == worth
    assert [(tender.kind, tender.amount.text()) for tender in order.tenders] == [("giftcard", "5.00"), ("store_credit", "2.50")]


# ---- state -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "status", "expected"),
    [
        ("new", "pending", OrderState.OPEN),
        ("holded", "holded", OrderState.OPEN),
        ("complete", "our_own_word", OrderState.OPEN),
        ("canceled", "canceled", OrderState.CANCELLED),
        ("canceled", "our_own_word", OrderState.CANCELLED),
    ],
)
def test_the_state_decides_whatever_the_status_is_called(state, status, expected):
    found = raw("order__virtual_guest")
    found["order"] |= {"state": state, "status": status}
    order = order_of(found)
    assert (order.state, order.status) == (expected, status)


def test_a_state_that_magento_does_not_have_is_refused():
    found = raw("order__virtual_guest")
    found["order"]["state"] = "shipped"
    with pytest.raises(Rejected, match=r"order\.state"):
        order_of(found)


@pytest.mark.parametrize(
    ("state", "status", "due", "paid"),
    [
        ("processing", "in_the_kiln", "0", True),
        ("processing", "in_the_kiln", "1.00", None),
        ("payment_review", "in_the_kiln", "0", None),
        ("processing", "processing", "0", None),
        ("processing", "fraud", "0", None),
    ],
)
def test_a_paid_order_under_a_status_of_the_shop_s_own_says_so_itself(state, status, due, paid):
    found = raw("order__refund_full")
    found["order"] |= {"state": state, "status": status, "total_due": Decimal(due)}
    assert order_of(found).paid is paid


# ---- payments ----------------------------------------------------------------------------------------------


def test_payments_are_the_paid_invoices():
    with shop(now="2026-03-02T12:00:00+00:00") as town:
        placed = town.place(["LAMP-BRASS", 1])
        assert town.order(placed["id"]).transactions == ()
        town.ask("pay", id=placed["id"], amount="20.00", txn="txn_a")
        town.ask("clock", advance=3600)
        town.ask("pay", id=placed["id"], txn="txn_b")
        first, second = town.order(placed["id"]).transactions
        assert (first.amount.text(), first.reference) == ("20.00", "txn_a")
        assert second.reference == "txn_b"
        assert first.amount + second.amount == cad(placed["total"])
        assert first.occurred_at == datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_an_open_invoice_is_no_money_yet_and_a_cancelled_one_never():
    found = raw("order__refund_full")
    for state, expected in ((1, [TransactionStatus.PENDING]), (2, [TransactionStatus.SUCCEEDED]), (3, [])):
        for invoice in found["invoices"]:
            invoice["state"] = state
        assert [payment.status for payment in order_of(found).transactions] == expected


def transaction(number, kind, reference):
    return {"transaction_id": number, "order_id": 1, "txn_id": reference, "txn_type": kind, "created_at": "2026-03-02 12:00:00"}


@pytest.mark.parametrize(
    ("transactions", "last", "expected"),
    [
        ([], "ch_1", "ch_1"),
        ([transaction(1, "authorization", "pi_1"), transaction(2, "capture", "pi_1-capture")], "pi_1-capture", "pi_1-capture"),
        ([transaction(1, "capture", "ch_1"), transaction(2, "refund", "ch_1-refund")], "ch_1-refund", "ch_1"),
        ([transaction(1, "authorization", "pi_1")], "pi_1", ""),
        ([transaction(1, "capture", "a"), transaction(2, "capture", "b"), transaction(3, "refund", "r")], "r", ""),
    ],
)
def test_the_reference_of_a_payment_is_a_capture_and_stays_so_after_a_refund(transactions, last, expected):
    found = raw("order__refund_full")
    (invoice,) = found["invoices"]
    invoice.pop("transaction_id", None)
    found["transactions"], found["order"]["payment"]["last_trans_id"] = transactions, last
    assert [payment.reference for payment in order_of(found).transactions] == [expected]
    invoice["transaction_id"] = "the invoice's own"
    assert [payment.reference for payment in order_of(found).transactions] == ["the invoice's own"]


# ---- refunds -----------------------------------------------------------------------------------------------


def test_a_memo_takes_back_rows_with_their_tax_and_an_adjustment_is_in_the_amount_only():
    with shop() as town:
        placed = town.place(["LAMP-BRASS", 2], paid=True)
        item = town.shown(placed["id"])["items"][0]["item_id"]
        town.ask("refund", id=placed["id"], rows={item: 1}, positive="1.50", negative="0.25")
        (refund,) = town.order(placed["id"]).refunds
        (line,) = refund.lines
        assert (line.quantity, line.total.text(), line.tax.text()) == (1, "64.50", "8.39")  # 8.385 up
        assert refund.amount.text() == "74.14"


def test_a_memo_over_everything_takes_back_shipping_and_its_discount():
    with shop() as town:
        placed = town.place(["LAMP-BRASS", 1], paid=True, shipping="25.00", coupon_percent=10, coupon_on_shipping=True, inclusive=True)
        town.ask("refund", id=placed["id"])
        order = town.order(placed["id"])
        (refund,) = order.refunds
        assert refund.amount == order.total
        assert {line.line_id: line.total for line in refund.lines} == {part.id: part.total for part in (*order.lines, *order.charges)}


@pytest.mark.parametrize("state", [1, 3])
def test_an_open_or_cancelled_memo_gave_nothing_back(state):
    found = raw("order__refund_full")
    for memo in found["credit_memos"]:
        memo["state"] = state
    assert order_of(found).refunds == ()


def test_a_dynamic_bundle_s_memo_counts_its_children_only():
    with shop() as town:
        placed = town.place(KIT, paid=True)
        town.ask("refund", id=placed["id"])
        order = town.order(placed["id"])
        (refund,) = order.refunds
        assert {line.line_id for line in refund.lines} == {line.id for line in order.lines}
        assert total((line.total + line.tax for line in refund.lines), "CAD") == refund.amount


def test_a_fixed_product_tax_goes_back_by_its_own_line():
    found = raw("order__fixed_product_tax")
    order = order_of(found)
    (fee,) = [charge for charge in order.charges if charge.code == "weee"]
    row = next(row for row in found["order"]["items"] if f"weee-{row['item_id']}" == fee.id)
    item = {"order_item_id": row["item_id"], "qty": 0, "row_total": 0, "weee_tax_applied_row_amount": fee.total.amount}
    memo = {"entity_id": 9, "state": 2, "created_at": "2026-03-03 12:00:00", "grand_total": fee.total.amount, "items": [item]}
    found["credit_memos"] = [memo]
    (refund,) = order_of(found).refunds
    assert [(line.line_id, line.total) for line in refund.lines] == [(fee.id, fee.total)]


# ---- people ------------------------------------------------------------------------------------------------


def test_guests_have_no_id_and_the_names_of_their_address():
    found = raw("order__virtual_guest")
    found["order"].pop("customer_id", None)
    for name in ("customer_firstname", "customer_lastname"):
        found["order"].pop(name, None)
    found["order"]["billing_address"] |= {"firstname": "Ada", "lastname": "Lind"}
    buyer = order_of(found).customer
    assert (buyer.id, buyer.given_name, buyer.family_name) == ("", "Ada", "Lind")


@pytest.mark.parametrize(
    ("street", "lines"),
    [
        (["9 Mill Lane"], ("9 Mill Lane", "")),
        ([" 9 Mill Lane ", "", "Unit 4", "Back door"], ("9 Mill Lane", "Unit 4, Back door")),
        ([], ("", "")),
        (None, ("", "")),
    ],
)
def test_street_lines_regions_and_countries(street, lines):
    found = raw("order__virtual_guest")
    found["order"]["billing_address"] |= {"street": street, "country_id": "ca", "region": "Ontario", "region_code": "ON"}
    billing = order_of(found).customer.billing
    assert ((billing.line1, billing.line2), billing.country, billing.region) == (lines, "CA", "ON")
    found["order"]["billing_address"] |= {"region_code": None, "region": "Kent"}
    assert order_of(found).customer.billing.region == "Kent"


def test_times_are_utc_whatever_the_shop_s_zone():
    found = raw("order__virtual_guest")
    found["order"]["created_at"] = "2026-03-02 02:30:00"
    order = order_of(found, replace(ACCOUNT, time_zone="America/Toronto"))
    assert order.placed_at == datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
    assert order.time_zone == "America/Toronto"
