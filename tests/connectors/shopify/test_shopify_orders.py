"""What an order comes to: both currencies, discounts, taxes inside and on top, tips, duties, fees, gift cards, tenders."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from tea_shop import FIXTURES, Shop, cad, fixture, open_shop, parts, read_fixture

from connectors.canonical.money import Money, total
from connectors.canonical.order import ChargeKind, Order, OrderState
from connectors.canonical.settlement import TransactionKind, TransactionStatus
from connectors.kit.account import Account
from connectors.kit.errors import Rejected
from connectors.kit.tame import parse_json
from connectors.platforms.shopify.orders import normalise_order

ORDERS = sorted(path.stem for path in FIXTURES.glob("order__*.json"))


@pytest.mark.parametrize("name", ORDERS)
@pytest.mark.parametrize("side", ["shop", "presentment"])
def test_every_recorded_order_adds_up_in_both_currencies(name: str, side: str) -> None:
    order = read_fixture(name, order_currency=side)
    assert parts(order) == order.total
    amounts = [*(t.amount for t in order.transactions), *(r.amount for r in order.refunds), order.total_tax]
    assert {amount.currency for amount in amounts} == {order.currency}


def test_a_whole_mix_of_orders_adds_up_and_agrees_with_the_shop() -> None:
    with open_shop(seed=5) as shop:
        for placed in shop.admin("place_orders", count=120, seed=9)["orders"]:
            order = shop.read(placed)
            assert order == unserved(shop, placed["id"])
            assert parts(order) == order.total == cad(placed["total"])
            captured = total((t.amount for t in order.transactions if t.is_captured), "CAD")
            assert (captured, order.status, order.number) == (cad(placed["captured"]), placed["status"], placed["number"])
            assert total((r.amount for r in order.refunds), "CAD") == cad(placed["refunded"])
            buyers = shop.read(placed, order_currency="presentment")
            assert parts(buyers) == buyers.total


def unserved(shop: Shop, order_id: str) -> Order:
    """The order from the sandbox's own JSON, without GraphQL and pages: what the generated orders are read from."""
    return normalise_order(parse_json(json.dumps(shop.admin("order", id=order_id)).encode(), "raw").value, shop.account)


@pytest.fixture
def shop() -> object:
    with open_shop() as found:
        yield found


def test_discounts_on_the_order_and_codes_both_leave_the_lines(shop: Shop) -> None:
    """9.40 x 2 = 18.80, less 10 % = 16.92, less 3.33 = 13.59; 5 % is 0.68, 9.975 % is 1.36; tip 2.00, wrapping 4.25, shipping 8.50."""
    placed = shop.place(
        discounts=[{"code": "HARVEST10", "percent": "10"}, {"code": "Loyal", "amount": "3.33"}],
        taxes=[["GST", "0.05"], ["QST", "0.09975"]],
        tip="2.00",
        fees=[["Gift wrapping", "4.25"]],
        shipping="8.50",
    )
    order = shop.read(placed)
    (line,) = order.lines
    assert (line.quantity, line.total, line.discount) == (Decimal(2), cad("13.59"), cad("5.21"))
    assert [(t.name, t.rate, t.code, t.amount) for t in line.taxes] == [
        ("GST", Decimal(5), "GST 5%", cad("0.68")),
        ("QST", Decimal("9.975"), "QST 9.975%", cad("1.36")),
    ]
    assert [(c.kind, c.name, c.total) for c in order.charges] == [
        (ChargeKind.SHIPPING, "Standard", cad("8.50")),
        (ChargeKind.FEE, "Gift wrapping", cad("4.25")),
        (ChargeKind.TIP, "Tip", cad("2.00")),
    ]
    assert [(d.code, d.amount) for d in order.discounts] == [("HARVEST10", cad("1.88")), ("Loyal", cad("3.33"))]
    assert order.total == cad("31.66")


def test_tax_inside_prices_is_taken_out_of_lines_and_shipping(shop: Shop) -> None:
    """64.00 and 12.00 with 20 % inside: 53.33 + 10.67, and 10.00 + 2.00."""
    order = shop.read(shop.place(lines=[{"sku": "SH-KETTLE-R"}], taxes=[["VAT", "0.2"]], included=True, shipping="12.00"))
    assert [(line.total, line.taxes[0].amount) for line in order.lines] == [(cad("53.33"), cad("10.67"))]
    assert [(charge.total, charge.taxes[0].amount) for charge in order.charges] == [(cad("10.00"), cad("2.00"))]
    assert (order.total, order.total_tax, order.prices_include_tax) == (cad("76.00"), cad("12.67"), True)


