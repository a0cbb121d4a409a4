"""Customers flow both ways: who wins, what is written, and that it settles in one round without ping-pong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from two_sides import Pair, Side

from connectors.canonical.party import Address, Customer
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.agreement import FIELDS

HOME = Address("Ida", "Lund", "", "4 Mill Road", "", "Guelph", "ON", "N1H 1A1", "CA", "+1 519 555 0101")
IDA = Customer(email="ida@lund.example", given_name="Ida", family_name="Lund", phone="+1 519 555 0101", billing=HOME, tax_number="T-1")


def known(**options: Any) -> Pair:
    """Ida is a client, was made a customer from that, and both sides are at rest."""
    pair = Pair(to_shop=options, to_books=options)
    pair.add(pair.books, IDA)
    pair.settle()
    pair.forget()
    return pair


def alike(pair: Pair) -> bool:
    one, other = pair.books.people["b1"], pair.shop.people["s1"]
    return all(read(one) == read(other) for read in FIELDS.values())


def test_a_new_client_becomes_a_customer_once() -> None:
    pair = Pair()
    pair.add(pair.books, IDA)
    assert pair.settle() == 2, "one round, and its echo"
    assert pair.written == ["create at shop"]
    assert alike(pair)
    assert pair.shop.links["client:b1"].destination_id == "s1"


def test_an_edit_in_the_books_arrives_in_one_round_and_its_echo_ends_by_hash() -> None:
    pair = known()
    pair.edit(pair.books, "b1", given_name="Ide", phone="+1 519 555 0199")
    assert pair.settle() == 2
    assert pair.written == ["update at shop"]
    assert pair.looks == 1, "the echo asks nobody"
    assert alike(pair)
    assert pair.shop.people["s1"].given_name == "Ide"


def test_an_edit_in_the_shop_arrives_in_one_round_and_its_echo_writes_nothing() -> None:
    pair = known()
    pair.edit(pair.shop, "s1", email="ida@new.example", billing=replace(HOME, line1="5 Mill Road"))
    assert pair.settle() == 2
    assert pair.written == ["update at books"]
    assert alike(pair)
    assert pair.books.people["b1"].email == "ida@new.example", "by the link, whatever the e-mail is now"
    assert len(pair.books.people) == 1


def test_edits_of_different_fields_on_both_sides_meet() -> None:
    pair = known(conflict="attention")
    pair.edit(pair.books, "b1", phone="1")
    pair.edit(pair.shop, "s1", tax_number="T-2")
    assert pair.settle() <= 3
    assert sorted(pair.written) == ["update at books", "update at shop"]
    assert alike(pair)
    assert (pair.shop.people["s1"].phone, pair.books.people["b1"].tax_number) == ("1", "T-2")


@pytest.mark.parametrize(("later", "expected"), [("books", "B"), ("shop", "S")])
def test_of_two_edits_of_one_field_the_newer_wins_on_both_sides(later: str, expected: str) -> None:
    pair = known(conflict="newest")
    first, second = (pair.shop, pair.books) if later == "books" else (pair.books, pair.shop)
    for side in (first, second):
        pair.edit(side, f"{side.name[0]}1", given_name=side.name[0].upper())
    pair.settle()
    assert alike(pair)
    assert pair.shop.people["s1"].given_name == expected
    assert len(pair.written) == 1


@pytest.mark.parametrize(("winner", "expected"), [("books", "B"), ("shop", "S")])
def test_the_source_of_truth_wins_whoever_was_later(winner: str, expected: str) -> None:
    for later in ("books", "shop"):
        pair = known(conflict=winner)
        for name in ("shop", "books") if later == "books" else ("books", "shop"):
            side = pair.shop if name == "shop" else pair.books
            pair.edit(side, f"{name[0]}1", given_name=name[0].upper())
        pair.settle()
        assert alike(pair)
        assert pair.shop.people["s1"].given_name == expected


def test_a_truth_that_lies_in_the_shop_is_not_overwritten_from_the_books() -> None:
    pair = known(conflict="shop")
    pair.edit(pair.books, "b1", given_name="Wrong")
    pair.settle()
    assert pair.written == []
    assert pair.shop.people["s1"].given_name == "Ida"


def test_the_rule_of_a_field_comes_before_the_common_one() -> None:
    pair = known(conflict="shop", wins_phone="books")
    pair.edit(pair.books, "b1", given_name="Wrong", phone="77")
    pair.settle()
    assert pair.written == ["update at shop"]
    assert (pair.shop.people["s1"].given_name, pair.shop.people["s1"].phone) == ("Ida", "77")


def test_a_conflict_asks_and_writes_nothing() -> None:
    pair = known(conflict="attention")
    pair.edit(pair.books, "b1", given_name="Bea")
    pair.edit(pair.shop, "s1", given_name="Sue")
    for side, id in (("books", "b1"), ("shop", "s1")):
        with pytest.raises(NeedsAttention) as asked:
            pair.sync(side, id)
        assert asked.value.code == "both_changed"
        assert "bea lund" in asked.value.message
        assert "sue lund" in asked.value.message
    assert pair.written == []
    pair.edit(pair.shop, "s1", given_name="Bea")
    pair.settle()
    assert pair.written == [], "made alike by hand: both sides agree again"
    assert alike(pair)


def test_guests_stay_guests_unless_the_flow_says_so() -> None:
    pair = Pair()
    pair.add(pair.books, IDA)
    pair.books.links["email:ida@lund.example"] = _link("email:ida@lund.example", "b1")  # an order's client, written by us
    with pytest.raises(NothingToDo) as ended:
        pair.sync("books", "b1")
    assert ended.value.code == "guest"
    assert pair.written == []
    pair.to_shop["guests"] = "create"
    pair.sync("books", "b1")
    assert pair.written == ["create at shop"]


def test_the_echo_of_an_order_s_client_never_rewrites_the_account_it_came_from() -> None:
    pair = Pair()
    account = replace(IDA, billing=replace(HOME, line1="The account's own address"))
    pair.shop.store("s1", account, pair.tick())
    pair.add(pair.books, IDA)
    pair.books.links["email:ida@lund.example"] = _link("email:ida@lund.example", "b1")
    pair.settle()
    assert pair.written == []
    pair.edit(pair.books, "b1", phone="88")
    pair.settle()
    assert pair.written == ["update at shop"]
    assert pair.shop.people["s1"].billing.line1 == "The account's own address"
    assert pair.shop.people["s1"].phone == "88"


def test_a_client_made_by_a_person_meets_its_account_by_e_mail_and_the_newer_side_wins() -> None:
    pair = Pair()
    pair.shop.store("s1", replace(IDA, given_name="Old", email="IDA@lund.example"), pair.tick())
    pair.add(pair.books, IDA)
    pair.settle()
    assert pair.written == ["update at shop"]
    assert alike(pair)


def test_what_may_not_be_made_is_left_alone() -> None:
    pair = Pair(to_shop={"new_customers": "skip"})
    pair.add(pair.books, IDA)
    with pytest.raises(NothingToDo) as ended:
        pair.sync("books", "b1")
    assert ended.value.code == "unknown_client"
    pair.add(pair.books, replace(IDA, email=""))
    with pytest.raises(NothingToDo) as ended:
        pair.sync("books", "b2")
    assert ended.value.code == "no_email"
    assert pair.written == []


def test_a_customer_that_is_gone_is_not_made_anew() -> None:
    pair = known()
    pair.edit(pair.books, "b1", phone="9")
    del pair.shop.people["s1"]
    with pytest.raises(NothingToDo) as ended:
        pair.sync("books", "b1")
    assert ended.value.code == "customer_gone"
    assert pair.written == []


def test_a_side_that_cannot_keep_a_field_causes_no_ping_pong() -> None:
    pair = Pair(shop=Side("shop", loses=("tax_number",)))
    pair.add(pair.books, IDA)
    assert pair.settle() <= 2
    pair.edit(pair.books, "b1", tax_number="T-9")
    assert pair.settle() <= 3
    assert pair.written == ["create at shop", "update at shop"]
    assert pair.books.people["b1"].tax_number == "T-9"


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["shop", "books"]),
        st.sampled_from(["given_name", "phone", "tax_number", "email"]),
        st.sampled_from(["1a", "2b", "3c"]),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=200, deadline=None, database=None)
@given(EDITS)
def test_whatever_is_edited_where_it_settles_alike(edits: list[tuple[str, str, str, bool]]) -> None:
    pair = known(conflict="newest")
    for name, field, value, rest in edits:
        side = pair.shop if name == "shop" else pair.books
        pair.edit(side, f"{name[0]}1", **{field: f"{value}@x.example" if field == "email" else value})
        if rest:
            assert pair.settle() <= 3
            assert alike(pair)
    assert pair.settle() <= 3
    assert alike(pair)
    assert (len(pair.shop.people), len(pair.books.people)) == (1, 1)
    pair.forget()
    for name, id in (("books", "b1"), ("shop", "s1"), ("books", "b1")):
        pair.sync(name, id)
    assert pair.written == []


def _link(key: str, id: str) -> Any:
    from connectors.canonical.identity import ObjectType
    from flows.recipes.looks import Link

    return Link(ObjectType.CUSTOMER, key, id, "20260701090000abc")
