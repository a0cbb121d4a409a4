"""Private notes on orders: a trace in the shop that changes nothing and raises no event (observed)."""

from __future__ import annotations

import html

from connectors.canonical.ledger import OrderNote
from connectors.kit.http import Api
from connectors.platforms.woocommerce.api import V3, create_json, path_id


def find_note(api: Api, wanted: OrderNote) -> tuple[OrderNote, ...]:
    """Our note with that marker. The list of notes has no pages and no search (observed)."""
    notes = api.get(_path(wanted.order_id), {"type": "internal"}).json("notes")
    texts = (html.unescape(note["note"].text_or()) for note in notes.items())
    return tuple(OrderNote(wanted.order_id, text, wanted.marker) for text in texts if _carries(text, wanted.marker))


def create_note(api: Api, wanted: OrderNote) -> OrderNote:
    """Add the note; customer_note stays off, for it would send an e-mail to the buyer."""
    answer = create_json(api, _path(wanted.order_id), {"note": wanted.text, "customer_note": False})
    return OrderNote(wanted.order_id, html.unescape(answer["note"].text()), wanted.marker)


def _path(order_id: str) -> str:
    return f"{V3}/orders/{path_id(order_id)}/notes"


def _carries(text: str, marker: str) -> bool:
    """Whether the text starts with this marker and not with a longer one ("pay 1" is not "pay 12")."""
    rest = text.removeprefix(marker)
    return bool(marker) and text.startswith(marker) and not (marker[-1].isalnum() and rest[:1].isalnum())