def test_the_whole_tax_on_the_first_line_is_spread_by_its_rate() -> None:
    raw = fixture("order__whole_tax_on_first_line")
    shown = [len(line["taxLines"]) for line in raw["order"]["lineItems"]]
    order = read_fixture("order__whole_tax_on_first_line")
    assert shown == [1, 0]
    assert [(line.total + line.taxes[0].amount, line.taxes[0].rate) for line in order.lines] == [
        (cad("64.00"), Decimal(13)),
        (cad("29.98"), Decimal(13)),
    ]
    assert parts(order) == order.total


def test_the_flow_chooses_one_currency_and_every_amount_follows(shop: Shop) -> None:
    placed = shop.place(buyer=["JPY", "112.4"], lines=[{"sku": "SH-KETTLE-R", "duty": "4.10"}], tip="2.00", shipping="8.50")
    own, buyers = shop.read(placed), shop.read(placed, order_currency="presentment")
    assert (own.currency, buyers.currency) == ("CAD", "JPY")
    assert own.total == cad("88.03") == parts(own)
    assert parts(buyers) == buyers.total == buyers.transactions[0].amount
    assert [charge.kind for charge in buyers.charges] == [ChargeKind.SHIPPING, ChargeKind.DUTY, ChargeKind.TIP]
    assert buyers.charges[1].total == Money.of(461, "JPY")


def test_an_amount_in_a_third_currency_is_refused() -> None:
    raw = fixture("order__refund_amount_only")
    raw["order"]["shippingLines"][0]["originalPriceSet"]["shopMoney"]["currencyCode"] = "USD"
    with pytest.raises(Rejected, match=r"order.shippingLines\[0\].originalPriceSet.shopMoney.currencyCode: expected CAD"):
        normalise_order(raw, Account("t", "https://tea.myshopify.com"))


def test_a_sold_gift_card_is_a_charge_and_one_that_pays_is_a_payment(shop: Shop) -> None:
    card = {"name": "Gift card", "price": "25.00", "quantity": 2, "taxable": False, "shipped": False, "gift_card": True}
    payments = [["SALE", "gift_card", "0.3"], ["SALE", "shopify_payments", "0.7"]]
    order = shop.read(shop.place(lines=[card, {"sku": "SH-SHORT"}], payments=payments))
    assert [(c.kind, c.name, c.total, c.taxes) for c in order.charges] == [(ChargeKind.GIFT_CARD, "2 x Gift card", cad("50.00"), ())]
    assert [(t.gateway, t.amount) for t in order.transactions] == [("gift_card", cad("17.15")), ("shopify_payments", cad("40.03"))]
    assert order.payment_method_title == "Gift card, Shopify Payments", "as people call them"
    assert order.tenders == ()
    assert order.total == cad("57.18")


def test_a_tip_that_is_also_a_line_counts_once() -> None:
    raw = fixture("order__two_taxes_discounts_tip_wrapping")
    plain = read_fixture("order__two_taxes_discounts_tip_wrapping")
    line = {**raw["order"]["lineItems"][0], "id": "gid://shopify/LineItem/77", "name": "Tip", "title": "Tip", "sku": None, "quantity": 1}
    line |= {"currentQuantity": 1, "taxable": False, "requiresShipping": False, "product": None, "variant": None, "taxLines": []}
    line |= {"discountAllocations": [], "originalTotalSet": raw["order"]["totalTipReceivedSet"]}
    raw["order"]["lineItems"].append(line)
    order = normalise_order(raw, Account("t", "https://tea.myshopify.com"))
    assert [(c.id, c.total) for c in order.charges if c.kind is ChargeKind.TIP] == [("77", cad("2.00"))]
    assert len(order.lines) == 1
    assert order.total == parts(order) == plain.total


def test_what_only_looks_like_the_tip_is_sold_besides_it(shop: Shop) -> None:
    """A workshop for 2.00 and a gift card for 2.00 beside a tip of 2.00; the tip is a line of its own, or none."""
    plain = {"price": "2.00", "quantity": 1, "taxable": False, "shipped": False}
    lines = [{"name": "Workshop", **plain}, {"name": "Gift card", "gift_card": True, **plain}]
    for tip_line in (False, True):
        order = shop.read(shop.place(lines=lines, tip="2.00", tip_line=tip_line))
        assert [(line.name, line.total) for line in order.lines] == [("Workshop", cad("2.00"))]
        assert [(charge.kind, charge.total) for charge in order.charges] == [
            (ChargeKind.GIFT_CARD, cad("2.00")),
            (ChargeKind.TIP, cad("2.00")),
        ]
        assert order.total == cad("6.00") == parts(order)


