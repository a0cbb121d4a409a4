"""Orders of all kinds: what the buyer owes, what is in it, whether it is paid, in the currency that was paid in."""

from decimal import Decimal

import pytest
from bc_store import ACCOUNT, FIXTURES, cad, order_of, raw, store

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money, total
from connectors.canonical.order import ChargeKind, OrderState
from connectors.kit.errors import Gone, Rejected
from connectors.platforms.bigcommerce.sandbox.model import Fee, Taxed

ORDERS = sorted(path.stem for path in FIXTURES.glob("order__*.json"))


def parts_of(order):
    return [*order.lines, *order.charges]


@pytest.mark.parametrize("name", ORDERS)
def test_lines_and_charges_come_to_the_total(name):
    order = order_of(raw(name))
    nets = total((part.total for part in parts_of(order)), order.currency)
    assert nets + order.total_tax == order.total or not order.lines
    taxes = total((tax.amount for part in parts_of(order) for tax in part.taxes), order.currency)
    assert taxes == order.total_tax or not order.lines
    for part in parts_of(order):
        codes = [tax.code for tax in part.taxes]
        assert len(codes) == len(set(codes)), "two taxes of one line with one code"


def test_prices_without_tax_two_taxes_and_a_coupon():
    found = raw("order__exclusive_two_taxes_coupon")
    order = order_of(found)
    assert not order.prices_include_tax
    assert order.total == cad(found["order"]["total_inc_tax"])
    assert [discount.code for discount in order.discounts] == [coupon["code"] for coupon in found["coupons"]]
    line = next(line for line in order.lines if line.taxes)
    assert [(tax.name, tax.rate, tax.code, tax.category, tax.compound) for tax in line.taxes] == [
        ("GST", Decimal("5"), "Default Tax Class/GST", "Default Tax Class", False),
        ("QST", Decimal("9.975"), "Default Tax Class/QST", "Default Tax Class", False),
    ]
    product = next(product for product in found["products"] if str(product["id"]) == line.id)
    assert line.total + total((tax.amount for tax in line.taxes), "CAD") == cad(product["discounted_total_inc_tax"])
    assert line.discount == cad(product["total_inc_tax"]) - cad(product["discounted_total_inc_tax"])


def test_prices_with_tax_and_a_discount_by_hand():
    found = raw("order__inclusive_manual_discount")
    order = order_of(found)
    assert order.prices_include_tax
    assert order.discounts[-1].amount == Money.of(found["order"]["discount_amount"], order.currency)
    gross = {line.id: line.total + total((tax.amount for tax in line.taxes), order.currency) for line in order.lines}
    assert gross == {str(p["id"]): Money.of(p["discounted_total_inc_tax"], order.currency) for p in found["products"]}


def test_a_tax_of_later_priority_stands_on_the_first():
    order = order_of(raw("order__compound_tax_wrapping"))
    taxed = max((part for part in parts_of(order) if part.taxes), key=lambda part: part.total)
    assert [(tax.name, tax.compound) for tax in taxed.taxes] == [("GST", False), ("PST", True)]
    first, second = taxed.taxes
    stacked = (taxed.total.amount + first.amount.amount) * Decimal("0.10")
    assert abs(second.amount.amount - stacked) <= Decimal("0.01")
    wrapping = next(charge for charge in order.charges if charge.kind is ChargeKind.WRAPPING)
    assert wrapping.name == "Gift wrapping: Forest paper"
    assert wrapping.id.startswith("wrapping:")
    assert wrapping.id.removeprefix("wrapping:") in {line.id for line in order.lines}


def test_handling_and_fees_are_charges_of_their_own():
    found = raw("order__handling_and_fee")
    order = order_of(found)
    by_code = {charge.code: charge for charge in order.charges}
    assert by_code["handling"].name == "Handling"
    fee = next(charge for charge in order.charges if charge.id.startswith("fee:"))
    assert (fee.name, fee.kind) == ("Parcel protection", ChargeKind.FEE)
    gross = fee.total + total((tax.amount for tax in fee.taxes), order.currency)
    assert gross == Money.of(str(found["fees"][0]["cost_inc_tax"]), order.currency)
    assert all(tax.name != "Tax" for tax in fee.taxes), "a fee has no tax row; it has the order's taxes"


def test_the_currency_is_the_one_that_was_paid_in():
    found = raw("order__usd_shown_in_eur")
    assert (found["order"]["currency_code"], found["order"]["default_currency_code"]) == ("EUR", "USD")
    order = order_of(found)
    assert {order.currency, order.total.currency, *(line.total.currency for line in order.lines)} == {"USD"}


def test_money_comes_as_text_float_or_whole_number():
    found = raw("order__bank_deposit_by_status")
    expected = order_of(found)
    for name in ("total_inc_tax", "total_tax", "subtotal_inc_tax"):
        found["order"][name] = Decimal(found["order"][name])
    found["order"]["discount_amount"], found["order"]["coupon_discount"] = 0, "0"
    assert order_of(found) == expected


def test_a_status_goes_by_its_number_not_by_its_label():
    found = raw("order__bank_deposit_by_status")
    found["order"]["status"] = found["order"]["custom_status"] = "On the truck"
    assert order_of(found).status == "awaiting-shipment"


def test_older_orders_without_a_discounted_total_or_a_price_flag():
    found = raw("order__exclusive_two_taxes_coupon")
    expected = order_of(found)
    for product in found["products"]:
        product["discounted_total_inc_tax"] = "0.0000"
    found["order"]["is_tax_inclusive_pricing"] = None
    assert order_of(found) == expected
    for product in found["products"]:
        product["applied_discounts"] = []  # nothing tells where the discount went: it is shared by what the lines were worth
    again = order_of(found)
    nets = total((part.total for part in parts_of(again)), "CAD")
    assert (again.total, nets + again.total_tax) == (expected.total, expected.total)


