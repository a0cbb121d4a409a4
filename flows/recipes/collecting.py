"""What a payment service should collect for one invoice: the answer of invoice_to_collection's desire, the question of its plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from connectors.canonical.ledger import Invoice, InvoiceLine, Payment
from connectors.canonical.money import Money, total
from connectors.canonical.party import Customer
from connectors.kit.errors import NeedsAttention
from flows.recipes.collecting_lines import amount_line
from flows.recipes.plain import digest

PAY_LINE = "Pay online: "  # begins the line that tells the client, in the invoice's notes, where to pay


@dataclass(frozen=True, slots=True)
class DesiredCollection:
    """lines come to amount; outstanding is what the books still want. skip: why it is left out, unless it was issued already; void: why
    it has to go. draft: not sent yet. marker: our mark on it. payments: what the books show as recorded.
    """

    invoice_id: str
    number: str
    currency: str
    amount: Money
    outstanding: Money
    issued_on: date
    due_on: date | None
    lines: tuple[InvoiceLine, ...]
    client: Customer
    payments: tuple[Payment, ...]
    memo: str
    marker: str
    skip: str
    void: str
    draft: bool
    send: bool
    reissue: bool
    settle: bool
    shops_too: bool
    problem: NeedsAttention | None = None


@dataclass(frozen=True, slots=True)
class Sorted:
    """The recorded payments apart: elsewhere was received without the service; unrecorded is what it collected and the books lack."""

    elsewhere: Money
    unrecorded: Money


def sort_payments(desired: DesiredCollection, collected: Sequence[Payment]) -> Sorted:
    """A recorded payment is the service's if its note names one of the service's own payments (their notes are their ids)."""
    notes = [payment.note for payment in desired.payments]
    known = {payment.note for payment in collected}
    others = [payment.amount for payment in desired.payments if not any(id in payment.note for id in known)]
    lacking = [payment.amount for payment in collected if not any(payment.note in note for note in notes)]
    return Sorted(total(others, desired.currency), total(lacking, desired.currency))


def wanted_invoice(desired: DesiredCollection, elsewhere: Money, issue: int) -> Invoice:
    """The invoice as it should stand at the service. issue: 1, and one more each time that it is issued anew."""
    lines = desired.lines
    if elsewhere:
        lines = (*lines, amount_line("Paid already", -elsewhere))
    again = "" if issue == 1 else f"-{issue}"
    return Invoice(
        "",
        f"{desired.number}{again}",
        desired.marker if issue == 1 else f"{desired.marker}:{issue}",
        desired.issued_on,
        desired.currency,
        lines,
        notes=desired.memo,
        due_on=desired.due_on,
    )


def content_of(desired: DesiredCollection, wanted: Invoice) -> str:
    """A hash of what was asked for; the same for every issue."""
    return digest(desired.client.id, desired.number, wanted.currency, wanted.lines, wanted.notes, wanted.issued_on, wanted.due_on)
