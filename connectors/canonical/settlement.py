"""Money that moved for an order: payments captured and refunds given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from connectors.canonical.money import Money


class TransactionKind(StrEnum):
    """What a transaction did. Only sale and capture are money received."""

    SALE = "sale"
    CAPTURE = "capture"
    AUTHORISATION = "authorisation"
    VOID = "void"


class TransactionStatus(StrEnum):
    """How a transaction ended."""

    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A payment event. id is unique within its order; reference is the processor's own id, for the note.

    assumed: the platform says that the order was paid, not how much; the amount is what the order comes to now.
    undated: nor when; occurred_at is the order's last change, and says nothing about which payment this is.
    """

    id: str
    kind: TransactionKind
    status: TransactionStatus
    gateway: str
    amount: Money
    occurred_at: datetime
    reference: str = ""
    assumed: bool = False
    undated: bool = False

    @property
    def is_captured(self) -> bool:
        """Whether this is money that was really received."""
        received = self.kind in (TransactionKind.SALE, TransactionKind.CAPTURE)
        return received and self.status is TransactionStatus.SUCCEEDED


@dataclass(frozen=True, slots=True)
class RefundLine:
    """Part of a refund: which order line or charge (line_id), how many, positive amounts, total without tax."""

    line_id: str
    quantity: Decimal
    total: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Repaid:
    """The part of a refund that went back over one of the order's payments ("" where the platform does not say which)."""

    transaction_id: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back. amount is positive, tax included; lines may be empty (an amount-only refund).

    transaction_id is the payment that it went back over; where there were several, repaid names each with its part. excess: what of the
    amount was never owed (paid twice, or edited away after it was paid); it lowers payments, but not what the order is worth.
    """

    id: str
    amount: Money
    occurred_at: datetime
    reason: str = ""
    lines: tuple[RefundLine, ...] = ()
    transaction_id: str = ""
    repaid: tuple[Repaid, ...] = ()
    excess: Money | None = None

    @property
    def lowers(self) -> Money:
        """By how much it lowers what the order is worth."""
        return self.amount if self.excess is None else self.amount - self.excess