def test_an_order_whose_figures_do_not_add_up_is_left_as_it_is():
    found = raw("order__bank_deposit_by_status")
    expected = order_of(found)
    found["order"]["subtotal_inc_tax"] = str(Decimal(found["order"]["subtotal_inc_tax"]) + 3)
    found["order"]["total_inc_tax"] = str(Decimal(found["order"]["total_inc_tax"]) + 1)
    order = order_of(found)
    assert order.total == expected.total + Money.of(1, expected.currency)
    nets = total((part.total for part in parts_of(order)), order.currency)
    assert nets + order.total_tax == expected.total, "so that the recipe stops and a person looks"


def test_an_unknown_status_id_is_unpaid():
    found = raw("order__bank_deposit_by_status")
    found["order"]["status_id"] = 99
    assert (order_of(found).status, order_of(found).paid) == ("status-99", False)


def test_a_malformed_date_is_named():
    found = raw("order__bank_deposit_by_status")
    found["order"]["date_created"] = "yesterday"
    with pytest.raises(Rejected, match=r"order\.date_created: expected RFC 2822 date"):
        order_of(found)


def test_variants_and_categories():
    found = raw("order__variant_two_addresses")
    order = order_of(found)
    sized = next(line for line in order.lines if line.sku.startswith("SOCKS"))
    assert "(Size: " in sized.name
    assert sized.categories == ("category:25",)
    assert sum(charge.id.startswith("shipping:") for charge in order.charges) in (1, 2)


def test_of_an_abandoned_checkout_only_the_order_is_read():
    with store() as town:
        left = town.ask("place_unpaid", way="abandoned")
        assert town.order(left["id"]).state is OrderState.DRAFT
        assert town.paths() == [f"/v2/orders/{left['id']}", f"/v3/orders/{left['id']}/transactions"]


def test_no_rows_are_204_and_an_empty_body():
    with store() as town:
        unpaid = town.ask("place_unpaid", way="awaiting")
        order = town.order(unpaid["id"])
        assert order.transactions == ()
        assert town.listed(ObjectType.ORDER) == [unpaid["id"]]
        statuses = [entry["status"] for entry in town.served.sandbox.log if entry["path"].endswith(("/transactions", "/v2/orders"))]
        assert 204 in statuses


def test_a_digital_order_has_no_address_and_a_guest_no_account():
    order = order_of(raw("order__digital_guest"))
    assert (order.shipping.line1, order.customer.id) == ("", "")
    assert order.customer.email


WAYS_OF_COUNTING = [
    {"fees_inside": False},
    {"tenders_reduce": True},
    {"tax_details": False},
    {"prices_with_tax": True},
    {"fees_inside": False, "tenders_reduce": True},
    {"currencies": ["JPY", "KWD"]},
    {"shipping_coupons": "reduced"},
    {"shipping_coupons": "counted"},
    {"shipping_coupons": "counted", "fees_inside": False},
]


@pytest.mark.parametrize("switches", WAYS_OF_COUNTING)
def test_orders_are_exact_whichever_way_the_store_counts(switches):
    """Whether fees and tenders are in total_inc_tax, and whether taxes tell their lines, is documented nowhere."""
    with store(**switches) as town:
        for placed in town.place(60, seed=5):
            order = town.order(placed["id"])
            nets = total((part.total for part in parts_of(order)), order.currency)
            assert nets + order.total_tax == order.total == Money.of(placed["total"], order.currency)
            captured = total((one.amount for one in order.transactions if one.is_captured), order.currency)
            assert captured == Money.of(placed["captured"], order.currency)
            assert order.paid is True


@pytest.mark.parametrize("way", ["listed", "reduced", "counted"])
def test_a_coupon_for_shipping_comes_off_the_shipping(way):
    """Whether an order shows its shipping before or after such a coupon is documented nowhere."""
    with store(shipping_coupons=way, noise=False) as town:
        town.place(60, seed=5)
        reduced = [one for one in town.served.sandbox.state.orders.values() if one.off_shipping]
        assert len(reduced) > 3
        for placed in reduced:
            order = town.order(str(placed.id))
            shipping = [charge for charge in order.charges if charge.code == "shipping"]
            gross = total((one.total + total((tax.amount for tax in one.taxes), order.currency) for one in shipping), order.currency)
            assert gross.amount == sum(address.shipping.gross for address in placed.addresses)


def test_a_fee_of_a_few_cents_beside_the_total_is_not_taken_for_rounding():
    with store(fees_inside=False, noise=False) as town:
        placed = town.place(1)[0]
        order = town.served.sandbox.state.orders[int(placed["id"])]
        order.fees = [Fee(1, "Bag", Taxed(Decimal("0.04")))]
        assert town.order(placed["id"]).total.amount == order.total
        assert town.order(placed["id"]).charges[-1].name == "Bag"


def test_a_total_finer_than_money_is_what_can_be_paid():
    found = raw("order__held_for_review_but_paid")
    expected = order_of(found)
    found["order"]["total_inc_tax"] = str(Decimal(found["order"]["total_inc_tax"]) + Decimal("0.0043"))
    assert (order_of(found).total, order_of(found).paid) == (expected.total, True)


def test_what_is_no_order_is_gone():
    with store() as town:
        for missing in ("5", "12a", "", "../1"):
            with pytest.raises(Gone):
                town.order(missing)


def test_the_link_leads_to_the_control_panel():
    assert order_of(raw("order__declined"), ACCOUNT).url.startswith("https://store-k7w2xq9.mybigcommerce.com/manage/orders/")
