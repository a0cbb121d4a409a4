"""Payments of the FreshBooks sandbox, and what they do to their invoice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.platforms.freshbooks.sandbox.credits import book_overpayment, withdraw_overpayment
from connectors.platforms.freshbooks.sandbox.fields import (
    Row,
    amount,
    day,
    flag,
    invalid,
    money,
    required,
    text,
    visibility,
    whole,
)
from connectors.platforms.freshbooks.sandbox.invoice_view import payment_status, show_invoice, touch
from connectors.platforms.freshbooks.sandbox.resource import Includes, Resource, usable
from connectors.platforms.freshbooks.sandbox.search import Filter, between_amounts, between_days, equals, like, one_of
from connectors.platforms.freshbooks.sandbox.state import Books, Table

TYPES = (
    "Check",
    "Credit",
    "Cash",
    "Bank Transfer",
    "Credit Card",
    "Debit",
    "PayPal",
    "2Checkout",
    "VISA",
    "MASTERCARD",
    "DISCOVER",
    "AMEX",
    "DINERS",
    "JCB",
    "ACH",
    "Other",
)


def _read(body: Row) -> Row:
    """The writable fields besides amount and invoiceid. transactionid and orderid are numbers: they carry no foreign references."""
    found: Row = {}
    if "note" in body:
        found["note"] = text("note", body["note"])
    if "date" in body:
        found["date"] = day("date", body["date"])
    if body.get("type") is not None:
        found["type"] = text("type", body["type"])
        if found["type"] not in TYPES:
            raise invalid("type", "The field 'type' is not a known payment type.", body["type"])
    for name in ("orderid", "transactionid"):
        if body.get(name) is not None:
            found[name] = whole(name, body[name])
    if body.get("send_client_notification") is not None:
        found["send_client_notification"] = flag("send_client_notification", body["send_client_notification"])
    return found


def _invoice(books: Books, value: Any) -> Row:
    return usable(books, "invoices", "invoiceid", whole("invoiceid", value), "Invoice")


def _active(books: Books, invoice_id: int) -> list[Row]:
    return [row for row in books.tables["payments"].by("invoiceid", invoice_id) if row["vis_state"] != 1]


def settle_invoice(books: Books, invoice: Row) -> None:
    """Bring an invoice in line with its payments."""
    code = invoice["currency_code"]
    payments = _active(books, invoice["id"])
    paid = sum((Decimal(row["amount"]["amount"]) for row in payments), Decimal(0))
    invoice.update(
        paid=money(paid, code),
        net_paid_amount=money(paid, code),
        outstanding=money(Decimal(invoice["amount"]["amount"]) - paid, code),
    )
    full = payment_status(invoice) == "paid"
    invoice["date_paid"] = max(row["date"] for row in payments) if full else None
    touch(books, invoice)
    books.tell("invoice.update", invoice["id"])


def _split_overpayment(books: Books, invoice: Row, offered: Decimal, own_id: int) -> tuple[Decimal, Decimal]:
    """What the invoice can take, and what is left over for a credit."""
    others = sum((Decimal(row["amount"]["amount"]) for row in _active(books, invoice["id"]) if row["id"] != own_id), Decimal(0))
    room = max(Decimal(invoice["amount"]["amount"]) - others, Decimal(0))
    return min(offered, room), max(offered - room, Decimal(0))


def _take(books: Books, row: Row, invoice: Row, offered: Decimal) -> None:
    """Book the amount; what exceeds the invoice becomes an overpayment credit instead of an error (documented)."""
    code = invoice["currency_code"]
    withdraw_overpayment(books, row["overpaymentid"])
    booked, rest = _split_overpayment(books, invoice, offered, row["id"])
    row.update(
        amount=money(booked, code),
        invoiceid=invoice["id"],
        clientid=invoice["customerid"],
        overpaymentid=book_overpayment(books, invoice, rest, row["date"]) if rest else None,
        updated=books.stamp(),
    )


def create_payment(books: Books, body: Row) -> Row:
    for name in ("invoiceid", "amount", "date"):
        if body.get(name) in (None, "", 0):
            raise required(name)
    invoice = _invoice(books, body["invoiceid"])
    offered = amount("amount", body["amount"], invoice["currency_code"])
    if offered <= 0:
        raise invalid("amount", "The amount of a payment must be greater than zero.", offered)
    found = _read(body)
    table = books.tables["payments"]
    row_id = table.new_id()
    row: Row = {
        "accounting_systemid": books.account_id,
        "bulk_paymentid": None,
        "creditid": None,
        "from_credit": False,
        "gateway": None,
        "id": row_id,
        "logid": row_id,
        "note": "",
        "orderid": None,
        "overpaymentid": None,
        "send_client_notification": None,
        "transaction_uuid": None,
        "transactionid": None,
        "type": "Other",
        "vis_state": 0,
        **found,
    }
    _take(books, row, invoice, offered)
    table.save(row_id, row)
    books.tell("payment.create", row_id)
    settle_invoice(books, invoice)
    return row


def update_payment(books: Books, row: Row, body: Row) -> None:
    """Amount, date, note, type and even the invoice can change; 0.00 is how a refund is noted in the vendor's own sample."""
    before = books.tables["invoices"].rows[row["invoiceid"]]
    invoice = _invoice(books, body["invoiceid"]) if body.get("invoiceid") else before
    code = invoice["currency_code"]
    offered = amount("amount", body["amount"], code) if body.get("amount") is not None else Decimal(row["amount"]["amount"])
    if offered < 0:
        raise invalid("amount", "The amount of a payment must not be negative.", offered)
    row.update(_read(body), updated=books.stamp())
    if body.get("amount") is not None or invoice is not before:
        _take(books, row, invoice, offered)
    _after_change(books, row, [before] if invoice is before else [before, invoice])


