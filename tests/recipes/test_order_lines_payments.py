"""What stands on the lines of an order's invoice, and which payments it gets."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from recipe_books import Books, context
from recipe_shop import charge, line, money, order, sale, tax

from connectors.canonical.order import ChargeKind, Discount, Tender
from connectors.canonical.settlement import TransactionKind, TransactionStatus
from flows.recipes import RECIPES
from flows.recipes.contract import FieldRule, ItemChoice, Mappings
from flows.recipes.order_to_invoice import RECIPE
from flows.recipes.proof import Concern

MUGS = line("1", "20.00", tax("HST", "2.60", "13", code="CA-ON"), quantity="2", sku="MUG-1", discount="10.00")
SHIP = charge("2", "5.00", tax("HST", "0.65", "13", code="CA-ON"))
ORDER = order(
    "28.25",
    MUGS,
    charges=(SHIP,),
    transactions=(sale("28.25"),),
    discounts=(Discount("SUMMER", money("10.00")),),
    payment_method="stripe",
    payment_method_title="Credit card",
)


def first(placed: Any, books: Books | None = None, **options: Any) -> list[Any]:
    ctx = context(**options)
    return list((books or Books()).plan(RECIPE, RECIPE.desire(placed, ctx)))


# ---- items and names ---------------------------------------------------------------------------------------------


def test_a_mapped_sku_gives_its_item_name_and_makes_no_item() -> None:
    mappings = Mappings(items={"MUG-1": ItemChoice("i-1", "Enamel ware")}, values={("account", "shipping"): "Freight"})
    desired = RECIPE.desire(ORDER, context(mappings=mappings))
    assert desired.items == ()
    assert [(one.name, one.description) for one in desired.invoice.lines] == [  # type: ignore[union-attr]
        ("Enamel ware", "Mug; SKU MUG-1; 10.00 discount already taken off (SUMMER)"),
        ("Freight", "Flat rate"),
    ]


def test_the_default_item_names_unmapped_lines() -> None:
    desired = RECIPE.desire(ORDER, context(unknown_sku="default_item", default_item="Goods"))
    assert desired.items == ()
    assert desired.invoice.lines[0].name == "Goods"  # type: ignore[union-attr]


def test_items_are_made_once_per_sku_with_their_price() -> None:
    placed = order("30", line("1", "20", quantity="2", sku="A"), line("2", "10", sku="A"))
    [item] = RECIPE.desire(placed, context()).items
    assert (item.key, item.product.sku, item.product.unit_price) == ("sku:A", "A", money("10"))


def test_what_does_not_divide_is_one_line() -> None:
    desired = RECIPE.desire(order("10", line("1", "10", quantity="3")), context())
    assert [(one.name, one.quantity, one.unit_price) for one in desired.invoice.lines] == [  # type: ignore[union-attr]
        ("3 x Mug", Decimal(1), money("10"))
    ]


def test_fractional_quantities_divide_too() -> None:
    desired = RECIPE.desire(order("7.50", line("1", "7.50", quantity="1.5")), context())
    assert [(one.name, one.quantity, one.unit_price) for one in desired.invoice.lines] == [  # type: ignore[union-attr]
        ("Mug", Decimal("1.5"), money("5"))
    ]


def test_field_rules_fill_what_they_may() -> None:
    rules = (
        FieldRule("invoice.notes", "note", "upper"),
        FieldRule("client.company", "shipping.company", "", "Private"),
    )
    desired = RECIPE.desire(replace(ORDER, note="ring twice"), context(mappings=Mappings(fields=rules)))
    assert desired.invoice.notes == "RING TWICE"  # type: ignore[union-attr]
    assert desired.client.customer.company == "Private"  # type: ignore[union-attr]


def test_charges_stand_on_their_own_lines() -> None:
    tip = charge("3", "2.00", kind=ChargeKind.TIP, name="")
    free = charge("4", "0.00", name="Pick-up")
    desired = RECIPE.desire(replace(ORDER, charges=(SHIP, tip, free), total=money("30.25")), context())
    assert [one.name for one in desired.invoice.lines] == ["Mug", "Flat rate", "Tip"]  # type: ignore[union-attr]


# ---- payments ----------------------------------------------------------------------------------------------------


def paying(**fields: Any) -> list[tuple[str, str, str, str]]:
    desired = RECIPE.desire(replace(ORDER, **fields), context(default_payment_type="Cash"))
    return [(one.key, one.payment.amount.text(), one.payment.method, one.payment.note) for one in desired.payments]


def test_only_captured_money_is_paid() -> None:
    noise = (
        sale("28.25", "a", kind=TransactionKind.AUTHORISATION),
        sale("28.25", "b", status=TransactionStatus.FAILED),
        sale("28.25", "c", kind=TransactionKind.VOID),
        sale("28.25", "d", status=TransactionStatus.PENDING),
    )
    assert paying(transactions=noise) == []
    assert paying(transactions=(*noise, sale("8.25", "e", kind=TransactionKind.CAPTURE, reference=""))) == [
        ("727:e", "8.25", "Cash", "shop1:1042:e")
    ]


def test_tenders_are_payments() -> None:
    assert paying(tenders=(Tender("giftcard", "G-1", money("8.25")),), transactions=(sale("20"),)) == [
        ("727:tender-G-1", "8.25", "Cash", "shop1:1042:tender-G-1 | G-1"),
        ("727:paid", "20.00", "Cash", "shop1:1042:paid | ch_9"),
    ]


def test_gateways_are_mapped_by_code_then_title() -> None:
    by_code = context(mappings=Mappings(values={("gateway", "stripe"): "Credit Card"}))
    by_title = context(mappings=Mappings(values={("gateway", "Credit card"): "VISA"}))
    assert RECIPE.desire(ORDER, by_code).payments[0].payment.method == "Credit Card"
    assert RECIPE.desire(ORDER, by_title).payments[0].payment.method == "VISA"


def test_more_than_the_order_is_worth_is_clamped_and_said() -> None:
    desired = RECIPE.desire(replace(ORDER, transactions=(sale("28.25", "a"), sale("10", "b"))), context())
    assert [one.payment.amount for one in desired.payments] == [money("28.25"), money("0")]
    assert desired.concern == Concern(
        "money_held", "order:727", "The shop holds 10.00 CAD more than order 1042 is worth; that part is not recorded."
    )
    assert [c.key for c in first(replace(ORDER, transactions=(sale("28.25", "a"), sale("10", "b")))) if c.object_type == "payment"] == [
        "727:a"
    ]


# ---- small things ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "number"), [("", "1042"), ("HH-", "HH-1042")])
def test_the_invoice_number_is_the_order_number_with_the_prefix_if_there_is_one(prefix: str, number: str) -> None:
    invoice = RECIPE.desire(ORDER, context(invoice_prefix=prefix)).invoice
    assert invoice is not None
    assert (invoice.number, invoice.reference) == (number, "1042")


def test_all_recipes_are_found_by_name() -> None:
    assert {"client_to_customer", "customer_to_client", "order_to_invoice", "payment_to_order_status", "product_to_item"} <= set(RECIPES)
    assert all(name == recipe.name for name, recipe in RECIPES.items())
    assert RECIPES["order_to_invoice"].describe(ORDER) == ("1042", money("28.25"))
    assert [name for name, recipe in RECIPES.items() if recipe.tie_out] == [
        "order_to_invoice",
        "invoice_to_collection",
        "collection_to_payment",
    ]
