"""Which orders changed: a walk over the orders, then one over the refunds, which may leave an order's change time alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.contract import Page
from connectors.kit.errors import Refused, Rejected
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.api import MOST, USUAL, V2, V3, is_more, is_too_many, read_data, read_rows
from connectors.platforms.bigcommerce.statuses import INCOMPLETE
from connectors.platforms.bigcommerce.times import as_version, iso_second, rfc_time

# An incomplete order is a checkout that was left; these words of its payment say that it was not.
_NO_MONEY = ("", "declined", "pending", "void", "void pending")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands. orders: the highest id seen; refunds: the page. size: rows asked for at a time."""

    walk: str = "orders"
    at: int = 0
    size: int = MOST

    @classmethod
    def read(cls, text: str | None) -> Place:
        if text is None:
            return cls()
        match = re.fullmatch(r"(orders|refunds):(\d{1,18}):(\d{1,3})", text)
        if not match:
            raise Rejected(f"cursor: expected walk:place:size, got {text!r}", code="malformed")
        return cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.walk}:{self.at}:{self.size}"


def page_orders(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed orders by id, then the orders of refunds that were made in the window."""
    place = Place.read(cursor)
    return _orders(api, window, place) if place.walk == "orders" else _refunds(api, window, place)


def _orders(api: Api, window: Window, place: Place) -> Page:
    """By id from the last one seen, never by page number: an order that leaves the window while we walk would move the others up.

    v2 lists tell no number of pages. Some stores take fewer than 250 rows at a time (413 is the documented answer, 422 was seen).
    """
    second = timedelta(seconds=1)
    params = [
        ("min_id", str(place.at + 1)),
        ("min_date_modified", iso_second(window.since - second)),
        ("max_date_modified", iso_second(window.until + second)),
        ("sort", "id"),
        ("limit", str(place.size)),
    ]
    try:
        rows = read_rows(api, f"{V2}/orders", "orders", params)
    except Refused as refusal:
        if place.size <= USUAL or not is_too_many(refusal):
            raise
        return Page((), str(Place("orders", place.at, USUAL)))
    notices = tuple(_notice(row) for row in rows if _counts(row, window))
    more = len(rows) >= USUAL
    highest = max((row["id"].integer() for row in rows), default=place.at)
    return Page(notices, str(Place("orders", highest, place.size) if more else Place("refunds", 1, place.size)))


def _counts(row: Tame, window: Window) -> bool:
    changed = rfc_time(row["date_modified"])
    if not window.since.replace(microsecond=0) <= changed <= window.until:
        return False
    return row["status_id"].integer() != INCOMPLETE or row["payment_status"].text_or() not in _NO_MONEY


def _notice(row: Tame) -> Notice:
    return Notice(ObjectType.ORDER, row["id"].known_identifier(), version=as_version(rfc_time(row["date_modified"])))


def _refunds(api: Api, window: Window, place: Place) -> Page:
    """All refunds come in the order of their ids, to which new ones are only added: pages hold still."""
    params = [
        ("created:min", iso_second(window.since)),
        ("created:max", iso_second(window.until + timedelta(seconds=1))),
        ("page", str(place.at)),
        ("limit", str(place.size)),
    ]
    try:
        rows, meta = read_data(api, f"{V3}/orders/payment_actions/refunds", "refunds", params)
    except Refused as refusal:
        if place.size <= USUAL or not is_too_many(refusal):
            raise
        return Page((), str(Place("refunds", 1, USUAL)))
    orders = dict.fromkeys(row["order_id"].known_identifier() for row in rows)
    further = str(Place("refunds", place.at + 1, place.size)) if is_more(rows, meta, place.at) else None
    return Page(tuple(Notice(ObjectType.ORDER, order_id) for order_id in orders), further)
