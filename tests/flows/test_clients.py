"""Which client of the books an order's buyer is, and when the client's details follow the shop's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.models import ExternalLink
from tests.flows.bookkeeper import client_by_hand, hide_client
from tests.flows.conftest import Town

BILLING = {"first_name": "Iris", "last_name": "Vahl", "email": "iris@vahl.example", "address_1": "9 Mill Lane", "city": "Hamilton",
           "state": "ON", "postcode": "L8P 1A1", "country": "CA"}  # fmt: skip


def clients(town: Town) -> dict[int, tuple[str, str, int]]:
    """All clients: e-mail, street and visibility by id."""
    return {row["id"]: (row["email"], row["p_street"], row["vis_state"]) for row in town.ledger()["clients"]}


def booked(town: Town, order: dict[str, Any]) -> int:
    """Sync; the id of the client on the order's invoice."""
    job = town.book(order)
    assert job.state == "done", job.reason
    return int(town.invoice(order)["client_id"])


def test_two_orders_of_one_buyer_make_one_client_whatever_the_case(town: Town) -> None:
    first = booked(town, town.order())
    second = booked(town, town.order(billing={**BILLING, "email": "IRIS@Vahl.example"}))
    assert first == second
    assert clients(town) == {first: ("iris@vahl.example", "9 Mill Lane", 0)}


def test_an_existing_client_is_found_by_its_e_mail_and_left_as_it_is(town: Town) -> None:
    known = client_by_hand(town, email="iris@vahl.example", fname="Iris", lname="V.", p_street="1 Old Road")
    assert booked(town, town.order()) == known
    assert clients(town) == {known: ("iris@vahl.example", "1 Old Road", 0)}
    assert ExternalLink.objects.get(object_type="customer").adopted


def test_an_existing_client_is_found_in_another_case(town: Town) -> None:
    known = client_by_hand(town, email="Iris@VAHL.example", fname="Iris")
    assert booked(town, town.order()) == known
    assert len(clients(town)) == 1


def test_of_several_the_oldest_active_one_is_taken(town: Town) -> None:
    archived, oldest, newer = (client_by_hand(town, email="iris@vahl.example", fname=f"Iris {n}") for n in range(3))
    hide_client(town, archived, 2)
    assert booked(town, town.order()) == oldest
    assert set(clients(town)) == {archived, oldest, newer}


def test_of_several_a_person_chooses_if_the_flow_says_so(make_town: Callable[..., Town]) -> None:
    town = make_town(several_clients="attention")
    wrong, right = (client_by_hand(town, email="iris@vahl.example", fname=f"Iris {n}") for n in range(2))
    order = town.order()
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "several_found")
    assert town.ledger()["invoices"] == []
    hide_client(town, wrong)
    assert booked(town, order) == right


def test_a_deleted_client_is_not_invoiced_a_new_one_is_made(town: Town) -> None:
    deleted = client_by_hand(town, email="iris@vahl.example", fname="Iris")
    hide_client(town, deleted)
    made = booked(town, town.order())
    assert made != deleted
    assert clients(town)[deleted][2] == 1


def test_a_client_that_was_deleted_after_its_first_order_is_restored_for_the_next(town: Town) -> None:
    first = booked(town, town.order())
    hide_client(town, first)
    order = town.order()
    job = town.book(order)
    assert (job.state, job.reason_code) == ("waiting", "client_deleted")
    town.due_now()
    town.work()
    assert int(town.invoice(order)["client_id"]) == first
    assert clients(town) == {first: ("iris@vahl.example", "9 Mill Lane", 0)}


def test_a_later_address_updates_the_client_but_an_older_order_does_not(town: Town) -> None:
    town.ask(town.shop, "clock", now="2026-11-01T10:00:00+00:00")
    older = town.order(billing={**BILLING, "address_1": "2 Old Street", "address_2": "Flat 4"})
    town.ask(town.shop, "clock", now="2026-11-02T10:00:00+00:00")
    first = town.order(billing={**BILLING, "address_1": "5 Middle Street", "address_2": "Flat 5"})
    town.ask(town.shop, "clock", now="2026-11-03T10:00:00+00:00")
    latest = town.order(billing={**BILLING, "address_1": "9 New Street"})
    town.ask(town.shop, "clock")
    known = booked(town, first)
    assert clients(town)[known][1] == "5 Middle Street"
    assert booked(town, latest) == known
    assert clients(town)[known][1] == "9 New Street"
    assert town.ledger()["clients"][0]["p_street2"] == ""  # the second line of the old address went with it
    assert booked(town, older) == known
    assert clients(town) == {known: ("iris@vahl.example", "9 New Street", 0)}
    streets = {invoice["reference"]: invoice for invoice in town.ledger()["invoices"]}
    assert len(streets) == 3


def test_clients_are_left_alone_if_the_flow_says_so(make_town: Callable[..., Town]) -> None:
    town = make_town(update_clients=False)
    known = booked(town, town.order())
    town.ask(town.shop, "clock", advance=60)
    later = town.order(billing={**BILLING, "address_1": "9 New Street"})
    town.ask(town.shop, "clock")
    booked(town, later)
    assert clients(town) == {known: ("iris@vahl.example", "9 Mill Lane", 0)}


def test_guests_without_an_e_mail_get_clients_of_their_own(town: Town) -> None:
    nameless = {**BILLING, "email": ""}
    first, second = town.order(billing=nameless), town.order(billing=nameless)
    ids = {booked(town, first), booked(town, second)}
    assert len(ids) == 2
    assert {row["note"] for row in town.ledger()["clients"]} == {
        f"{str(town.orders.source.key).replace('-', '')[:6]}:order:{order['id']}" for order in (first, second)
    }
    with town.untouched(town.books):
        assert town.book(first, force=True).state == "done"


def test_guests_without_an_e_mail_can_share_a_default_client(make_town: Callable[..., Town]) -> None:
    town = make_town()
    counter = client_by_hand(town, organization="Counter sales")
    town.orders.options = {"no_email": "default_client", "default_client": str(counter)}
    town.orders.save()
    assert booked(town, town.order(billing={**BILLING, "email": ""})) == counter
    assert len(clients(town)) == 1


def test_guests_without_an_e_mail_can_wait_for_a_person(make_town: Callable[..., Town]) -> None:
    town = make_town(no_email="attention")
    order = town.order(billing={**BILLING, "email": ""})
    with town.untouched(town.books):
        assert town.book(order).reason_code == "no_email"
    town.change(order, billing={"email": "iris@vahl.example"})
    booked(town, order)


def test_a_corrected_e_mail_moves_the_invoice_to_the_right_client(town: Town) -> None:
    order = town.order(billing={**BILLING, "email": "iris@vhal.example"})
    wrong = booked(town, order)
    town.change(order, billing={"email": "iris@vahl.example"})
    right = booked(town, order)
    assert right != wrong
    assert {row[0] for row in clients(town).values()} == {"iris@vhal.example", "iris@vahl.example"}
    assert len(town.ledger()["invoices"]) == 1
