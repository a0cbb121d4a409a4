"""Customers both ways and marked orders between real sandboxes: one round, no ping-pong, the order carries its invoice's number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from credentials.models import Organization
from flows.models import ExternalLink, Flow, SyncJob
from tests.flows.conftest import Town, connect

State = SyncJob.State


@dataclass
class Pair(Town):
    """A shop that also takes customers. orders and payments are unused names of Town; the flows are here."""

    customers: Flow
    clients: Flow
    marks: Flow

    def client(self, email: str) -> dict[str, Any]:
        (found,) = [row for row in self.ledger()["clients"] if row["email"].casefold() == email.casefold()]
        return dict(found)

    def customer(self, id: Any) -> dict[str, Any]:
        return dict(self.ask(self.shop, "customer", id=id))

    def forget(self) -> None:
        for side in (self.shop, self.books):
            self.ask(side, "forget")


@pytest.fixture
def pair(transactional_db: None) -> Iterator[Pair]:
    with ExitStack() as stack:
        served: dict[str, Served] = {}
        for name in ("magento", "freshbooks"):
            spec = get_connector(name).sandbox
            assert spec is not None
            served[name] = serve(spec.build, {"seed": 7})
            stack.callback(served[name].stop)
        organization = Organization.objects.create(name="Acme", slug="acme")
        shop = connect(served["magento"], "magento", organization)
        books = connect(served["freshbooks"], "freshbooks", organization, settle_seconds=0.5)

        def flow(recipe: str, source: Any, destination: Any) -> Flow:
            return Flow.objects.create(organization=organization, label=recipe, source=source, destination=destination, recipe=recipe)

        orders = flow("order_to_invoice", shop, books)
        yield Pair(
            served["magento"],
            served["freshbooks"],
            orders,
            orders,
            flow("customer_to_client", shop, books),
            flow("client_to_customer", books, shop),
            flow("invoice_to_order_mark", books, shop),
        )


def registered(pair: Pair, **fields: Any) -> str:
    address = {"firstname": "Maren", "lastname": "Olsen", "street": ["3 Pier Road"], "city": "Kingston", "region_id": 74,
               "postcode": "K7L 1A1", "country_id": "CA", "telephone": "+1 613 555 0120",
               "default_billing": True, "default_shipping": True}  # fmt: skip
    body = {"email": "maren@olsen.example", "firstname": "Maren", "lastname": "Olsen", "addresses": [address], **fields}
    return str(pair.ask(pair.shop, "create_customer", fields=body)["id"])


def test_an_edit_in_the_books_arrives_in_the_shop_and_its_echo_asks_nobody(pair: Pair) -> None:
    customer = registered(pair)
    pair.run(pair.customers, customer)
    client = pair.client("maren@olsen.example")
    assert pair.run(pair.clients, str(client["id"])).state == State.DONE
    pair.forget()
    pair.ask(pair.books, "edit_client", client_id=client["id"], fields={"bus_phone": "+1 613 555 0999", "lname": "Olsen-Berg"})
    job = pair.run(pair.clients, str(client["id"]))
    assert (job.state, job.reason) == (State.DONE, "")
    now = pair.customer(customer)
    assert (now["lastname"], now["addresses"][0]["telephone"]) == ("Olsen-Berg", "+1 613 555 0999")
    assert len(now["addresses"]) == 1
    assert pair.writes(pair.shop) == {"PUT /rest/VN/customers/N 200": 1}
    with pair.untouched(pair.shop, pair.books):
        echo = pair.run(pair.customers, customer)
        again = pair.run(pair.clients, str(client["id"]))
    assert echo.state == State.DONE
    assert again.state in (State.DONE, State.NOTHING)


def test_an_edit_in_the_shop_arrives_in_the_books_by_the_link(pair: Pair) -> None:
    customer = registered(pair)
    pair.run(pair.customers, customer)
    client = pair.client("maren@olsen.example")
    pair.run(pair.clients, str(client["id"]))
    pair.ask(pair.shop, "update_customer", id=customer, fields={"email": "maren@new.example", "taxvat": "NO 123"})
    assert pair.run(pair.customers, customer).state == State.DONE
    now = pair.client("maren@new.example")
    assert (now["id"], now["vat_number"]) == (client["id"], "NO 123")
    assert len(pair.ledger()["clients"]) == 1
    with pair.untouched(pair.shop, pair.books):
        assert pair.run(pair.clients, str(client["id"])).state == State.DONE
        pair.run(pair.customers, customer)


def test_a_guest_of_an_order_stays_a_guest_and_the_order_carries_its_invoice_s_number(pair: Pair) -> None:
    order = pair.ask(pair.shop, "place_order", rows=[["LAMP-BRASS", 1]], shipping="5.00", paid=True)
    assert pair.run(pair.orders, order["id"]).state == State.DONE
    client = pair.client("iris@vahl.example")
    with pair.untouched(pair.shop):
        ended = pair.run(pair.clients, str(client["id"]))
    assert (ended.state, ended.reason_code) == (State.NOTHING, "guest")
    (invoice,) = pair.ledger()["invoices"]
    assert pair.run(pair.marks, str(invoice["id"])).state == State.DONE
    seen = pair.ask(pair.shop, "order", id=order["id"])
    assert seen["order"]["ext_order_id"] == invoice["number"]
    assert [note["comment"].endswith(f"Invoice {invoice['number']} was written") for note in seen["notes"]] == [True]
    assert pair.ask(pair.shop, "orders")["orders"][0]["status"] == "processing"
    with pair.untouched(pair.shop, pair.books):
        pair.run(pair.marks, str(invoice["id"]))
        pair.run(pair.orders, order["id"])
    link = ExternalLink.objects.get(object_type="order_mark")
    assert (link.remote_id, link.state) == (order["id"], ExternalLink.State.CONFIRMED)


def test_a_person_s_invoice_marks_no_order(pair: Pair) -> None:
    order = pair.ask(pair.shop, "place_order", rows=[["LAMP-BRASS", 1]], paid=True)
    pair.run(pair.orders, order["id"])
    (invoice,) = pair.ledger()["invoices"]
    ExternalLink.objects.filter(object_type="invoice").delete()
    with pair.untouched(pair.shop):
        ended = pair.run(pair.marks, str(invoice["id"]))
    assert (ended.state, ended.reason_code) == (State.NOTHING, "no_order")


def test_a_reference_of_another_program_is_not_overwritten(pair: Pair) -> None:
    order = pair.ask(pair.shop, "place_order", rows=[["LAMP-BRASS", 1]], paid=True)
    pair.run(pair.orders, order["id"])
    pair.shop.sandbox.state.orders[int(order["id"])]["ext_order_id"] = "ERP-77"
    (invoice,) = pair.ledger()["invoices"]
    with pair.untouched(pair.shop):
        ended = pair.run(pair.marks, str(invoice["id"]))
    assert (ended.state, ended.reason_code) == (State.ATTENTION, "reference_taken")
    assert "ERP-77" in ended.reason


# ---- which side wins, and that it ends ---------------------------------------------------------------------


def known(pair: Pair, **rules: Any) -> tuple[str, str]:
    """Maren is a customer and a client, both flows follow these rules, and both sides are at rest."""
    for flow in (pair.customers, pair.clients):
        flow.options = {**flow.options, **rules}
        flow.save()
    customer = registered(pair)
    pair.run(pair.customers, customer)
    client = str(pair.client("maren@olsen.example")["id"])
    settled(pair, customer, client)
    pair.forget()
    return customer, client


def settled(pair: Pair, customer: str, client: str) -> int:
    """Run both flows in turn until a whole round writes nothing; in how many rounds something was written."""
    for written in range(5):
        pair.forget()
        pair.run(pair.clients, client)
        pair.run(pair.customers, customer)
        if not pair.writes(pair.shop) and not pair.writes(pair.books):
            return written
    raise AssertionError("it does not settle")


def sides(pair: Pair, customer: str, client: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Last name and phone number in the shop and in the books."""
    there = pair.customer(customer)
    here = next(row for row in pair.ledger()["clients"] if str(row["id"]) == client)
    return (there["lastname"], there["addresses"][0]["telephone"]), (here["lname"], here["bus_phone"])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"conflict": "books"}, ("Berg", "+1 613 555 0777")),
        ({"conflict": "shop"}, ("Lund", "+1 613 555 0888")),
        ({"conflict": "shop", "wins_phone": "books"}, ("Lund", "+1 613 555 0777")),
        ({"conflict": "books", "wins_name": "shop"}, ("Lund", "+1 613 555 0777")),
    ],
)
def test_of_two_edits_of_one_field_the_rule_s_side_stands_after_one_round(
    pair: Pair, rules: dict[str, str], expected: tuple[str, str]
) -> None:
    customer, client = known(pair, **rules)
    pair.ask(pair.books, "edit_client", client_id=int(client), fields={"lname": "Berg", "bus_phone": "+1 613 555 0777"})
    entry = {**pair.customer(customer)["addresses"][0], "telephone": "+1 613 555 0888"}
    pair.ask(pair.shop, "update_customer", id=customer, fields={"lastname": "Lund", "addresses": [entry]})
    assert settled(pair, customer, client) == 1
    assert sides(pair, customer, client) == (expected, expected)
    assert len(pair.customer(customer)["addresses"]) == 1
    assert len(pair.ledger()["clients"]) == 1