def hide_payment(books: Books, row: Row, state: Any) -> None:
    """Deleting gives the invoice its outstanding amount back, restoring takes it again."""
    before, invoice = row["vis_state"], books.tables["invoices"].rows[row["invoiceid"]]
    row.update(vis_state=visibility(state), updated=books.stamp())
    if row["vis_state"] == 1:
        withdraw_overpayment(books, row["overpaymentid"])
        row["overpaymentid"] = None
    elif before == 1:
        _take(books, row, invoice, Decimal(row["amount"]["amount"]))
    _after_change(books, row, [invoice])


def _after_change(books: Books, row: Row, invoices: list[Row]) -> None:
    books.tables["payments"].save(row["id"], row)
    books.tell("payment.delete" if row["vis_state"] == 1 else "payment.update", row["id"])
    for invoice in invoices:
        settle_invoice(books, invoice)


def show_payment(books: Books, row: Row, includes: Includes) -> Row:
    if not includes:
        return row
    invoice = books.tables["invoices"].rows[row["invoiceid"]]
    more: Row = {
        "invoice": show_invoice(books, invoice, frozenset()),
        "client": books.tables["clients"].rows[row["clientid"]],
        "credit_note": None,
        "order": None,
    }
    return row | {name: value for name, value in more.items() if name in includes}


def _invoice_field(name: str) -> Filter:
    return Filter(lambda row, value, books: str(books.tables["invoices"].rows[row["invoiceid"]][name]) == value)


PAYMENTS = Resource(
    path="payments/payments",
    single="payment",
    plural="payments",
    label="Payment",
    scopes=("payments",),
    id_field="logid",
    make_table=lambda first: Table(940001 + first, {"invoiceid": lambda row: row["invoiceid"], "clientid": lambda row: row["clientid"]}),
    show=show_payment,
    create=create_payment,
    update=update_payment,
    hide=hide_payment,
    filters={
        "logid": equals("logid"),
        "logids": one_of("logid"),
        "invoiceid": equals("invoiceid"),
        "clientid": equals("clientid"),
        "clientids": one_of("clientid"),
        "customerid": equals("clientid"),
        "customerids": one_of("clientid"),
        "type": equals("type"),
        "notes": like("note"),
        "currency": _invoice_field("currency_code"),
        "number": _invoice_field("invoice_number"),
        "client_name": Filter(
            lambda row, value, books: any(
                value.casefold() in books.tables["clients"].rows[row["clientid"]][name].casefold()
                for name in ("fname", "lname", "organization")
            )
        ),
        "from_credit": Filter(lambda row, value, _books: row["from_credit"] == (value.lower() in ("1", "true"))),
        "payment_or_credit": Filter(lambda _row, value, _books: value == "invoice"),
        **between_days("date", "date"),
        **between_days("updated", "updated"),
        **between_amounts("amount", "amount"),
    },
)
