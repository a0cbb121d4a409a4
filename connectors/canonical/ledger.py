"""What the books hold: invoices, payments and credits, and what comes back to an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connectors.canonical.money import Money
from connectors.canonical.party import Customer


@dataclass(frozen=True, slots=True)
class InvoiceTax:
    """A tax on an invoice line: a name and a percentage (13 = 13 %), at most three decimals. id only when read as a tax of its own."""

    name: str
    percent: Decimal
    id: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line. Its amount is quantity x unit_price, without tax. taxes: at most two; compound: the second on top."""

    name: str
    description: str
    quantity: Decimal
    unit_price: Money
    taxes: tuple[InvoiceTax, ...] = ()
    compound: bool = False


class InvoiceStatus(StrEnum):
    """Where an invoice stands, as far as we decide anything from it."""

    DRAFT = "draft"
    SENT = "sent"
    PAID = "paid"  # only from a collector: it collects nothing more on it; in the books the payments tell
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice to write, or as read back.

    customer_id is the ledger's client id. number and reference (the order number) are our marker: both are
    searchable, and together they say that an invoice is ours. amount, paid, outstanding, status, locked and
    fingerprint are the ledger's answers and are ignored when writing. The fingerprint covers what a person could edit by hand
    (client, date, number, lines), never payments or status; it is "" when the lines were not read. discount_percent is taken off every
    line before tax. payments: what is recorded on it, when they were read. url: where a person sees it; from a collector, where it is paid.
    """

    customer_id: str
    number: str
    reference: str
    issued_on: date
    currency: str
    lines: tuple[InvoiceLine, ...]
    notes: str = ""
    billing: Customer | None = None
    id: str = ""
    amount: Money | None = None
    paid: Money | None = None
    outstanding: Money | None = None
    status: InvoiceStatus = InvoiceStatus.DRAFT
    locked: bool = False
    fingerprint: str = ""
    updated_at: datetime | None = None
    url: str = ""
    due_on: date | None = None
    discount_percent: Decimal = Decimal(0)
    payments: tuple[Payment, ...] = ()


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received on an invoice. method is one of the ledger's payment types; note starts with our marker."""

    invoice_id: str
    amount: Money
    received_on: date
    method: str
    note: str
    id: str = ""
    void: bool = False
    updated_at: datetime | None = None
    invoice: Invoice | None = None  # when read: the invoice as it stands now


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit note for a client. number is our marker."""

    customer_id: str
    number: str
    issued_on: date
    currency: str
    lines: tuple[InvoiceLine, ...]
    notes: str
    id: str = ""
    amount: Money | None = None
    void: bool = False


@dataclass(frozen=True, slots=True)
class OrderStatusChange:
    """Move an order to a platform status ("processing"), with the reference of what paid it."""

    order_id: str
    status: str
    reference: str = ""


@dataclass(frozen=True, slots=True)
class OrderNote:
    """A private note on an order; text starts with a marker so that it is written once."""

    order_id: str
    text: str
    marker: str


@dataclass(frozen=True, slots=True)
class OrderMark:
    """An order that stands in the books under invoice_number, in the ways that a flow chose: in its external reference; in a private note
    that starts with marker; by a status and a custom attribute of these names ("": not so); by an invoice in the shop itself, which some
    shops take for a payment.
    """

    order_id: str
    invoice_number: str
    reference: bool = True
    note: str = ""
    marker: str = ""
    status: str = ""
    attribute: str = ""
    shop_invoice: bool = False


@dataclass(frozen=True, slots=True)
class InvoiceNote:
    """A line in an invoice's notes, which its client sees; text starts with a marker so that it is written once. id: the invoice's.

    instead_of: lines that begin like this go, since the new one takes their place.
    """

    invoice_id: str
    text: str
    marker: str
    id: str = ""
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Expense:
    """Money that something cost. category is the ledger's name of it; notes start with our marker (up to " | ")."""

    amount: Money
    spent_on: date
    category: str
    vendor: str
    notes: str
    id: str = ""
    void: bool = False