def test_authorisations_and_failures_are_no_money_and_captures_are(shop: Shop) -> None:
    payments = [
        ["AUTHORIZATION", "shopify_payments", "1"],
        ["SALE", "paypal", "1", "FAILURE"],
        ["CAPTURE", "shopify_payments", "1"],
        ["SALE", "bank deposit", "1", "PENDING"],
        ["VOID", "shopify_payments", "1"],
    ]
    order = shop.read(shop.place(payments=payments))
    assert [(t.kind, t.status, t.is_captured) for t in order.transactions] == [
        (TransactionKind.AUTHORISATION, TransactionStatus.SUCCEEDED, False),
        (TransactionKind.SALE, TransactionStatus.FAILED, False),
        (TransactionKind.CAPTURE, TransactionStatus.SUCCEEDED, True),
        (TransactionKind.SALE, TransactionStatus.PENDING, False),
        (TransactionKind.VOID, TransactionStatus.SUCCEEDED, False),
    ]
    assert order.status == "paid"


def test_test_payments_are_no_money_except_on_test_orders() -> None:
    raw = fixture("order__test")
    test = read_fixture("order__test")
    assert (test.test, [t.is_captured for t in test.transactions]) == (True, [True])
    raw["order"]["test"] = False
    assert normalise_order(raw, Account("t", "https://tea.myshopify.com")).transactions == ()


def cash(total_price: str, rounding: str, amount: str, own_rounding: str | None, received: str, change: str | None = None) -> object:
    """An order paid in cash at a till, over one line without tax."""
    raw = fixture("order__refund_amount_only")
    order, bag = raw["order"], lambda value: {side: {"amount": value, "currencyCode": "CAD"} for side in ("shopMoney", "presentmentMoney")}
    order["shippingLines"], order["refunds"] = [], []
    line = order["lineItems"][0]
    line |= {"originalTotalSet": bag(total_price), "taxLines": [], "discountAllocations": []}
    order |= {"totalPriceSet": bag(total_price), "currentTotalPriceSet": bag(total_price), "totalTaxSet": bag("0.0")}
    order["totalCashRoundingAdjustment"]["paymentSet"] = bag(rounding)
    order["totalReceivedSet"] = bag(received)
    sale = {**order["transactions"][0], "gateway": "cash", "amountSet": bag(amount)}
    sale["amountRoundingSet"] = bag(own_rounding) if own_rounding else None
    order["transactions"] = [sale]
    if change:
        order["transactions"].append({**sale, "id": "gid://shopify/OrderTransaction/99", "kind": "CHANGE", "amountSet": bag(change)})
    return normalise_order(raw, Account("t", "https://tea.myshopify.com"))


@pytest.mark.parametrize(
    ("amount", "own_rounding", "change"),
    [("10.00", "-0.02", None), ("10.02", "-0.02", None), ("20.00", None, "10.00")],
    ids=["amount after rounding", "amount before rounding", "with change"],
)
def test_cash_is_rounded_to_coins_and_change_goes_back(amount: str, own_rounding: str | None, change: str | None) -> None:
    order = cash("10.02", "-0.02", amount, own_rounding, "10.00", change)
    assert order.total == cad("10.00") == parts(order)
    assert [(t.gateway, t.amount) for t in order.transactions] == [("cash", cad("10.00"))]
    assert [(c.name, c.total) for c in order.charges] == [("Cash rounding", cad("-0.02"))]


def test_a_buyer_without_record_address_or_email_is_still_read() -> None:
    order = read_fixture("order__guest_redacted_in_yen", order_currency="presentment")
    assert (order.customer.id, order.customer.email, order.customer.name) == ("", "", "")
    assert (order.lines[0].sku, order.lines[0].product_id, order.lines[0].name) == ("", "", "Assam Gold - 100 g")
    raw = fixture("order__guest_redacted_in_yen")
    blank = {"firstName": None, "lastName": None, "displayName": "7", "defaultEmailAddress": None, "defaultPhoneNumber": None}
    raw["order"]["customer"] = {"id": "gid://shopify/Customer/7", "legacyResourceId": "7", "updatedAt": "2026-09-14T15:20:00Z", **blank}
    known = normalise_order(raw, Account("t", "https://tea.myshopify.com")).customer
    assert (known.id, known.name) == ("7", "Shopify customer 7")


def test_ids_names_and_days_are_the_shop_s(shop: Shop) -> None:
    placed = shop.place(created="2026-03-09T03:30:00+00:00")
    order = shop.read(placed)
    assert (order.id, order.number, order.time_zone) == (placed["id"], placed["number"], "America/Toronto")
    assert order.placed_at.isoformat() == "2026-03-09T03:30:00+00:00"
    assert int(order.id) > 2**40
    assert order.url == f"https://tillbridge-teas.myshopify.com/admin/orders/{order.id}"
    assert order.state is OrderState.OPEN
