"""Invoices to collect: drafts with lines of exact amounts, finalized only by an action of their own."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.canonical.ledger import Invoice, InvoiceStatus
from connectors.canonical.money import Money, total
from connectors.kit.account import Account
from connectors.kit.contract import Writes
from connectors.kit.errors import Gone, NeedsAttention, Refused
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.stripe import api as stripe
from connectors.platforms.stripe.amounts import from_units, read_time, read_time_or
from connectors.platforms.stripe.customers import MARKER, TEXT_LIMIT, marker_of
from connectors.platforms.stripe.lines import MOST_LINES, read_lines, to_wire, unlike
from connectors.platforms.stripe.payments import read_payments

PATH = "/v1/invoices"
STATUSES = {
    "draft": InvoiceStatus.DRAFT,
    "open": InvoiceStatus.SENT,
    "uncollectible": InvoiceStatus.SENT,
    "paid": InvoiceStatus.PAID,
    "void": InvoiceStatus.VOID,
}
STILL_TO_COME = timedelta(minutes=10)


def address_of(id: str) -> str:
    return f"{PATH}/{stripe.path_id(('in_',), id)}"


# ---- reading -----------------------------------------------------------------------------------------------


def read_status(invoice: Tame) -> InvoiceStatus:
    found = STATUSES.get(invoice["status"].text())
    if found is None:
        raise invoice["status"].fail("a status of an invoice")
    return found


def read_invoice(invoice: Tame, account: Account, rows: list[Tame], paid: list[Tame]) -> Invoice:
    """An invoice as Stripe shows it. rows: all its lines; paid: its invoice payments, of which only Stripe's own count as paid."""
    currency = invoice["currency"].currency()
    id, status, zone = invoice["id"].known_identifier(), read_status(invoice), ZoneInfo(account.time_zone)
    payments = read_payments(paid, id, currency, account)
    due, created = invoice.get("due_date"), read_time(invoice["created"])
    return Invoice(
        customer_id=invoice["customer"].known_identifier(),
        number=invoice.get("number").text_or(),
        reference=marker_of(invoice),
        issued_on=read_time_or(invoice.get("effective_at"), created).astimezone(zone).date(),
        currency=currency,
        lines=read_lines(rows, currency),
        notes=invoice.get("description").text_or(),
        id=id,
        amount=from_units(invoice["total"], currency),
        paid=total((payment.amount for payment in payments), currency),
        outstanding=from_units(invoice["amount_due" if status is InvoiceStatus.DRAFT else "amount_remaining"], currency),
        status=status,
        updated_at=created,
        url=invoice.get("hosted_invoice_url").text_or(),
        due_on=None if due.is_null else read_time(due).astimezone(zone).date(),
        payments=payments,
    )


def _whole(api: Api, invoice: Tame) -> Invoice:
    """The invoice with all its lines and payments; a fresh draft has no payments to ask for."""
    id, lines = invoice["id"].known_identifier(), invoice["lines"]
    rows = list(lines["data"].items())
    if lines["has_more"].boolean():
        rows = list(stripe.list_all(api, f"{address_of(id)}/lines", "line", {}))
    draft = read_status(invoice) is InvoiceStatus.DRAFT
    paid = [] if draft else list(stripe.list_all(api, "/v1/invoice_payments", "invoice_payment", {"invoice": id}))
    return read_invoice(invoice, api.account, rows, paid)


def get_invoice(api: Api, id: str) -> Invoice:
    return _whole(api, stripe.read_object(api, address_of(id), "invoice"))


def find_invoices(api: Api, wanted: Invoice) -> tuple[Invoice, ...]:
    """This customer's invoices that carry our marker, oldest first. Listings show what was written at once; the search would not."""
    if not wanted.customer_id or not wanted.reference:
        return ()
    rows = stripe.list_all(api, PATH, "invoice", {"customer": wanted.customer_id})
    ours = [row for row in rows if marker_of(row) == wanted.reference]
    return tuple(_whole(api, row) for row in reversed(ours))


# ---- writing -----------------------------------------------------------------------------------------------


def _due(api: Api, due_on: date | None, issued_on: date) -> int:
    """The end of a day where the account is. Stripe wants it to lie ahead; of what is overdue it is today's, not so many hours from now,
    since a repeat under the same idempotency key must say the same.
    """
    zone = ZoneInfo(api.account.time_zone)
    earliest = (api.plumbing.now() + STILL_TO_COME).astimezone(zone).date()
    return int(datetime.combine(max(due_on or issued_on, earliest), time(23, 59, 59), zone).timestamp())


