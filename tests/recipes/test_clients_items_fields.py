"""Customers become clients, products become items, and the operator's field rules fill what they may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from recipe_books import NOW, Books, context
from recipe_shop import BUYER, PLACED, line, money, order

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.party import Customer
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes import customer_to_client, order_to_invoice, product_to_item
from flows.recipes.contract import FieldRule, ItemChoice, Mappings
from flows.recipes.customers import client_content, is_newer
from flows.recipes.fields import TRANSFORMS, evaluate, filled, problem_with, targets
from flows.recipes.plain import digest, to_plain

CUSTOMER = replace(BUYER, updated_at=PLACED)
PRODUCT = Product("10", "MUG-1", "Mug", "Enamel", money("12.50"))
CLIENT, ITEM = customer_to_client.RECIPE, product_to_item.RECIPE


def sync(recipe: Any, books: Books, value: Any, **options: Any) -> list[str]:
    books.writes.clear()
    mappings = options.pop("mappings", None)
    books.sync(recipe, value, context(mappings=mappings, **options))
    return books.verbs()


# ---- clients -----------------------------------------------------------------------------------------------------


def test_a_customer_is_found_or_created_by_email_once() -> None:
    books = Books()
    assert sync(CLIENT, books, CUSTOMER) == ["create customer"]
    change = books.writes[0]
    assert (change.key, change.shared, change.find_first, change.several) == ("email:bea@example.test", True, True, "first")
    assert sync(CLIENT, books, replace(CUSTOMER, updated_at=NOW)) == []


def test_a_changed_customer_updates_and_an_older_record_does_not() -> None:
    books = Books()
    sync(CLIENT, books, CUSTOMER)
    assert sync(CLIENT, books, replace(CUSTOMER, phone="1", updated_at=PLACED - timedelta(days=1))) == []
    assert sync(CLIENT, books, replace(CUSTOMER, phone="1", updated_at=NOW)) == ["update customer"]
    assert books.the(ObjectType.CUSTOMER).phone == "1"


def test_the_order_and_the_customer_share_one_client() -> None:
    books = Books()
    sync(order_to_invoice.RECIPE, books, order("10", line("1", "10")))
    assert sync(CLIENT, books, CUSTOMER) == []
    assert len(books.all(ObjectType.CUSTOMER)) == 1


def test_adopted_clients_are_brought_up_to_date_or_left() -> None:
    books = Books()
    sync(CLIENT, books, CUSTOMER)
    key = (ObjectType.CUSTOMER, "email:bea@example.test")
    books.links[key] = replace(books.links[key], content_hash="")
    assert sync(CLIENT, books, CUSTOMER, conflict="books") == []
    assert sync(CLIENT, books, CUSTOMER) == ["update customer"]


def test_a_deleted_client_comes_back() -> None:
    books = Books()
    sync(CLIENT, books, CUSTOMER)
    key = (ObjectType.CUSTOMER, "email:bea@example.test")
    books.links[key] = replace(books.links[key], void=True)
    assert sync(CLIENT, books, CUSTOMER) == ["act customer restore"]


def test_customers_without_email_are_the_shops_own_and_nameless_ones_nobodys() -> None:
    books = Books()
    sync(CLIENT, books, Customer(id="7", given_name="Bo", updated_at=PLACED))
    assert (books.writes[0].key, books.writes[0].shared, books.writes[0].value.note) == ("customer:7", False, "shop1:customer:7")
    with pytest.raises(NothingToDo):
        CLIENT.desire(Customer(id="8"), context())
    assert CLIENT.describe(CUSTOMER) == ("Bea Buyer", None)


def test_newer_needs_another_content_and_a_later_time() -> None:
    old, later = client_content(CUSTOMER, PLACED), client_content(CUSTOMER, NOW)
    moved = client_content(replace(CUSTOMER, phone="2"), NOW)
    assert len(moved) <= 64
    assert [is_newer(later, old), is_newer(moved, old), is_newer(old, moved)] == [False, True, False]


# ---- items -------------------------------------------------------------------------------------------------------


def test_a_product_becomes_an_item_and_follows_the_shop() -> None:
    books = Books()
    assert sync(ITEM, books, PRODUCT) == ["create product"]
    assert (books.writes[0].key, books.writes[0].shared) == ("sku:MUG-1", True)
    assert sync(ITEM, books, replace(PRODUCT, updated_at=NOW)) == []
    assert sync(ITEM, books, replace(PRODUCT, unit_price=money("13"))) == ["update product"]
    assert sync(ITEM, books, replace(PRODUCT, unit_price=money("14")), conflict="books") == []
    assert books.the(ObjectType.PRODUCT).unit_price == money("13")


@pytest.mark.parametrize(
    ("product", "mappings", "code"),
    [
        (replace(PRODUCT, sku=""), Mappings(), "no_sku"),
        (replace(PRODUCT, active=False), Mappings(), "inactive"),
        (PRODUCT, Mappings(items={"MUG-1": ItemChoice("i-1", "Ware")}), "mapped"),
    ],
)
def test_products_that_make_no_item(product: Product, mappings: Mappings, code: str) -> None:
    books = Books()
    with pytest.raises(NothingToDo) as raised:
        sync(ITEM, books, product, mappings=mappings)
    assert raised.value.code == code
    assert books.writes == []


def test_prices_finer_than_the_currency_are_rounded_on_items() -> None:
    assert ITEM.desire(replace(PRODUCT, unit_price=money("1.235")), context()).product.unit_price == money("1.24")
    assert ITEM.describe(PRODUCT) == ("MUG-1", money("12.50"))


# ---- fields ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "transform", "expected"),
    [
        ("customer.given_name", "upper", "BEA"),
        ("total.amount", "", "10"),
        ("lines[].name", "", "Mug"),
        ("join('/', [number, status])", "", "1042/processing"),
        ("customer.phone", "", "none"),
        ("lines[0]", "", "none"),
        ("test", "", "no"),
        ("placed_at", "date", "2026-07-02"),
        ("customer.billing.postcode", "digits", "528"),
    ],
)
def test_expressions_read_the_record(expression: str, transform: str, expected: str) -> None:
    placed = to_plain(order("10", line("1", "10")))
    assert evaluate(FieldRule("invoice.notes", expression, transform, "none"), placed) == expected


def test_every_transform_is_what_it_says() -> None:
    text = " bea Mug\nsecond 12 "
    assert {name: change(text) for name, change in TRANSFORMS.items()} == {
        "": text,
        "trim": "bea Mug\nsecond 12",
        "upper": " BEA MUG\nSECOND 12 ",
        "lower": " bea mug\nsecond 12 ",
        "title": " Bea Mug\nSecond 12 ",
        "digits": "12",
        "first_line": "bea Mug",
        "date": " bea Mug\ns",
    }


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (FieldRule("invoice.amount", "total"), "invoice.amount cannot be filled"),
        (FieldRule("invoice.number", "number"), "invoice.number cannot be filled"),
        (FieldRule("client.note", "note", "rot13"), "no transform rot13"),
        (FieldRule("client.note", "note["), "is not JMESPath"),
    ],
)
def test_wrong_rules_are_refused_with_a_sentence(rule: FieldRule, words: str) -> None:
    assert words in problem_with(rule)
    with pytest.raises(NeedsAttention) as raised:
        filled(CUSTOMER, rule.target.split(".")[0], (rule,), CUSTOMER)
    assert raised.value.subject == f"field:{rule.target}"


def test_rules_that_fail_on_a_record_ask() -> None:
    with pytest.raises(NeedsAttention, match="does not work on this record"):
        evaluate(FieldRule("client.note", "abs(given_name)"), to_plain(CUSTOMER))


def test_right_rules_have_no_problem_and_leave_other_groups_alone() -> None:
    rules = tuple(FieldRule(target, "given_name") for target in targets())
    assert [problem_with(rule) for rule in rules] == [""] * len(rules)
    assert filled(PRODUCT, "item", rules, CUSTOMER) == replace(PRODUCT, name="Bea", description="Bea")
    assert filled(PRODUCT, "item", (FieldRule("item.name", "phone"),), CUSTOMER) == PRODUCT


def test_hashes_see_amounts_and_not_their_zeros() -> None:
    assert digest(Decimal("1.50"), money("2.00")) == digest(Decimal("1.5"), money("2"))
    assert digest(Decimal("0.00")) == digest(Decimal("-0"))
    assert digest(Decimal("100")) != digest(Decimal("10"))
