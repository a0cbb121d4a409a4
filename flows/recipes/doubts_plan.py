"""What may have been written without our seeing the answer is looked for before anything is decided about an order."""

from __future__ import annotations

from datetime import date
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Credit, Invoice, Payment
from connectors.canonical.money import Money
from flows.recipes.contract import Change
from flows.recipes.desired_books import DesiredBooks
from flows.recipes.looks import DoubtsUnder, Link, LinkOf, Now, View

Changes = tuple[Change, ...]


def settle_doubts(desired: DesiredBooks, link: Link | None, view: View) -> Changes:
    """The looks that are due first; none when nothing is in doubt.

    An invoice that is wanted anyway needs no such look: its creation searches by itself.
    """
    if link is not None:
        return (*_payments(desired, link, view), *_credits(desired, link, view))
    unwanted = desired.skip or desired.void or desired.problem is not None
    if not unwanted or not view(DoubtsUnder(ObjectType.INVOICE, desired.order_id)):
        return ()
    client = cast("Link | None", view(LinkOf(ObjectType.CUSTOMER, desired.client.key))) if desired.client.key else None
    customer_id = desired.client.client_id or (client.destination_id if client else "")
    searched = Invoice(customer_id, desired.invoice_number, desired.number, date.min, desired.currency, ())
    title = f"Look whether invoice {desired.invoice_number} was created"
    return (Change("adopt", ObjectType.INVOICE, desired.order_id, title, searched),)


def _payments(desired: DesiredBooks, link: Link, view: View) -> tuple[Change, ...]:
    """Find out first what became of payments whose answer got lost: on the invoice they look like a person's."""
    keys = cast("tuple[str, ...]", view(DoubtsUnder(ObjectType.PAYMENT, f"{desired.order_id}:")))
    zero = Money.zero(desired.currency)
    changes = []
    for key in keys:
        note = f"{desired.marker}{key.partition(':')[2]}"
        searched = Payment(link.destination_id, zero, date.min, "", note)
        changes.append(Change("adopt", ObjectType.PAYMENT, key, f"Look whether the payment {note} was recorded", searched))
    return tuple(changes)


def _credits(desired: DesiredBooks, link: Link, view: View) -> tuple[Change, ...]:
    """Credit notes whose creation was not seen answered, where they are no longer wanted: found and adopted, so that they can be voided."""
    keys = cast("tuple[str, ...]", view(DoubtsUnder(ObjectType.CREDIT, f"{desired.order_id}:")))
    wanted = {credit.key for credit in desired.credits}
    lost = [key for key in keys if key not in wanted]
    if not lost:
        return ()
    invoice = cast("Invoice | None", view(Now(ObjectType.INVOICE, link.destination_id)))
    client = invoice.customer_id if invoice else ""
    return tuple(
        Change("adopt", ObjectType.CREDIT, key, f"Look whether credit note {number} was created",
               Credit(client, number, date.min, desired.currency, (), ""))
        for key in lost
        for number in [f"{desired.invoice_number}-R{key.partition(':')[2]}"]
    )  # fmt: skip
