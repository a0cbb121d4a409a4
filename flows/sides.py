"""What both sides of one record come to: what the destination should show, and what it does show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice
from connectors.canonical.money import Money
from flows.recipes.contract import Plan
from flows.recipes.looks import Look, Now

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sides:
    """In one currency. sold, captured: what the destination should show as invoiced and as paid; invoiced, paid: what it shows. None
    where nobody could tell.
    """

    currency: str = ""
    sold: Decimal | None = None
    invoiced: Decimal | None = None
    captured: Decimal | None = None
    paid: Decimal | None = None

    def shown(self, invoice: Invoice | None) -> Sides:
        """With what this invoice of the destination says, where that is not known yet."""
        if invoice is None or self.invoiced is not None or (self.currency and invoice.currency != self.currency):
            return self
        paid = invoice.paid.amount if invoice.paid else None
        return replace(self, currency=invoice.currency, invoiced=invoice.amount.amount if invoice.amount else None, paid=paid)

    def owed_nothing(self) -> Sides:
        """Where the source has nothing (any more) that should be in the books."""
        return replace(self, sold=ZERO, captured=ZERO)


UNKNOWN = Sides()


def sides_of(worth: Money | None, desired: Any, plan: Plan, seen: Mapping[Look, Any]) -> Sides:
    """From the proof of an empty plan; else from what is desired and what the plan saw of the destination."""
    proof = plan.tie_out
    if proof is not None:
        sold = proof.source_total - proof.refunded
        return Sides(sold.currency, sold.amount, proof.invoiced.amount, proof.captured.amount, proof.paid.amount)
    wanted = _wanted(worth, desired)
    invoice = next((value for look, value in seen.items() if isinstance(look, Now) and isinstance(value, Invoice)), None)
    if invoice is None and any(change.verb == "create" and change.object_type is ObjectType.INVOICE for change in plan.changes):
        return replace(wanted, invoiced=ZERO, paid=ZERO)
    return wanted.shown(invoice)


def _wanted(worth: Money | None, desired: Any) -> Sides:
    """Orders say what they should come to; of other records only their worth is known."""
    target, captured = getattr(desired, "target", worth), getattr(desired, "captured", None)
    if target is None:
        return UNKNOWN
    wanted = Sides(target.currency, target.amount, captured=captured.amount if captured is not None else None)
    return wanted.owed_nothing() if getattr(desired, "void", "") else wanted
