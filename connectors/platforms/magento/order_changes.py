"""Writing to orders: comments, status, and fields of the order itself through a partial save."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from connectors.canonical.ledger import OrderNote, OrderStatusChange
from connectors.kit.errors import NeedsAttention
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.magento.api import read_object, send

# The states of the statuses that every shop has; a status of the shop's own leaves the state as it is.
_STATE_OF = {"pending": "new", "processing": "processing", "complete": "complete"}
CLOSED = {"canceled": "cancelled", "closed": "refunded and closed"}


# ---- status ------------------------------------------------------------------------------------------------


def find_status(api: Api, wanted: OrderStatusChange) -> tuple[OrderStatusChange, ...]:
    """The order's status if it is the wanted one already."""
    now = get_status(api, wanted.order_id)
    return (now,) if now.status == wanted.status else ()


def get_status(api: Api, order_id: str) -> OrderStatusChange:
    order = read_order(api, order_id)
    return OrderStatusChange(order["entity_id"].known_identifier(), order.get("status").text_or())


def write_status(api: Api, wanted: OrderStatusChange) -> OrderStatusChange:
    """Set the status with the state that belongs to it: the save checks neither (observed), so only what a person chose is sent."""
    order = read_order(api, wanted.order_id)
    state = order["state"].text()
    if state in CLOSED:
        raise NeedsAttention(
            f"Order {wanted.order_id} is {CLOSED[state]} in the shop, so it was not set to {wanted.status}. Place it again in Magento or "
            "give the payment back.",
            code="order_closed",
            subject=f"order:{wanted.order_id}",
        )
    fields = {"status": wanted.status}
    if wanted.status in _STATE_OF:
        fields["state"] = _STATE_OF[wanted.status]
    save_order(api, wanted.order_id, fields)
    return get_status(api, wanted.order_id)


def read_order(api: Api, order_id: str) -> Tame:
    return read_object(api, "/orders", order_id, "order", "entity_id")


def save_order(api: Api, order_id: str, fields: Mapping[str, Any], effect: Effect = Effect.REPEATABLE) -> None:
    """A partial save: what is not named stays. The order was read before, for a save of an unknown id tries to make a new order
    (observed); the answer is half filled and not looked at.
    """
    api.call("POST", "/orders", json={"entity": {"entity_id": int(order_id), **fields}}, effect=effect)


# ---- comments ----------------------------------------------------------------------------------------------


def find_note(api: Api, wanted: OrderNote) -> tuple[OrderNote, ...]:
    """Our comment with that marker."""
    order_id = read_order(api, wanted.order_id)["entity_id"].known_identifier()
    comments = api.get(f"/orders/{order_id}/comments").json("comments")
    texts = (html.unescape(comment.get("comment").text_or()) for comment in comments["items"].items_or_none())
    return tuple(OrderNote(order_id, text, wanted.marker) for text in texts if carries(text, wanted.marker))


def create_note(api: Api, wanted: OrderNote) -> OrderNote:
    """Add a comment that the buyer neither sees nor hears of.

    It carries the order's present status: without one, releases up to 2.4.6 blank the order's status; with another one, 2.4.7
    refuses and 2.4.8 changes it (observed, and read in the source of older releases). Comments are shown as HTML, so ours is escaped.
    """
    order = read_order(api, wanted.order_id)
    order_id, status = order["entity_id"].known_identifier(), order.get("status").text_or() or order["state"].text()
    history = {
        "comment": html.escape(wanted.text, quote=False),
        "status": status,
        "parent_id": int(order_id),
        "is_customer_notified": 0,
        "is_visible_on_front": 0,
    }
    send(api, "POST", f"/orders/{order_id}/comments", {"statusHistory": history}, Effect.CREATE)
    return OrderNote(order_id, wanted.text, wanted.marker)


def carries(text: str, marker: str) -> bool:
    """Whether the text starts with this marker and not with a longer one ("pay 1" is not "pay 12")."""
    rest = text.removeprefix(marker)
    return bool(marker) and text.startswith(marker) and not (marker[-1].isalnum() and rest[:1].isalnum())