def test_a_field_that_both_sides_changed_waits_for_a_person_if_the_flow_says_so(pair: Pair) -> None:
    customer, client = known(pair, conflict="attention")
    pair.ask(pair.books, "edit_client", client_id=int(client), fields={"lname": "Berg"})
    pair.ask(pair.shop, "update_customer", id=customer, fields={"lastname": "Lund"})
    with pair.untouched(pair.shop, pair.books):
        jobs = [pair.run(pair.clients, client), pair.run(pair.customers, customer)]
    assert [(job.state, job.reason_code) for job in jobs] == [(State.ATTENTION, "both_changed")] * 2
    assert all("maren berg" in job.reason and "maren lund" in job.reason for job in jobs)
    pair.ask(pair.shop, "update_customer", id=customer, fields={"lastname": "Berg"})
    assert settled(pair, customer, client) == 0


def test_edits_of_different_fields_meet_in_one_round(pair: Pair) -> None:
    customer, client = known(pair, conflict="attention")
    pair.ask(pair.books, "edit_client", client_id=int(client), fields={"bus_phone": "+1 613 555 0777"})
    pair.ask(pair.shop, "update_customer", id=customer, fields={"lastname": "Lund"})
    assert settled(pair, customer, client) == 1
    assert sides(pair, customer, client) == (("Lund", "+1 613 555 0777"),) * 2


