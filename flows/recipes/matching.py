"""Which invoice of the books a collection belongs to: by our link, by our mark, else the payer's only open invoice of that amount."""

from __future__ import annotations

from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, Payment
from connectors.canonical.money import total
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.client_to_customer import PREFIX
from flows.recipes.looks import Link, LinksUnder, Now, OpenInvoices, OwnerOf, View
from flows.recipes.receipts import DesiredReceipts, converted


def invoice_of(desired: DesiredReceipts, view: View) -> str:
    """The id of the invoice in the books. NeedsAttention for a person to match, NothingToDo for what concerns other books."""
    collection = desired.collection
    if collection.invoice_id:
        owner = cast("str | None", view(OwnerOf(ObjectType.INVOICE, collection.invoice_id)))
        if owner:
            return owner.partition(":")[0]
    marked = _marked(desired)
    return marked or _before(desired, view) or _matched(desired, view)


def _marked(desired: DesiredReceipts) -> str:
    """By the mark that our own flow left: which books, which invoice."""
    books, _, rest = desired.collection.reference.partition(":")
    if not rest:
        return ""
    if books != desired.books:
        raise NothingToDo(f"{desired.collection.number} belongs to other books.", code="other_books")
    return rest.partition(":")[0]


def _before(desired: DesiredReceipts, view: View) -> str:
    """Where we recorded a part of it already: once paid, the invoice no longer matches by what is open on it."""
    links = cast("tuple[Link, ...]", view(LinksUnder(ObjectType.PAYMENT, f"{desired.collection.id}:")))
    for link in links:
        payment = cast("Payment | None", view(Now(ObjectType.PAYMENT, link.destination_id)))
        if payment is not None:
            return payment.invoice_id
    return ""


def _matched(desired: DesiredReceipts, view: View) -> str:
    collection = desired.collection
    collected = total((payment.amount for payment in collection.payments), collection.currency)
    if not collected:
        raise NothingToDo(f"Nothing was collected on {collection.number or collection.id} yet.", code="nothing_collected")
    client = cast("str | None", view(OwnerOf(ObjectType.CUSTOMER, collection.customer_id))) if collection.customer_id else None
    client_id = client.removeprefix(PREFIX) if client and client.startswith(PREFIX) else ""
    invoices = cast("tuple[Invoice, ...]", view(OpenInvoices(client_id, collection.email)))
    fitting = [invoice for invoice in invoices if collected in (invoice.outstanding, invoice.amount)]
    if len(fitting) == 1:
        return fitting[0].id
    if not fitting and not desired.rules.ask_unmatched:
        raise NothingToDo(f"No open invoice matches the {collected} that {_payer(desired)} paid.", code="unmatched")
    listed = ", ".join(f"{invoice.number} ({invoice.outstanding} open)" for invoice in fitting or invoices) or "none"
    raise NeedsAttention(
        f"Manual review: {converted(collection)} from {_payer(desired)} belongs to no invoice that we know. Open invoices "
        f"{'of that amount' if fitting else 'of this payer'}: {listed}. Record the payment there by hand.",
        code="manual_review",
        subject=f"collection:{collection.id}",
    )


def _payer(desired: DesiredReceipts) -> str:
    return desired.collection.name or desired.collection.email or "an unknown payer"
