"""Invoices of the FreshBooks sandbox: creating, editing, sending, hiding; what is paid comes from the payments alone."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connectors.platforms.freshbooks.sandbox.clients import ADDRESS
from connectors.platforms.freshbooks.sandbox.fields import (
    Refusal,
    Row,
    currency,
    day,
    flag,
    invalid,
    money,
    number,
    percent,
    plain,
    required,
    text,
    visibility,
    whole,
)
from connectors.platforms.freshbooks.sandbox.invoice_view import blank_invoice, touch
from connectors.platforms.freshbooks.sandbox.lines import read_lines, total_lines
from connectors.platforms.freshbooks.sandbox.numbers import choose_number
from connectors.platforms.freshbooks.sandbox.resource import usable
from connectors.platforms.freshbooks.sandbox.state import Books

DRAFT, SENT = 1, 2
_COPIED = ("fname", "lname", "organization")
_TEXTS = (*_COPIED, *ADDRESS, "address", "notes", "vat_name", "vat_number", "template")
_NULL_TEXTS = ("terms", "discount_description", "return_uri", "generation_date")


def _refuse_read_only(body: Row) -> None:
    """due_date is 403 with errno 1038, a worded status 422 with 1015, a status that only payments reach 422 (all seen live)."""
    if "due_date" in body:
        raise Refusal(403, 1038, "Write access denied to field due_date.", field="due_date", value=body["due_date"])
    status = body.get("status")
    if status is None:
        return
    if isinstance(status, bool) or not isinstance(status, int):
        raise invalid("status", "The field 'status' must be a number.", status, 1015)
    if not 0 <= status <= 3:
        raise invalid("status", "Status must be one of 'draft', 'sent', 'viewed' or 'disputed'.", status)


def _read_plain(books: Books, body: Row) -> Row:
    """The writable fields that need nothing else of the invoice; read-only and unknown ones are dropped."""
    found: Row = {name: text(name, body[name]) for name in _TEXTS if name in body}
    found |= {name: text(name, body[name]) or None for name in _NULL_TEXTS if name in body}
    if "po_number" in body:
        found["po_number"] = text("po_number", body["po_number"], 50) or None
    if body.get("language"):
        found["language"] = text("language", body["language"], 5)
    if "create_date" in body:
        found["create_date"] = day("create_date", body["create_date"])
    if body.get("due_offset_days") is not None:
        found["due_offset_days"] = whole("due_offset_days", body["due_offset_days"])
        if found["due_offset_days"] > 36500:
            raise invalid("due_offset_days", "The field 'due_offset_days' is out of range.", body["due_offset_days"])
    if body.get("discount_value") is not None:
        found["discount_value"] = plain(percent("discount_value", body["discount_value"] or "0", 12))
    for name in ("auto_bill", "show_attachments", "attach_pdf_to_email"):
        if body.get(name) is not None:
            found[name] = flag(name, body[name])
    if "deposit_percentage" in body:
        sent = body["deposit_percentage"]
        found["deposit_percentage"] = None if sent is None else plain(number("deposit_percentage", sent))
    return found


def _settle(books: Books, row: Row, lines: list[Row]) -> None:
    """Work out the totals; raises before anything of the row is changed."""
    code, discount = row["currency_code"], Decimal(row["discount_value"])
    totals = total_lines(books, lines, discount, code)
    for line in lines:
        line["invoiceid"] = row["id"]
    try:
        due = date.fromisoformat(row["create_date"]) + timedelta(days=row["due_offset_days"])
    except OverflowError:
        raise invalid("due_offset_days", "The due date is out of range.", row["due_offset_days"]) from None
    paid = Decimal(row["paid"]["amount"])
    row.update(
        lines=lines,
        due_date=due.isoformat(),
        description=lines[0]["description"] if lines else "",
        amount=money(totals.amount, code),
        paid=money(paid, code),
        net_paid_amount=money(paid, code),
        outstanding=money(totals.amount - paid, code),
        discount_total=money(-totals.discount if totals.discount else totals.discount, code),
        discount={"amount": money(totals.discount, code), "rate": plain(discount), "type": "percent"},
    )


def create_invoice(books: Books, body: Row) -> Row:
    """Always a draft, whatever status is sent along."""
    _refuse_read_only(body)
    for name in ("customerid", "create_date"):
        if body.get(name) in (None, "", 0):
            raise required(name)
    client = usable(books, "clients", "customerid", whole("customerid", body["customerid"]), "Client")
    found = _read_plain(books, body)
    code = currency("currency_code", body.get("currency_code") or client["currency_code"])
    lines = read_lines(books, body.get("lines"), code)
    table = books.tables["invoices"]
    row = blank_invoice(books, client, code) | found
    row["invoice_number"] = choose_number(books, body.get("invoice_number"))
    row["id"] = row["invoiceid"] = table.new_id()
    _settle(books, row, lines)
    books.last_number = row["invoice_number"]
    touch(books, row)
    books.tell("invoice.create", row["id"])
    return row


def update_invoice(books: Books, row: Row, body: Row) -> None:
    """An action, or else an edit of fields; an action is carried out alone."""
    if row["lock_status"] != "unlocked":
        raise Refusal(403, 1003, "This invoice is locked and cannot be changed.", field="lock_status", value=row["lock_status"])
    if body.get("action_mark_as_sent") or body.get("action_email"):
        send_invoice(books, row, body)
    else:
        _edit(books, row, body)


def _edit(books: Books, row: Row, body: Row) -> None:
    _refuse_read_only(body)
    changed = dict(row) | _read_plain(books, body)
    if body.get("customerid"):
        client = usable(books, "clients", "customerid", whole("customerid", body["customerid"]), "Client")
        changed["customerid"] = client["id"]
    if body.get("currency_code"):
        changed["currency_code"] = currency("currency_code", body["currency_code"])
    if body.get("invoice_number"):
        changed["invoice_number"] = choose_number(books, body["invoice_number"], row["id"])
    sent = body["lines"] if "lines" in body else [dict(line) for line in row["lines"]]
    lines = read_lines(books, sent, changed["currency_code"], row["lines"])
    _settle(books, changed, lines)
    if body.get("status") is not None:
        changed["_base"] = body["status"]
    row.update(changed)
    touch(books, row)
    books.tell("invoice.update", row["id"])


def send_invoice(books: Books, row: Row, body: Row) -> None:
    """Mark as sent; action_email also mails it."""
    recipients = body.get("email_recipients") or []
    if not isinstance(recipients, list):
        raise invalid("email_recipients", "The field 'email_recipients' must be a list.", recipients, 1006)
    if row["_base"] == DRAFT:
        row.update(_base=SENT, fulfillment_date=books.today().isoformat())
    touch(books, row)
    books.tell("invoice.update", row["id"])
    if body.get("action_email"):
        books.mails.append({"invoice_id": row["id"], "to": [text("email_recipients", each) for each in recipients]})
        books.tell("invoice.sendByEmail", row["id"])


def hide_invoice(books: Books, row: Row, state: Any) -> None:
    """Delete (1), archive (2) or restore (0)."""
    wanted = visibility(state)
    if row["lock_status"] != "unlocked":
        raise Refusal(403, 1003, "This invoice is locked and cannot be changed.", field="lock_status", value=row["lock_status"])
    if row["vis_state"] == 1 and wanted != 1:
        choose_number(books, row["invoice_number"], row["id"])
    row["vis_state"] = wanted
    touch(books, row)
    books.tell("invoice.delete" if wanted == 1 else "invoice.update", row["id"])


def remove_invoice(books: Books, row: Row) -> None:
    """HTTP DELETE hides it too (the vendor's Python SDK deletes so)."""
    hide_invoice(books, row, 1)
