"""Numbers of invoices: the next one after the last, and no two alike."""

from __future__ import annotations

import re
from typing import Any

from connectors.platforms.freshbooks.sandbox.fields import Refusal, text
from connectors.platforms.freshbooks.sandbox.state import Books

_TAIL = re.compile(r"[0-9A-Za-z]+$")
_FOLLOWING = {"9": "0", "z": "a", "Z": "A"}


def next_number(number: str) -> str:
    """The number after this one: digits and letters count up, as documented ("0041" -> "0042", "00AF" -> "00AG"), and carry."""
    match = _TAIL.search(number)
    if not match:
        return f"{number}1"
    tail, place = list(match[0]), len(match[0]) - 1
    while place >= 0 and tail[place] in _FOLLOWING:
        tail[place] = _FOLLOWING[tail[place]]
        place -= 1
    if place >= 0:
        tail[place] = chr(ord(tail[place]) + 1)
        return number[: match.start()] + "".join(tail)
    return number[: match.start()] + {"0": "1", "a": "a", "A": "A"}[tail[0]] + "".join(tail)


def _taken(books: Books, number: str, own_id: int) -> bool:
    invoices = books.tables["invoices"]
    return any(row["id"] != own_id and row["vis_state"] != 1 for row in invoices.by("invoice_number", number))


def _conflict(number: str, message: str) -> Refusal:
    return Refusal(409, 409, message, field="invoice_number", value=number)


def choose_number(books: Books, wanted: Any, own_id: int = 0) -> str:
    """The wanted number if it is free, else 409; without one the next free number (which collides when switched to)."""
    number = text("invoice_number", wanted, books.switches.number_length)
    if number:
        if _taken(books, number, own_id):
            raise _conflict(number, "This invoice number is already in use.")
        return number
    number = next_number(books.last_number)
    if books.switches.collide_numbers > 0:
        books.switches.collide_numbers -= 1
        raise _conflict(number, "Conflict: resource is being modified by another request.")
    while _taken(books, number, own_id):
        number = next_number(number)
    return number
