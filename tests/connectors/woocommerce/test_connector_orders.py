"""WooCommerce orders: every recorded shape becomes the right canonical order, to the cent."""

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money, total
from connectors.canonical.order import ChargeKind, Order, OrderState, TaxLine
from connectors.canonical.settlement import RefundLine, TransactionKind
from connectors.kit.account import Account
from connectors.kit.errors import Rejected
from connectors.kit.tame import parse_json
from connectors.platforms import woocommerce
from connectors.platforms.woocommerce import CONNECTOR

FIXTURES = Path(woocommerce.__file__).parent / "fixtures"
ACCOUNT = Account("7", "https://shop.harbourlane.example/store/", time_zone="America/Vancouver", currency="CAD")


def load(name):
    return parse_json((FIXTURES / f"{name}.json").read_bytes(), name).value


def order(name, change=None) -> Order:
    raw = load(f"order__{name}")
    if change:
        change(raw)
    return CONNECTOR.reads[ObjectType.ORDER].normalise(raw, ACCOUNT)


def cad(text):
    return Money(Decimal(text), "CAD")


def test_a_paid_order_with_two_taxes_and_a_coupon():
    found = order("paid_two_taxes_coupon")
    tray, apron, voucher = found.lines
    assert (tray.sku, tray.quantity, tray.total, tray.discount) == ("TRAY-OAK", Decimal(2), cad("54.40"), cad("9.60"))
    assert tray.taxes == (
        TaxLine("GST", cad("2.72"), Decimal(5), "CA-BC-GST-1"),
        TaxLine("PST", cad("3.81"), Decimal(7), "CA-BC-PST-2"),
    )
    assert (apron.product_id, apron.sku) == ("307", "APRON-SLATE")
    assert (voucher.sku, voucher.taxes) == ("", ())
    assert [(c.kind, c.name, c.total, c.code) for c in found.charges] == [
        (ChargeKind.SHIPPING, "Standard delivery", cad("12.00"), "flat_rate")
    ]
    assert [(d.code, d.amount) for d in found.discounts] == [("spring15", cad("15.37"))]
    assert (found.total, found.total_tax) == (cad("140.19"), cad("11.06"))
    assert (found.customer.id, found.customer.email) == ("88", "mira.okafor@harbourlane.example")
    assert found.note == "Ring twice — à gauche"
    assert (found.placed_at, found.updated_at) == (
        datetime(2026, 3, 4, 9, 15, 30, tzinfo=UTC),
        datetime(2026, 3, 4, 9, 16, 5, tzinfo=UTC),
    )
    assert found.time_zone == "America/Vancouver"
    assert found.url == "https://shop.harbourlane.example/store/wp-admin/post.php?post=5101&action=edit"


def test_the_payment_is_one_sale_of_the_total_on_the_day_it_was_paid():
    (payment,) = order("paid_two_taxes_coupon").transactions
    assert (payment.id, payment.kind, payment.is_captured) == ("paid", TransactionKind.SALE, True)
    assert (payment.amount, payment.gateway, payment.reference) == (cad("140.19"), "stripe", "ch_fixture_5101")
    assert payment.occurred_at == datetime(2026, 3, 4, 9, 15, 59, tzinfo=UTC)


def test_processing_without_a_payment_date_is_not_paid():
    found = order("fees_unpaid_cod")
    assert (found.status, found.transactions) == ("processing", ())


def test_nothing_is_received_for_an_order_of_nothing():
    def free(raw):
        raw["order"]["total"] = "0.00"

    assert order("paid_two_taxes_coupon", free).transactions == ()


def test_tax_inclusive_prices_still_give_lines_without_tax():
    found = order("tax_inclusive_guest")
    (candle,) = found.lines
    assert found.prices_include_tax is True
    assert (candle.total.text(), candle.quantity, candle.taxes[0].amount.text()) == ("20.83", Decimal(3), "4.17")
    assert (found.customer.id, found.customer.company, found.number) == ("", "Tide & Timber Ltd", "INV-2026-0007")
    assert found.total.text() == "28.95"


def test_fees_may_be_negative():
    found = order("fees_unpaid_cod")
    assert [(c.kind, c.total.text(), c.taxes[0].amount.text()) for c in found.charges] == [
        (ChargeKind.SHIPPING, "4.90", "0.93"),
        (ChargeKind.FEE, "3.00", "0.57"),
        (ChargeKind.FEE, "-5.90", "-1.12"),
    ]


def test_a_refund_names_the_lines_it_takes_back_and_an_empty_one_is_skipped():
    (refund,) = order("refund_partial_lines").refunds
    assert (refund.id, refund.amount.text(), refund.reason) == ("5205", "34.60", "Kettle lid bent")
    assert refund.occurred_at == datetime(2026, 3, 9, 11, 40, tzinfo=UTC)
    assert refund.lines == (
        RefundLine("51041", Decimal(1), Money.of("20.00", "EUR"), Money.of("3.80", "EUR")),
        RefundLine("51042", Decimal(1), Money.of("4.90", "EUR"), Money.of("0.93", "EUR")),
        RefundLine("51043", Decimal(1), Money.of("4.17", "EUR"), Money.of("0.80", "EUR")),
    )


