"""Marking an order with the number of its invoice in the books, in the ways that the flow chose."""

from __future__ import annotations

import html
from typing import Any

from connectors.canonical.ledger import OrderMark, OrderNote
from connectors.kit.errors import NeedsAttention, Refused
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.magento.api import send
from connectors.platforms.magento.order_changes import CLOSED, create_note, find_note, read_order, save_order

LONGEST_REFERENCE = 32  # the column; what is longer is cut without a word (observed)


def find_mark(api: Api, wanted: OrderMark) -> tuple[OrderMark, ...]:
    """The mark, if every way of it is there already."""
    order = read_order(api, wanted.order_id)
    return () if _missing(api, order, wanted) else (wanted,)


def create_mark(api: Api, wanted: OrderMark) -> OrderMark:
    """Do what is missing. A reference that something else put there is never overwritten."""
    order = read_order(api, wanted.order_id)
    held = order.get("ext_order_id").text_or()
    if wanted.reference and held not in ("", wanted.invoice_number):
        raise NeedsAttention(
            f'Order {wanted.order_id} has the external reference "{held}" already, so {wanted.invoice_number} was not written there. '
            "Another program may use that field: mark orders in another way on the flow's page.",
            code="reference_taken",
            subject=f"order:{wanted.order_id}",
        )
    return _mark(api, order, wanted)


def update_mark(api: Api, _order_id: str, wanted: OrderMark) -> OrderMark:
    """Mark it anew: the reference that stands there is our own of before."""
    return _mark(api, read_order(api, wanted.order_id), wanted)


def _mark(api: Api, order: Tame, wanted: OrderMark) -> OrderMark:
    """One partial save carries all that is missing, a comment included, so that nothing can stop half-way. A comment by itself goes
    the way of comments.
    """
    _check(wanted)
    missing = _missing(api, order, wanted)
    if missing == ["note"]:  # a comment alone needs a permission that more shops grant
        create_note(api, OrderNote(wanted.order_id, wanted.note, wanted.marker))
        return wanted
    if "shop_invoice" in missing:
        _invoice(api, wanted)
    fields = {name: value for way, (name, value) in _fields(order, wanted).items() if way in missing}
    if fields:
        try:
            save_order(api, wanted.order_id, fields, Effect.CREATE if "note" in missing else Effect.REPEATABLE)
        except Refused as refusal:
            raise _no_attribute(wanted) if "attribute" in missing else refusal from refusal
    if "attribute" in missing and "attribute" in _missing(api, read_order(api, wanted.order_id), wanted):
        raise _no_attribute(wanted)
    return wanted


def _fields(order: Tame, wanted: OrderMark) -> dict[str, tuple[str, Any]]:
    """What each way writes on the order. A comment that comes with a save is free of the rules that comments alone have, and like
    those it carries the status that the order has afterwards.
    """
    present = order.get("status").text_or() or order["state"].text()
    status = wanted.status if wanted.status and order["state"].text() not in CLOSED else present
    history = {
        "comment": html.escape(wanted.note, quote=False),
        "status": status,
        "parent_id": int(order["entity_id"].known_identifier()),
        "entity_name": "order",
        "is_customer_notified": 0,
        "is_visible_on_front": 0,
    }
    return {
        "reference": ("ext_order_id", wanted.invoice_number),
        "attribute": ("extension_attributes", {wanted.attribute: wanted.invoice_number}),
        "status": ("status", wanted.status),
        "note": ("status_histories", [history]),
    }


def _missing(api: Api, order: Tame, wanted: OrderMark) -> list[str]:
    """Which ways are still to be done, in the order in which they are. An order that is cancelled or given back keeps its status and
    gets no invoice any more.
    """
    is_open = order["state"].text() not in CLOSED
    extension = order.get("extension_attributes")
    attribute = "" if extension.is_null or not wanted.attribute else extension.get(wanted.attribute).value
    ways = {
        "reference": wanted.reference and order.get("ext_order_id").text_or() != wanted.invoice_number,
        "attribute": bool(wanted.attribute) and attribute != wanted.invoice_number,
        "status": is_open and bool(wanted.status) and order.get("status").text_or() != wanted.status,
        "shop_invoice": is_open and wanted.shop_invoice and order.get("total_invoiced").is_null,
        "note": bool(wanted.note) and not find_note(api, OrderNote(wanted.order_id, wanted.note, wanted.marker)),
    }
    return [way for way, is_missing in ways.items() if is_missing]


def _check(wanted: OrderMark) -> None:
    if wanted.reference and len(wanted.invoice_number) > LONGEST_REFERENCE:
        raise NeedsAttention(
            f"The invoice number {wanted.invoice_number} is longer than the {LONGEST_REFERENCE} letters of Magento's external reference. "
            "Choose a shorter prefix, or mark orders by a note.",
            code="reference_too_long",
        )


def _no_attribute(wanted: OrderMark) -> NeedsAttention:
    """Open Source has no attributes of orders: an extension of the shop must declare this one, and save it."""
    return NeedsAttention(
        f'The shop does not keep an order attribute "{wanted.attribute}". Let its extension declare and save it, or mark orders in another '
        "way on the flow's page.",
        code="no_attribute",
    )


def _invoice(api: Api, wanted: OrderMark) -> None:
    """Only if the flow asks: for offline methods this makes the order count as paid, even without capture (observed)."""
    body = {"capture": False, "notify": False, "appendComment": False}
    send(api, "POST", f"/order/{wanted.order_id}/invoice", body, Effect.CREATE)
