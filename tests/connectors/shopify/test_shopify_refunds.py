"""Money that went back, and what left an order without money: refunds of all kinds, edits, cancellations, exchanges."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from tea_shop import Shop, cad, fixture, left, open_shop, parts, read_fixture

from connectors.canonical.money import Money
from connectors.canonical.order import OrderState
from connectors.canonical.settlement import Repaid
from connectors.kit.account import Account
from connectors.platforms.shopify.orders import normalise_order


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as found:
        yield found


def test_lines_with_tax_and_shipping_over_two_payments() -> None:
    order = read_fixture("order__refund_lines_shipping_two_payments")
    (refund,) = order.refunds
    assert [(line.quantity, line.total, line.tax) for line in refund.lines] == [
        (Decimal(2), cad("18.80"), cad("2.45")),
        (Decimal(1), cad("8.50"), cad("1.11")),
    ]
    assert refund.amount == cad("30.86") == refund.repaid[0].amount + refund.repaid[1].amount
    assert {part.transaction_id for part in refund.repaid} == {payment.id for payment in order.transactions}
    assert refund.transaction_id == ""
    assert order.total == parts(order)
    assert [line.line_id for line in refund.lines] == [order.lines[0].id, order.charges[0].id]


def test_with_tax_inside_prices_the_refund_s_net_is_without_it(shop: Shop) -> None:
    placed = shop.place(lines=[{"sku": "SH-KETTLE-R", "quantity": 2}], taxes=[["VAT", "0.2"]], included=True)
    shop.admin("refund", id=placed["id"], units={"0": 1})
    (refund,) = shop.read(placed).refunds
    assert (refund.amount, refund.lines[0].total, refund.lines[0].tax) == (cad("64.00"), cad("53.33"), cad("10.67"))
    assert refund.transaction_id == shop.read(placed).transactions[0].id


def test_an_amount_alone_has_no_lines(shop: Shop) -> None:
    placed = shop.place()
    shop.admin("refund", id=placed["id"], money="5.00", note="Goodwill")
    order = shop.read(placed)
    assert [(refund.amount, refund.lines, refund.reason) for refund in order.refunds] == [(cad("5.00"), (), "Goodwill")]
    assert left(order) == cad("16.24")


def test_a_fee_that_was_kept_stays_in_the_books() -> None:
    """One packet (10.62 with tax) came back and 6.00 was paid: the adjustment of -4.62 says that the rest was kept."""
    order = read_fixture("order__refund_with_fee_kept")
    assert order.refunds[0].amount == cad("6.00")
    assert left(order) == order.total - cad("6.00")
    assert order.lines[0].quantity == Decimal(2)


@pytest.mark.parametrize("sign", ["", "-"])
def test_either_sign_of_an_adjustment_explains(sign: str) -> None:
    raw = fixture("order__refund_with_fee_kept")
    for money in raw["order"]["refunds"][0]["orderAdjustments"][0]["amountSet"].values():
        money["amount"] = sign + money["amount"].lstrip("-")
    order = normalise_order(raw, Account("t", "https://tea.myshopify.com"))
    assert left(order) == order.total - cad("6.00")


def test_a_fully_paid_order_keeps_what_was_not_given_back_even_without_adjustment() -> None:
    raw = fixture("order__refund_with_fee_kept")
    raw["order"]["refunds"][0]["orderAdjustments"] = []
    raw["order"]["currentTotalPriceSet"] = raw["order"]["totalPriceSet"]
    order = normalise_order(raw, Account("t", "https://tea.myshopify.com"))
    assert (order.refunds[0].amount, order.refunds[0].lines) == (cad("6.00"), ())
    assert left(order) == order.transactions[0].amount - cad("6.00")


@pytest.mark.parametrize("status", ["PENDING", "FAILURE", "ERROR", "AWAITING_RESPONSE"])
def test_a_refund_whose_money_is_open_or_failed_changes_nothing(shop: Shop, status: str) -> None:
    placed = shop.place()
    before = shop.read(placed)
    shop.admin("refund", id=placed["id"], units={"0": 1}, status=status)
    after = shop.read(placed)
    assert (after.refunds, after.total, after.lines) == ((), before.total, before.lines)
    shop.admin("settle_refund", id=placed["id"], status="SUCCESS")
    assert [refund.amount for refund in shop.read(placed).refunds] == [cad("10.62")]


def test_a_refund_payment_that_no_record_names_still_counts(shop: Shop) -> None:
    placed = shop.place()
    raw = shop.raw(placed)
    sale = raw["order"]["transactions"][0]
    money = {side: {"amount": "3.0", "currencyCode": "CAD"} for side in ("shopMoney", "presentmentMoney")}
    raw["order"]["transactions"].append(
        {**sale, "id": "gid://shopify/OrderTransaction/55", "kind": "REFUND", "amountSet": money, "parentTransaction": {"id": sale["id"]}}
    )
    (refund,) = normalise_order(raw, shop.account).refunds
    assert (refund.id, refund.amount, refund.transaction_id) == ("t55", cad("3.00"), sale["id"].rpartition("/")[2])


# ---- without money -----------------------------------------------------------------------------------------


def test_a_unit_removed_before_payment_leaves_with_its_own_share_of_the_discount() -> None:
    """Two at 48.00 less 20 %: one is removed, and the other keeps 20 %, not 40 %."""
    order = read_fixture("order__edited_unit_removed")
    (line,) = order.lines
    assert (line.quantity, line.total, line.discount) == (Decimal(1), cad("38.40"), cad("9.60"))
    assert line.taxes[0].amount == cad("4.99")
    assert order.refunds == ()
    assert order.total == parts(order)


def test_a_removed_unit_that_no_refund_names_leaves_too() -> None:
    named = read_fixture("order__edited_unit_removed")
    raw = fixture("order__edited_unit_removed")
    raw["order"]["refunds"] = []
    order = normalise_order(raw, Account("t", "https://tea.myshopify.com", time_zone="America/Toronto"))
    assert (order.lines, order.total) == (named.lines, named.total)


def test_a_line_added_by_an_edit_joins_the_total(shop: Shop) -> None:
    placed = shop.place()
    grown = shop.admin("add_line", id=placed["id"], line={"sku": "SH-OOLONG", "quantity": 1})
    order = shop.read(placed)
    assert [line.name for line in order.lines] == ["Assam Gold - 100 g", "Oolong \u70cf\u9f8d"]
    assert order.total == cad(grown["total"]) == parts(order)
    assert order.transactions[0].amount == cad(placed["captured"])
    assert order.status == "partially_paid"


def test_an_exchange_for_something_cheaper_and_for_something_dearer(shop: Shop) -> None:
    """The returned one leaves by its refund record, the new one is a line; only the difference moves."""
    cheaper = shop.place(lines=[{"sku": "SH-KETTLE-R"}], taxes=[])
    shop.admin("add_line", id=cheaper["id"], line={"sku": "SH-OOLONG"})
    shop.admin("refund", id=cheaper["id"], units={"0": 1}, money="49.01")
    order = shop.read(cheaper)
    assert (left(order), order.refunds[0].amount, order.transactions[0].amount) == (cad("14.99"), cad("49.01"), cad("64.00"))
    assert parts(order) == order.total
    dearer = shop.place(lines=[{"sku": "SH-OOLONG"}], taxes=[])
    shop.admin("add_line", id=dearer["id"], line={"sku": "SH-KETTLE-R"})
    shop.admin("remove_units", id=dearer["id"], units={"0": 1})
    order = shop.read(dearer)
    assert (order.total, order.refunds, [line.name for line in order.lines]) == (cad("64.00"), (), ["Enamel kettle - Red"])
    assert parts(order) == order.total


def test_the_total_of_now_decides_where_shopify_counts_otherwise() -> None:
    """An exchange line that the total before returns leaves out: the total of now plus what went back explains the lines."""
    raw = fixture("order__refund_amount_only")
    bag = {side: {"amount": "5.0", "currencyCode": "CAD"} for side in ("shopMoney", "presentmentMoney")}
    raw["order"]["lineItems"].append(
        {**raw["order"]["lineItems"][0], "id": "gid://shopify/LineItem/9", "quantity": 1, "currentQuantity": 1, "taxLines": [],
         "originalTotalSet": bag}
    )  # fmt: skip
    now = raw["order"]["currentTotalPriceSet"]["shopMoney"]
    now["amount"] = str(Decimal(now["amount"]) + 5)
    before = Money.of(raw["order"]["totalPriceSet"]["shopMoney"]["amount"], "CAD")
    order = normalise_order(raw, Account("t", "https://tea.myshopify.com"))
    assert order.total == before + cad("5.00") == parts(order)


def test_a_refund_after_an_edit_of_a_paid_order_takes_the_unit_off_once(shop: Shop) -> None:
    """Two packets were paid, one is edited away, then its 10.62 goes back: one packet is left, not none."""
    placed = shop.place()
    shop.admin("clock", now="2026-09-14T15:20:00+00:00")
    shop.admin("remove_units", id=placed["id"], units={"0": 1})
    order = shop.read(placed)
    assert (order.total, order.refunds, order.transactions[0].amount) == (cad("10.62"), (), cad("21.24"))
    shop.admin("clock", advance=60)
    shop.admin("refund", id=placed["id"], money="10.62")
    order = shop.read(placed)
    assert [(refund.amount, refund.excess, refund.lowers) for refund in order.refunds] == [(cad("10.62"), cad("10.62"), cad("0"))]
    assert (order.total, parts(order)) == (cad("10.62"), cad("10.62"))
    shop.admin("clock", advance=60)
    shop.admin("refund", id=placed["id"], money="2.00", note="Goodwill")
    assert [refund.lowers for refund in shop.read(placed).refunds] == [cad("0"), cad("2.00")]


def test_a_second_payment_that_goes_back_leaves_the_order_whole(shop: Shop) -> None:
    placed = shop.place(payments=[["SALE", "shopify_payments", "1"], ["SALE", "manual", "1"]])
    shop.admin("refund", id=placed["id"], money="21.24")
    order = shop.read(placed)
    assert [(refund.amount, refund.lowers) for refund in order.refunds] == [(cad("21.24"), cad("0"))]
    assert (order.total, [payment.amount for payment in order.transactions]) == (cad("21.24"), [cad("21.24")] * 2)


def test_where_the_shop_s_total_fell_a_refund_of_an_overpaid_order_is_one(shop: Shop) -> None:
    """Paid twice, and a unit was returned for money: its own total of now says that this lowered the order."""
    placed = shop.place(payments=[["SALE", "shopify_payments", "1"], ["SALE", "manual", "1"]])
    raw = shop.raw(placed)
    shop.admin("refund", id=placed["id"], money="10.62")
    lowered = shop.raw(placed)
    for money in lowered["order"]["currentTotalPriceSet"].values():
        money["amount"] = "10.62"
    assert [refund.lowers for refund in normalise_order(lowered, shop.account).refunds] == [cad("10.62")]
    assert normalise_order(raw, shop.account).refunds == ()


@pytest.mark.parametrize("removed", [False, True], ids=["deposit", "deposit after an edit"])
def test_a_cancelled_order_stands_for_no_more_than_the_money_that_is_held(shop: Shop, removed: bool) -> None:
    """40 % of 21.24 was paid and is kept: what was never paid is owed by nobody."""
    placed = shop.place(payments=[["SALE", "bank deposit", "0.4"]])
    if removed:
        shop.admin("remove_units", id=placed["id"], units={"0": 1})
    shop.admin("cancel", id=placed["id"], repay=False)
    order = shop.read(placed)
    assert (order.state, left(order), parts(order)) == (OrderState.OPEN, cad("8.50"), cad("8.50"))


@pytest.mark.parametrize("paid", [False, True])
def test_a_cancelled_order_leaves_with_its_money_or_stays_with_it(shop: Shop, paid: bool) -> None:
    unpaid = shop.place(payments=[])
    shop.admin("cancel", id=unpaid["id"])
    assert shop.read(unpaid).state is OrderState.CANCELLED
    kept = shop.place()
    shop.admin("cancel", id=kept["id"], repay=False)
    order = shop.read(kept)
    assert (order.state, order.total, left(order)) == (OrderState.OPEN, cad("21.24"), cad("21.24"))
    repaid = shop.place()
    shop.admin("cancel", id=repaid["id"], repay=True)
    order = shop.read(repaid)
    assert (order.state, left(order)) == (OrderState.CANCELLED, cad("0"))


def test_a_refund_names_each_payment_only_where_there_are_several() -> None:
    one, two = read_fixture("order__refund_amount_only"), read_fixture("order__refund_lines_shipping_two_payments")
    assert one.refunds[0].repaid == ()
    assert all(isinstance(part, Repaid) for part in two.refunds[0].repaid)
