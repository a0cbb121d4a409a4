"""Names for things that live on a platform: object types, windows, notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ObjectType(StrEnum):
    """The kinds of object that platforms hold and flows carry."""

    ORDER = "order"
    CUSTOMER = "customer"
    PRODUCT = "product"
    INVOICE = "invoice"
    PAYMENT = "payment"
    CREDIT = "credit"
    TAX = "tax"
    ORDER_STATUS = "order_status"
    ORDER_NOTE = "order_note"
    ORDER_MARK = "order_mark"
    COLLECTION = "collection"
    EXPENSE = "expense"
    INVOICE_NOTE = "invoice_note"

    @property
    def plural(self) -> str:
        """For people: "orders", "order statuses"."""
        word = self.value.replace("_", " ")
        return word + ("es" if word.endswith(("s", "x")) else "s")


@dataclass(frozen=True, slots=True)
class Window:
    """A closed reading interval in aware UTC: everything changed in since <= t <= until."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("a window is made of aware times")


@dataclass(frozen=True, slots=True)
class Notice:
    """What an event or a listing tells us: "look at this object". Never the truth about it.

    version is the platform's own change time (or counter) of the object, where it tells one; it is
    comparable as text within one object and serves only to recognise events that come out of order.
    """

    object_type: ObjectType
    source_id: str
    topic: str = ""
    deleted: bool = False
    version: str = ""