def test_a_new_client_becomes_a_customer_and_a_guest_only_if_the_flow_says_so(pair: Pair) -> None:
    order = pair.ask(pair.shop, "place_order", rows=[["STAMP", 1]], paid=True)
    pair.run(pair.orders, order["id"])
    guest = str(pair.client("iris@vahl.example")["id"])
    with pair.untouched(pair.shop):
        assert pair.run(pair.clients, guest).reason_code == "guest"
    pair.clients.options = {"guests": "create"}
    pair.clients.save()
    assert pair.run(pair.clients, guest).state == State.DONE
    (made,) = pair.ask(pair.shop, "customers")["customers"]
    assert (made["email"], made["addresses"][0]["city"]) == ("iris@vahl.example", "Hamilton")
    assert settled(pair, str(made["id"]), guest) == 0


def test_the_book_of_addresses_survives_every_edit_in_the_books(pair: Pair) -> None:
    customer, client = known(pair)
    first = pair.customer(customer)["addresses"][0]
    more = {"firstname": "Maren", "lastname": "Olsen", "street": ["7 Dock"], "city": "Oslo", "country_id": "NO", "telephone": "1"}
    pair.ask(pair.shop, "update_customer", id=customer, fields={"addresses": [first, more]})
    settled(pair, customer, client)
    for fields in ({"lname": "Berg"}, {"bus_phone": ""}, {"p_street": "4 Pier Road"}, {"p_street": "", "p_city": "", "p_code": ""}):
        pair.ask(pair.books, "edit_client", client_id=int(client), fields=fields)
        settled(pair, customer, client)
        book = [(one["id"], one["city"], one["street"][0]) for one in pair.customer(customer)["addresses"]]
        assert book[:2] == [(first["id"], "Kingston", "3 Pier Road"), (2, "Oslo", "7 Dock")]
    assert [one["street"] for one in pair.customer(customer)["addresses"] if one.get("default_billing")] == [["4 Pier Road"]]
