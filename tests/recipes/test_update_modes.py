"""What an operator's field rule may do with a field that stands in the books already: overwrite it, fill it when empty, leave it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recipe_books import NOW, Books, context
from recipe_shop import BUYER, PLACED, line, order

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.party import Customer
from flows.recipes import customer_to_client, order_to_invoice, product_to_item
from flows.recipes.contract import FieldRule, Mappings
from flows.recipes.fields import problem_with
from flows.recipes.updating import EMPTY, MODES, NEW, OVERWRITE, keeping

ORDERS, CLIENT, ITEM = order_to_invoice.RECIPE, customer_to_client.RECIPE, product_to_item.RECIPE


def sync(recipe: Any, books: Books, value: Any, *rules: FieldRule) -> list[str]:
    books.writes.clear()
    books.sync(recipe, value, context(mappings=Mappings(fields=rules)))
    return books.verbs()


def notes(mode: str) -> FieldRule:
    return FieldRule("invoice.notes", "note", mode=mode)


@pytest.mark.parametrize(("mode", "left"), [(OVERWRITE, "second"), (EMPTY, "first"), (NEW, "first")])
def test_a_later_note_reaches_the_invoice_only_where_it_overwrites(mode: str, left: str) -> None:
    books, placed = Books(), order("10", line("1", "10"), note="first")
    sync(ORDERS, books, placed, notes(mode))
    later = sync(ORDERS, books, replace(placed, note="second", updated_at=NOW), notes(mode))
    assert books.the(ObjectType.INVOICE).notes == left
    assert later == (["update invoice"] if mode == OVERWRITE else [])


@pytest.mark.parametrize(("mode", "left"), [(OVERWRITE, "first"), (EMPTY, "by hand"), (NEW, "by hand")])
def test_a_note_written_by_hand_outlives_a_change_of_the_order(mode: str, left: str) -> None:
    books, placed = Books(), order("10", line("1", "10"), note="first")
    sync(ORDERS, books, placed, notes(mode))
    books.person(ObjectType.INVOICE, books.the(ObjectType.INVOICE).id, notes="by hand")
    assert "update invoice" in sync(ORDERS, books, order("20", line("1", "20"), note="first"), notes(mode))
    invoice = books.the(ObjectType.INVOICE)
    assert (invoice.notes, str(invoice.amount.amount)) == (left, "20.00")


@pytest.mark.parametrize(("mode", "left"), [(EMPTY, "first"), (NEW, "")])
def test_what_was_emptied_is_filled_again_only_by_the_mode_that_says_so(mode: str, left: str) -> None:
    books, placed = Books(), order("10", line("1", "10"), note="first")
    sync(ORDERS, books, placed, notes(mode))
    books.person(ObjectType.INVOICE, books.the(ObjectType.INVOICE).id, notes="")
    assert sync(ORDERS, books, placed, notes(mode)) == (["update invoice"] if left else [])
    assert books.the(ObjectType.INVOICE).notes == left
    assert sync(ORDERS, books, placed, notes(mode)) == []


def test_a_locked_or_edited_invoice_is_not_touched_for_an_empty_note() -> None:
    books, placed = Books(), order("10", line("1", "10"), note="first")
    sync(ORDERS, books, placed, notes(EMPTY))
    books.person(ObjectType.INVOICE, books.the(ObjectType.INVOICE).id, notes="", locked=True)
    assert sync(ORDERS, books, placed, notes(EMPTY)) == []


CUSTOMER = replace(BUYER, phone="1", company="", updated_at=PLACED)


@pytest.mark.parametrize(
    ("mode", "there", "left"),
    [(OVERWRITE, "hand", "2"), (EMPTY, "hand", "hand"), (NEW, "hand", "hand"), (OVERWRITE, "", "2"), (EMPTY, "", "2"), (NEW, "", "")],
)
@pytest.mark.parametrize("through", ["customer", "order"])
def test_a_clients_phone_follows_its_mode(mode: str, there: str, left: str, through: str) -> None:
    books = Books()
    path = "phone" if through == "customer" else "customer.phone"
    rule = FieldRule("client.phone", path, mode=mode)

    def brought(customer: Customer) -> list[str]:
        if through == "customer":
            return sync(CLIENT, books, customer, rule)
        when = customer.updated_at
        assert when is not None
        return sync(ORDERS, books, order("10", line("1", "10"), customer=customer, placed_at=when), rule)

    brought(CUSTOMER)
    id = next(id for kind, id in books.things if kind is ObjectType.CUSTOMER)
    books.person(ObjectType.CUSTOMER, id, phone=there)
    assert "update customer" in brought(replace(CUSTOMER, phone="2", family_name="Renamed", updated_at=NOW))
    client = books.the(ObjectType.CUSTOMER)
    assert (client.phone, client.family_name) == (left, "Renamed")
    assert "update customer" not in brought(replace(CUSTOMER, phone="2", family_name="Renamed", updated_at=NOW))


def test_a_field_that_is_only_written_when_new_calls_for_no_update() -> None:
    books, rule = Books(), FieldRule("client.phone", "phone", mode=NEW)
    sync(CLIENT, books, CUSTOMER, rule)
    assert sync(CLIENT, books, replace(CUSTOMER, phone="2", updated_at=NOW), rule) == []


@pytest.mark.parametrize(("mode", "left"), [(OVERWRITE, "Enamel"), (EMPTY, "by hand"), (NEW, "by hand")])
def test_an_items_description_follows_its_mode(mode: str, left: str) -> None:
    books, rule = Books(), FieldRule("item.description", "description", mode=mode)
    mug = Product("10", "MUG-1", "Mug", "Enamel")
    sync(ITEM, books, mug, rule)
    [(_, id)] = books.things
    books.person(ObjectType.PRODUCT, id, description="by hand")
    assert sync(ITEM, books, replace(mug, name="Big mug"), rule) == ["update product"]
    item = books.the(ObjectType.PRODUCT)
    assert (item.name, item.description) == ("Big mug", left)


WORDS = st.sampled_from(["", "a", "b"])


@given(st.sampled_from(list(MODES)), WORDS, WORDS)
def test_the_three_modes_in_one_sentence_each(mode: str, wanted: str, there: str) -> None:
    kept = () if mode == OVERWRITE else (("description", mode),)
    found = keeping(Product("", "S", "N", wanted), Product("1", "S", "Old", there), kept)
    assert found.description == {OVERWRITE: wanted, EMPTY: there or wanted, NEW: there}[mode]
    assert found.name == "N"
    assert keeping(Product("", "S", "N", wanted), None, kept).description == wanted


def test_an_unknown_mode_is_refused() -> None:
    assert "There is no update mode sometimes" in problem_with(FieldRule("client.phone", "phone", mode="sometimes"))
