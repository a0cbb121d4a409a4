"""Compares what the shops say with what the ledger's sandbox really holds: its effects, not our rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

VISIBLE = 0


@dataclass(frozen=True)
class OrderResult:
    """One order beside its invoice, amounts as texts; empty where there is none. problem says why it is not exact."""

    platform: str
    order: str
    currency: str
    order_total: str
    invoice_number: str
    invoice_amount: str
    captured: str
    paid: str
    exact: bool
    latency_ms: int | None
    payments: int = 0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the JSON document says of it; the problem only where there is one."""
        hidden = {"payments"} if self.problem else {"payments", "problem"}
        return {name: value for name, value in asdict(self).items() if name not in hidden}


def compare_order(platform: str, order: Mapping[str, Any], invoices: Sequence[Mapping[str, Any]], latency_ms: int | None) -> OrderResult:
    """One order against all visible invoices that carry its number. What was refunded counts neither as owed nor as paid; of an order
    that is worth nothing the books show nothing.
    """
    owed = Decimal(order["total"]) - Decimal(order["refunded"])
    captured = max(Decimal(order["captured"]) - Decimal(order["refunded"]), Decimal(0))
    nothing: Mapping[str, Any] = {} if owed or captured else {"amount": _like(owed, order["total"])}
    invoice = invoices[0] if invoices else nothing
    payments = [payment for payment in invoice.get("payments", ()) if payment["vis_state"] == VISIBLE]
    paid = sum((Decimal(payment["amount"]) for payment in payments), Decimal(0))
    problem = _problem(order, invoices, owed, captured, paid)
    return OrderResult(
        platform=platform,
        order=str(order["number"]),
        currency=order["currency"],
        order_total=_like(owed, order["total"]),
        invoice_number=str(invoice.get("number", "")),
        invoice_amount=str(invoice.get("amount", "")),
        captured=_like(captured, order["captured"]),
        paid=_like(paid, order["captured"]) if invoice else "",
        exact=not problem,
        latency_ms=latency_ms,
        payments=len(payments),
        problem=problem,
    )


def _problem(order: Mapping[str, Any], invoices: Sequence[Mapping[str, Any]], owed: Decimal, captured: Decimal, paid: Decimal) -> str:
    if not invoices:
        return "there is no invoice" if owed or captured else ""
    if len(invoices) > 1:
        return f"there are {len(invoices)} invoices"
    invoice = invoices[0]
    if invoice["currency"] != order["currency"]:
        return f"the invoice is in {invoice['currency']}"
    if Decimal(invoice["amount"]) != owed:
        return f"the invoice is over {invoice['amount']}"
    if paid != captured or Decimal(invoice["paid"]) != captured:
        return f"{paid} is paid on the invoice"
    return ""


def _like(amount: Decimal, pattern: str) -> str:
    """The amount with as many decimals as the pattern has."""
    places = len(pattern.partition(".")[2])
    return f"{amount:.{places}f}"


def sort_invoices(
    invoices: Iterable[Mapping[str, Any]], number_of: Mapping[str, str]
) -> tuple[dict[str, list[Mapping[str, Any]]], list[str]]:
    """Visible invoices by order id (number_of: the invoice number that each order must have), and the numbers of those that belong
    to no order: an order booked twice would be among them.
    """
    found: dict[str, list[Mapping[str, Any]]] = {order: [] for order in number_of}
    orders = {number: order for order, number in number_of.items()}
    unexplained = []
    for invoice in invoices:
        if invoice["vis_state"] != VISIBLE:
            continue
        number = str(invoice["number"])
        if number in orders:
            found[orders[number]].append(invoice)
        else:
            unexplained.append(number)
    return found, unexplained