def _fields(api: Api, invoice: Invoice) -> dict[str, Any]:
    return {
        "due_date": _due(api, invoice.due_on, invoice.issued_on),
        "number": invoice.number or None,
        "description": invoice.notes[:TEXT_LIMIT],
        "metadata": {MARKER: invoice.reference},
        "auto_advance": False,
    }


def create_invoice(api: Api, invoice: Invoice) -> Invoice:
    """Make a draft with all its lines; what Stripe makes of them comes back in amount and is for the caller to compare."""
    wanted = [to_wire(line) for line in invoice.lines]  # what cannot be written is refused before anything is
    if len(wanted) > MOST_LINES:
        raise NeedsAttention(f"The invoice {invoice.number} has {len(wanted)} lines; Stripe takes {MOST_LINES}.", code="too_many_lines")
    operation = stripe.operation_of(api)
    head = {
        "customer": invoice.customer_id,
        "currency": invoice.currency.lower(),
        "collection_method": "send_invoice",
        "pending_invoice_items_behavior": "exclude",
        **_fields(api, invoice),
    }
    try:
        draft = stripe.create(api, PATH, head, "invoice", operation, "invoice")
    except Gone as error:  # of the customer: the collection itself is always there
        raise Refused(error.message, code="reference_missing") from error
    id = draft["id"].known_identifier()
    return _whole(api, stripe.create(api, f"{address_of(id)}/add_lines", {"lines": wanted}, "invoice", operation, "lines"))


def update_invoice(api: Api, id: str, invoice: Invoice) -> Invoice:
    """Bring a draft's head and lines to what is wanted; lines that are right stay. Anything but a draft is frozen."""
    present = get_invoice(api, id)
    if present.status is not InvoiceStatus.DRAFT:
        raise NeedsAttention(f"The Stripe invoice {present.number or id} is finalized; its amounts cannot be changed.", code="finalized")
    wanted = [to_wire(line) for line in invoice.lines]
    rows = list(stripe.list_all(api, f"{address_of(id)}/lines", "line", {}))
    surplus, missing = unlike(rows, wanted)
    if surplus:
        stripe.change(api, f"{address_of(id)}/remove_lines", {"lines": [{"id": row, "behavior": "delete"} for row in surplus]}, "invoice")
    if missing:
        stripe.change(api, f"{address_of(id)}/add_lines", {"lines": missing}, "invoice")
    return _whole(api, stripe.change(api, address_of(id), _fields(api, invoice), "invoice"))


# ---- actions: each looks first, so that a repeat after a lost answer finds it done ---------------------------


def finalize(api: Api, id: str) -> Invoice:
    present = get_invoice(api, id)
    if present.status is not InvoiceStatus.DRAFT:
        return present
    return _whole(api, stripe.change(api, f"{address_of(id)}/finalize", {"auto_advance": False}, "invoice"))


def send(api: Api, id: str) -> Invoice:
    """Finalize a draft and have Stripe mail it, in one step: what is finalized already was sent, and is not sent again."""
    present = get_invoice(api, id)
    if present.status is not InvoiceStatus.DRAFT:
        return present
    return _whole(api, stripe.change(api, f"{address_of(id)}/send", {}, "invoice"))


def void(api: Api, id: str) -> Invoice:
    """A draft is deleted, a finalized invoice voided; neither can be undone."""
    try:
        present = get_invoice(api, id)
    except Gone:
        return Invoice("", "", "", date.min, "XXX", (), id=id, status=InvoiceStatus.VOID)
    if present.status is InvoiceStatus.DRAFT:
        stripe.change(api, address_of(id), {}, "invoice", "DELETE")
        zero = Money(Decimal(0), present.currency)
        return Invoice(
            present.customer_id,
            present.number,
            present.reference,
            present.issued_on,
            present.currency,
            (),
            id=id,
            amount=zero,
            paid=zero,
            outstanding=zero,
            status=InvoiceStatus.VOID,
        )
    if present.status is InvoiceStatus.VOID:
        return present
    return _whole(api, stripe.change(api, f"{address_of(id)}/void", {}, "invoice"))


def settle_elsewhere(api: Api, id: str) -> Invoice:
    """The rest was paid without Stripe: nothing more is collected."""
    present = get_invoice(api, id)
    if present.status is not InvoiceStatus.SENT:
        return present
    return _whole(api, stripe.change(api, f"{address_of(id)}/pay", {"paid_out_of_band": True}, "invoice"))


WRITES = Writes(
    find=find_invoices,
    create=create_invoice,
    get=get_invoice,
    update=update_invoice,
    actions={"finalize": finalize, "send": send, "void": void, "settle_elsewhere": settle_elsewhere},
    owns=lambda found, wanted: found.reference == wanted.reference,
    settle=timedelta(seconds=60),
)
