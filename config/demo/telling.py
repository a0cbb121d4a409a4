"""What else the books tell the shops: orders carry their invoice's number, and a client that a person edits is edited there too."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from config.demo.comparison import OrderResult
from config.demo.platforms import Miniature
from config.demo.progress import tell
from config.demo.stage import CLIENTS, MARK, Stage, told
from config.demo.watching import wait_for_rest

NEW_PHONE = "+1 555 019 9000"


@dataclass(frozen=True)
class Told:
    """Something that a shop was to learn, as a sentence, and whether it did."""

    platform: str
    what: str
    subject: str
    sentence: str
    ok: bool


Look = Callable[[], list[Told]]


def tell_the_shops(
    stage: Stage, orders: Mapping[str, Sequence[Mapping[str, Any]]], results: Sequence[OrderResult], stopping: threading.Event
) -> list[Told]:
    """Wait for the marks, let a person edit a client of each shop that takes clients, and read the shops."""
    looks: list[Look] = []
    for shop in stage.shops:
        placed = orders.get(shop.platform, ())
        numbers = {
            result.order: result.invoice_number
            for result in results
            if result.platform == shop.platform and result.exact and result.invoice_number
        }
        if told(shop, MARK) and numbers:
            looks.append(_marks(shop, placed, numbers))
        if told(shop, CLIENTS) and (edited := _edit(stage, shop, placed)):
            looks.append(edited)
    if not looks:
        return []

    def found() -> list[Told]:
        return [one for look in looks for one in look()]

    wait_for_rest(stage.flows, (*stage.shops, stage.ledger), lambda: sum(one.ok for one in found()), len(found()), stopping)
    return found()


def _marks(shop: Miniature, placed: Sequence[Mapping[str, Any]], numbers: Mapping[str, str]) -> Look:
    """Every booked order carries the number of its invoice, once."""
    wanted = {str(order["id"]): numbers[str(order["number"])] for order in placed if str(order["number"]) in numbers}

    def look() -> list[Told]:
        now = {str(order["id"]): order for order in shop.command("orders")["orders"]}
        right = [id for id, number in wanted.items() if now[id].get("reference") == number and _notes(shop, id, number) == 1]
        sentence = f"{len(right)} of {len(wanted)} orders in {shop.platform} carry the number of their invoice"
        return [Told(shop.platform, "marked orders", f"{len(wanted)} orders", sentence, len(right) == len(wanted))]

    return look


def _notes(shop: Miniature, order_id: str, number: str) -> int:
    notes = shop.command("order", id=order_id)["notes"]
    return sum(f"Invoice {number} was written" in json.dumps(note) for note in notes)


def _edit(stage: Stage, shop: Miniature, placed: Sequence[Mapping[str, Any]]) -> Look | None:
    """A person gives the client of a registered customer another phone number in the books."""
    try:
        customers = shop.command("customers")["customers"]
    except requests.HTTPError:  # this miniature shows no customers
        return None
    known = {str(customer["email"]).casefold(): str(customer["id"]) for customer in customers}
    clients = {str(client["email"]).casefold(): client["id"] for client in stage.ledger.command("books")["clients"]}
    email = next((mail for order in placed if (mail := str(order["email"]).casefold()) in known and mail in clients), "")
    if not email:
        return None
    stage.ledger.command("edit_client", client_id=clients[email], fields={"bus_phone": NEW_PHONE})
    tell(f"A person edits the client {email} in {stage.ledger.label}.")

    def look() -> list[Told]:
        arrived = NEW_PHONE in json.dumps(shop.command("customer", id=known[email]))
        sentence = f"The client {email}, edited in {stage.ledger.label}, {'is' if arrived else 'is not'} edited in {shop.platform}"
        return [Told(shop.platform, "edited client", email, sentence, arrived)]

    return look