def test_refund_lines_that_do_not_say_where_they_belong_leave_the_amount_alone():
    def untied(raw):
        raw["refunds"][0]["shipping_lines"][0]["meta_data"] = []

    (refund,) = order("refund_partial_lines", untied).refunds
    assert (refund.amount.text(), refund.lines) == ("34.60", ())


@pytest.mark.parametrize(("name", "amount"), [("refund_amount_only", "7.50"), ("refund_full", "35.84")])
def test_refunds_by_amount_have_no_lines(name, amount):
    (refund,) = order(name).refunds
    assert (refund.amount.text(), refund.lines) == (amount, ())


def test_refunds_do_not_lower_the_total():
    found = order("refund_full")
    assert (found.state, found.status, found.total) == (OrderState.OPEN, "refunded", cad("35.84"))


def test_a_currency_without_decimals():
    found = order("jpy_no_decimals")
    assert found.total == Money.of(3911, "JPY")
    assert found.lines[0].total.to_minor() == 2950
    assert found.lines[0].taxes[0].name == "消費税"


def test_tax_rounded_at_subtotal_keeps_the_order_s_own_figures():
    found = order("subtotal_rounding")
    by_line = total((tax.amount for line in found.lines for tax in line.taxes), "USD")
    assert (by_line.text(), found.total_tax.text(), found.total.text()) == ("0.12", "0.11", "1.31")
    assert found.lines[0].taxes[0].rate == Decimal("8.875")


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("order__*.json")), ids=lambda path: path.stem)
def test_lines_charges_and_tax_add_up_to_the_total(path):
    found = order(path.stem.removeprefix("order__"))
    parts = [line.total for line in found.lines] + [charge.total for charge in found.charges]
    assert total([*parts, found.total_tax], found.currency) == found.total


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("trashed", OrderState.DELETED),
        ("checkout_draft", OrderState.DRAFT),
        ("cancelled", OrderState.CANCELLED),
        ("refund_full", OrderState.OPEN),
    ],
)
def test_states(name, state):
    assert order(name).state is state


@pytest.mark.parametrize(("status", "state"), [("auto-draft", "draft"), ("failed", "cancelled"), ("awaiting-wood", "open")])
def test_other_statuses(status, state):
    assert order("trashed", lambda raw: raw["order"].update(status=status)).state == state


def test_a_deleted_product_and_a_tax_that_was_not_charged():
    (stool,) = order("deleted_product").lines
    assert (stool.name, stool.sku, stool.product_id) == ("Discontinued stool", "", "")
    assert [(tax.name, tax.amount) for tax in stool.taxes] == [("GST", cad("2.25"))]


def test_a_rate_of_zero_is_kept_and_an_amount_of_zero_is_not():
    def change(raw):
        raw["order"]["tax_lines"][0]["rate_percent"] = 0
        for tax in raw["order"]["line_items"][0]["taxes"]:
            tax["total"] = "0.00"

    (line,) = order("cancelled", change).lines
    assert [(tax.name, tax.rate, tax.amount) for tax in line.taxes] == [("GST", Decimal(0), cad("0.00"))]
    untaxed = order("cancelled", lambda raw: raw["order"]["line_items"][0]["taxes"][0].update(total="0.00"))
    assert untaxed.lines[0].taxes == ()


def test_compound_tax_and_a_rate_that_the_order_does_not_describe():
    assert [tax.compound for tax in order("compound_tax").lines[0].taxes] == [False, True]
    (line,) = order("compound_tax", lambda raw: raw["order"].update(tax_lines=[])).lines
    assert [(tax.name, tax.rate, tax.code) for tax in line.taxes] == [("Tax", None, "21"), ("Tax", None, "22")]


def test_the_float_price_is_never_looked_at():
    def spoil(raw):
        for line in raw["order"]["line_items"]:
            line["price"] = "nonsense"

    assert order("paid_two_taxes_coupon", spoil) == order("paid_two_taxes_coupon")


def test_no_amount_comes_from_a_json_number_with_a_binary_fraction():
    raw = json.loads((FIXTURES / "order__paid_two_taxes_coupon.json").read_bytes())
    raw["order"]["line_items"][0]["total"] = 54.4
    with pytest.raises(Rejected, match=r"order\.line_items\[0\]\.total: expected decimal, got float"):
        CONNECTOR.reads[ObjectType.ORDER].normalise(raw, ACCOUNT)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("total",), None, r"order\.total: expected decimal, got null"),
        (("currency",), "dollars", r"order\.currency: expected currency code"),
        (("line_items", 1, "quantity"), "some", r"order\.line_items\[1\]\.quantity: expected decimal"),
        (("date_created_gmt",), None, r"order\.date_created_gmt: expected text, got null"),
        (("billing",), [], r"order\.billing: expected object"),
    ],
)
def test_a_malformed_field_is_named(path, value, message):
    def spoil(raw):
        place = raw["order"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    with pytest.raises(Rejected, match=message):
        order("paid_two_taxes_coupon", spoil)


def test_normalising_leaves_the_evidence_alone():
    raw = load("order__refund_partial_lines")
    before = copy.deepcopy(raw)
    CONNECTOR.reads[ObjectType.ORDER].normalise(raw, ACCOUNT)
    assert raw == before
