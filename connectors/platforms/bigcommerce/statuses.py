"""The fifteen order statuses: merchants may rename them, so the id decides, and flows use our own stable words for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """One status. paid: BigCommerce itself counts such orders as paid; it decides only where no payment of the order tells."""

    id: int
    word: str
    label: str
    paid: bool = False


INCOMPLETE, REFUNDED, CANCELLED, DECLINED = 0, 4, 5, 6

# Which ones are paid is BigCommerce's own list, with two additions of ours: for a (partly) refunded order money was received.
TABLE = (
    Status(0, "incomplete", "Incomplete"),
    Status(1, "pending", "Pending"),
    Status(2, "shipped", "Shipped", paid=True),
    Status(3, "partially-shipped", "Partially Shipped", paid=True),
    Status(4, "refunded", "Refunded", paid=True),
    Status(5, "cancelled", "Cancelled"),
    Status(6, "declined", "Declined"),
    Status(7, "awaiting-payment", "Awaiting Payment"),
    Status(8, "awaiting-pickup", "Awaiting Pickup", paid=True),
    Status(9, "awaiting-shipment", "Awaiting Shipment", paid=True),
    Status(10, "completed", "Completed", paid=True),
    Status(11, "awaiting-fulfillment", "Awaiting Fulfillment", paid=True),
    Status(12, "manual-verification", "Manual Verification Required"),
    Status(13, "disputed", "Disputed"),
    Status(14, "partially-refunded", "Partially Refunded", paid=True),
)
_BY_ID = {status.id: status for status in TABLE}


def status_of(status_id: int) -> Status:
    """The status with this id. BigCommerce cannot add any; one that is new all the same counts as unpaid."""
    return _BY_ID.get(status_id) or Status(status_id, f"status-{status_id}", f"Status {status_id}")
