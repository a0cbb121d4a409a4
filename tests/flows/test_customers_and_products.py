"""Customers become clients and products become items, and follow the shop as the flow says."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from credentials.vault import read_secrets
from flows.models import ExternalLink, Flow, ItemMapping
from tests.flows.bookkeeper import client_by_hand
from tests.flows.conftest import Town


def shop(town: Town, method: str, path: str, **fields: Any) -> dict[str, Any]:
    """The merchant's own change through the shop's API."""
    secrets = read_secrets(town.orders.source)
    keys = (secrets["consumer_key"], secrets["consumer_secret"])
    answer = requests.request(method, f"{town.shop.url}/wp-json/wc/v3/{path}", json=fields, auth=keys, timeout=10)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


def flow_of(town: Town, recipe: str, **options: Any) -> Flow:
    side = {"organization": town.orders.organization, "source": town.orders.source, "destination": town.orders.destination}
    return Flow.objects.create(label=recipe, recipe=recipe, options=options, **side)


def new_customer(town: Town, email: str = "mira@holt.example", street: str = "4 Quay") -> dict[str, Any]:
    billing = {"first_name": "Mira", "last_name": "Holt", "address_1": street, "city": "Halifax", "country": "CA", "email": email}
    return shop(town, "POST", "customers", email=email, first_name="Mira", last_name="Holt", billing=billing)


def clients(town: Town) -> list[tuple[str, str]]:
    return [(row["email"], row["p_street"]) for row in town.ledger()["clients"]]


def items(town: Town) -> list[tuple[str, str, str]]:
    return [(row["sku"], row["name"], row["unit_cost"]["amount"]) for row in town.ledger()["items"]]


def test_a_customer_becomes_a_client_that_its_orders_use(town: Town) -> None:
    flow = flow_of(town, "customer_to_client")
    made = new_customer(town)
    assert town.run(flow, str(made["id"])).state == "done"
    assert clients(town) == [("mira@holt.example", "4 Quay")]
    billing = {
        "first_name": "Mira",
        "last_name": "Holt",
        "email": "Mira@holt.example",
        "address_1": "4 Quay",
        "state": "ON",
        "country": "CA",
    }
    order = town.order(billing=billing, customer_id=made["id"])
    assert town.book(order).state == "done"
    assert len(clients(town)) == 1
    assert town.invoice(order)["client_id"] == town.ledger()["clients"][0]["id"]


def test_a_changed_customer_updates_the_client_once(town: Town) -> None:
    flow = flow_of(town, "customer_to_client")
    made = new_customer(town)
    town.run(flow, str(made["id"]))
    town.ask(town.shop, "clock", advance=60)
    shop_customer = town.shop.sandbox.state.customers[made["id"]]
    shop_customer.billing["address_1"], shop_customer.modified = "7 Hill", town.shop.sandbox.state.now()
    town.ask(town.shop, "clock")
    town.books.sandbox.command("forget", {})
    assert town.run(flow, str(made["id"])).state == "done"
    assert clients(town) == [("mira@holt.example", "7 Hill")]
    assert len(town.writes(town.books)) == 1
    with town.untouched(town.books):
        town.run(flow, str(made["id"]), force=True)


@pytest.mark.parametrize(("conflict", "street"), [("shop", "4 Quay"), ("books", "1 Old Road")])
def test_who_wins_over_an_existing_client_is_the_flows_choice(town: Town, conflict: str, street: str) -> None:
    flow = flow_of(town, "customer_to_client", conflict=conflict)
    client_by_hand(town, email="mira@holt.example", fname="Mira", p_street="1 Old Road")
    made = new_customer(town)
    job = town.run(flow, str(made["id"]))
    assert job.state == "done", job.reason
    assert [client[0] for client in clients(town)] == ["mira@holt.example"]
    town.ask(town.shop, "clock", advance=60)
    customer = town.shop.sandbox.state.customers[made["id"]]
    customer.billing["phone"], customer.modified = "+1 555 0100", town.shop.sandbox.state.now()
    town.ask(town.shop, "clock")
    town.run(flow, str(made["id"]))
    assert clients(town) == [("mira@holt.example", street)]


def test_a_product_becomes_an_item_and_follows_its_price(town: Town) -> None:
    flow = flow_of(town, "product_to_item")
    made = shop(town, "POST", "products", name="Oolong, 80 g", sku="TEA-OO-80", regular_price="12.30", status="publish")
    assert town.run(flow, str(made["id"])).state == "done"
    assert items(town) == [("TEA-OO-80", "Oolong, 80 g", "12.30")]
    shop(town, "PUT", f"products/{made['id']}", regular_price="13.05")
    assert town.run(flow, str(made["id"])).state == "done"
    assert items(town) == [("TEA-OO-80", "Oolong, 80 g", "13.05")]
    with town.untouched(town.books):
        town.run(flow, str(made["id"]), force=True)
    assert ExternalLink.objects.filter(object_type="product").count() == 1


def test_products_that_nothing_can_be_found_by_are_left_out(town: Town) -> None:
    flow = flow_of(town, "product_to_item")
    bare = shop(town, "POST", "products", name="Sampler", regular_price="4.00", status="publish")
    mapped = shop(town, "POST", "products", name="Oolong", sku="TEA-OO-80", regular_price="4.00", status="publish")
    ItemMapping.objects.create(flow=flow, sku="TEA-OO-80", item_id="7", item_name="Loose tea")
    with town.untouched(town.books):
        jobs = [town.run(flow, str(product["id"])) for product in (bare, mapped)]
    assert [(job.state, job.reason_code) for job in jobs] == [("nothing", "no_sku"), ("nothing", "mapped")]
    assert items(town) == []
