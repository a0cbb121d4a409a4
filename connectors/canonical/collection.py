"""What a collector took in: for an invoice that it was given, or for a sale of its own; with what went back and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from connectors.canonical.money import Money


class GivenBackKind(StrEnum):
    """Why money went back."""

    REFUND = "refund"
    DISPUTE = "dispute"  # a lost one: the payer's bank took the money back


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Money that went back to the payer; amount is positive. pending: on its way, it may still fail."""

    id: str
    kind: GivenBackKind
    amount: Money
    occurred_at: datetime
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Fee:
    """What the collector kept for one movement of money, in the currency that it pays out. returned: it gave that back in full since."""

    id: str
    amount: Money
    occurred_at: datetime
    returned: bool = False


@dataclass(frozen=True, slots=True)
class CollectedPayment:
    """One payment that came in. id is what it is known by in all notes and links, reference what people find it by in the collector's
    lists (the charge); method the collector's word ("card").

    settled is the same money in the currency that the collector pays out, at exchange_rate, where that differs from the amount's.
    """

    id: str
    amount: Money
    occurred_at: datetime
    method: str
    given_back: tuple[GivenBack, ...] = ()
    fees: tuple[Fee, ...] = ()
    settled: Money | None = None
    exchange_rate: Decimal | None = None
    reference: str = ""


class CollectionState(StrEnum):
    """How far the collector is."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Collection:
    """An invoice at a collector with all that happened to its money, or a sale without one (invoice_id is "").

    reference is the marker that the flow of invoices put there ("" when a person made it); elsewhere: what the collector was told
    was paid without it; url: where the client pays; test: no money moved, a test account was used.
    Times are aware UTC; time_zone turns them into dates.
    """

    id: str
    state: CollectionState
    currency: str
    total: Money
    created_at: datetime
    updated_at: datetime
    payments: tuple[CollectedPayment, ...] = ()
    invoice_id: str = ""
    number: str = ""
    reference: str = ""
    customer_id: str = ""
    email: str = ""
    name: str = ""
    elsewhere: Money | None = None
    url: str = ""
    time_zone: str = "UTC"
    test: bool = False
