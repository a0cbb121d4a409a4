"""Customers of a Shopify shop become clients, also when two records are merged into one, and variants become items."""

from __future__ import annotations

from typing import Any

from flows.models import Flow
from tests.flows.conftest import Town
from tests.flows.teas import MakeTown, amounts, place

HOME = {"id": "gid://shopify/MailingAddress/1", "firstName": "Mira", "lastName": "Holt", "name": "Mira Holt", "company": "Holt Ltd.",
        "address1": "4 Quay", "address2": "Loft", "city": "Halifax", "province": "Nova Scotia", "provinceCode": "NS", "country": "Canada",
        "countryCodeV2": "CA", "zip": "B3J 1A1", "phone": "+1 555 0199"}  # fmt: skip


def flow_of(town: Town, recipe: str) -> Flow:
    side = {"organization": town.orders.organization, "source": town.orders.source, "destination": town.orders.destination}
    return Flow.objects.create(label=recipe, recipe=recipe, **side)


def add(town: Town, email: str, **fields: Any) -> str:
    made = town.ask(town.shop, "add_customer", email=email, first_name="Mira", last_name="Holt", address={**HOME, **fields})
    return str(made["id"])


def clients(town: Town) -> list[tuple[str, str, str]]:
    return [(row["email"], row["organization"], row["p_street"]) for row in town.ledger()["clients"]]


def test_a_customer_becomes_a_client_with_its_address_and_its_orders_use_it(tea_town: MakeTown) -> None:
    town = tea_town()
    flow = flow_of(town, "customer_to_client")
    number = add(town, "mira@holt.example")
    assert town.run(flow, number).state == "done"
    (client,) = town.ledger()["clients"]
    assert (client["fname"], client["lname"], client["organization"], client["email"]) == ("Mira", "Holt", "Holt Ltd.", "mira@holt.example")
    assert (client["p_street"], client["p_city"], client["p_code"]) == ("4 Quay", "Halifax", "B3J 1A1")
    order = place(town, email="mira@holt.example", address=HOME)
    assert town.book(order).state == "done"
    assert len(town.ledger()["clients"]) == 1
    assert amounts(town, order) == ("21.24", "21.24")
    with town.untouched(town.books):
        town.run(flow, number, force=True)


def test_merged_customers_leave_the_books_in_peace(tea_town: MakeTown) -> None:
    """The one that is kept is followed; nothing is deleted or merged in the books for the one that is gone."""
    town = tea_town()
    flow = flow_of(town, "customer_to_client")
    kept, gone = add(town, "mira@holt.example"), add(town, "m.holt@old.example", address1="1 Old Road")
    assert [town.run(flow, number).state for number in (kept, gone)] == ["done", "done"]
    before = clients(town)
    town.ask(town.shop, "merge_customers", kept=kept, gone=gone)
    with town.untouched(town.books):
        assert [town.run(flow, number, force=True).state for number in (kept, gone)] == ["done", "nothing"]
    assert clients(town) == before
    order = place(town, email="mira@holt.example", address=HOME)
    assert town.book(order).state == "done"
    assert clients(town) == before


def test_a_redacted_customer_has_nothing_to_be_a_client_by(tea_town: MakeTown) -> None:
    town = tea_town()
    flow = flow_of(town, "customer_to_client")
    made = town.ask(town.shop, "add_customer", email="", first_name="", last_name="")
    assert town.run(flow, str(made["id"])).state == "done"
    (client,) = town.ledger()["clients"]
    assert (client["fname"], client["lname"]) == ("Shopify customer", str(made["id"]))


def test_a_variant_becomes_an_item_and_follows_its_price(tea_town: MakeTown) -> None:
    town = tea_town()
    flow = flow_of(town, "product_to_item")
    number = town.ask(town.shop, "update_product", sku="SH-SHORT", price="7.00")["id"]
    assert town.run(flow, number).state == "done"
    assert [(row["sku"], row["name"], row["unit_cost"]["amount"]) for row in town.ledger()["items"]] == [("SH-SHORT", "Shortbread", "7.00")]
    town.ask(town.shop, "clock", advance=60)
    town.ask(town.shop, "update_product", sku="SH-SHORT", price="7.25")
    assert town.run(flow, number).state == "done"
    assert [row["unit_cost"]["amount"] for row in town.ledger()["items"]] == ["7.25"]
