"""Invoices of the Stripe sandbox: drafts and their lines, then finalized, paid or void."""

from __future__ import annotations

from typing import Any

from connectors.platforms.stripe.sandbox.customers import present_customer
from connectors.platforms.stripe.sandbox.events import tell
from connectors.platforms.stripe.sandbox.reading import flag, metadata, only, required, text, text_or_none, whole
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet, missing

HEAD = ("auto_advance", "days_until_due", "description", "due_date", "effective_at", "footer", "metadata", "number")
_STEP = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10, "isk": 100}
LINE = ("amount", "description", "discountable", "metadata", "quantity")


def _frozen(row: Row, what: str) -> Refusal:
    return Refusal(400, f"You can only {what} draft invoices. This invoice is {row['status']}.", code="invoice_not_editable")


def _head(wallet: Wallet, fields: Row, row: Row) -> Row:
    found: Row = {}
    for name in ("description", "footer"):
        if name in fields:
            found[name] = text_or_none(name, fields[name])
    if "number" in fields:
        found["number"] = _number(wallet, text("number", fields["number"], 26), row)
    if "auto_advance" in fields:
        found["auto_advance"] = flag("auto_advance", fields["auto_advance"])
    if "due_date" in fields or "days_until_due" in fields:
        found["due_date"] = _due(wallet, fields)
    if "effective_at" in fields:
        found["effective_at"] = whole("effective_at", fields["effective_at"])
    if "metadata" in fields:
        found["metadata"] = metadata(row["metadata"], fields["metadata"])
    return found


def _due(wallet: Wallet, fields: Row) -> int:
    if "due_date" in fields and "days_until_due" in fields:
        raise Refusal(400, "You may only specify one of these parameters: days_until_due, due_date.", param="due_date")
    if "days_until_due" in fields:
        return wallet.now() + 86400 * whole("days_until_due", fields["days_until_due"])
    due = whole("due_date", fields["due_date"])
    if due <= wallet.now():
        raise Refusal(400, "The due date must be in the future.", param="due_date")
    return due


def _number(wallet: Wallet, number: str, row: Row) -> str:
    taken = any(other["number"] == number and other["id"] != row["id"] for other in wallet.tables["invoices"].values())
    if taken:
        raise Refusal(400, f"The invoice number {number} is already in use.", param="number")
    return number


def create_invoice(wallet: Wallet, fields: Row) -> Row:
    """A draft; auto_advance is off and pending items stay out unless asked for (the API's defaults)."""
    only(fields, (*HEAD, "customer", "currency", "collection_method", "pending_invoice_items_behavior"))
    required(fields, "customer")
    customer = present_customer(wallet, fields["customer"], "customer")
    method = fields.get("collection_method", "charge_automatically")
    if method != "send_invoice" and ("due_date" in fields or "days_until_due" in fields):
        raise Refusal(400, "due_date is only allowed for collection_method=send_invoice.", param="due_date")
    row = wallet.base("in", "invoice") | _blank(wallet, customer, fields, method)
    row |= _head(wallet, fields, row)
    wallet.save("invoices", row)
    _settle(wallet, row)
    tell(wallet, "invoice.created", row)
    return shown(wallet, row)


def _blank(wallet: Wallet, customer: Row, fields: Row, method: str) -> Row:
    nulls = ("due_date", "description", "footer", "number", "hosted_invoice_url", "invoice_pdf", "effective_at", "parent", "test_clock")
    zeros = ("amount_overpaid", "amount_paid", "amount_shipping", "starting_balance", "attempt_count")
    return {
        **dict.fromkeys(nulls),
        **dict.fromkeys(zeros, 0),
        "account_country": "CA",
        "auto_advance": False,
        "billing_reason": "manual",
        "collection_method": method,
        "currency": fields.get("currency", wallet.currency).lower(),
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "ending_balance": None,
        "pre_payment_credit_notes_amount": 0,
        "post_payment_credit_notes_amount": 0,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "_lines": [],
    }


def _settle(wallet: Wallet, row: Row) -> None:
    """What the lines come to."""
    total = sum(line["amount"] for line in row["_lines"])
    row.update(subtotal=total, total=total, total_excluding_tax=total, amount_due=max(0, total), amount_remaining=max(0, total))


def shown(wallet: Wallet, row: Row) -> Row:
    """As answered: the first ten lines are inside."""
    lines, url = row["_lines"], f"/v1/invoices/{row['id']}/lines"
    page = {"object": "list", "data": lines[:10], "has_more": len(lines) > 10, "total_count": len(lines), "url": url}
    return {name: value for name, value in row.items() if not name.startswith("_")} | {"lines": page}


def get_invoice(wallet: Wallet, fields: Row, id: str) -> Row:
    return shown(wallet, living(wallet, id))


def living(wallet: Wallet, id: str) -> Row:
    row = wallet.tables["invoices"].get(id)
    if row is None:
        raise missing("invoice", id)
    return row


def update_invoice(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, HEAD)
    row = living(wallet, id)
    if row["status"] != "draft" and set(fields) - {"metadata", "auto_advance", "expand"}:
        raise _frozen(row, "edit")
    changed = _head(wallet, fields, row)
    previous = {name: row[name] for name, value in changed.items() if row[name] != value}
    row.update(changed)
    if previous:
        tell(wallet, "invoice.updated", shown(wallet, row), previous)
    return shown(wallet, row)


def _line(wallet: Wallet, row: Row, sent: Any) -> Row:
    if not isinstance(sent, dict):
        raise Refusal(400, "Invalid hash", param="lines")
    only(sent, LINE)
    required(sent, "amount")
    amount = whole("amount", sent["amount"])
    if amount % _STEP.get(row["currency"], 1):
        raise Refusal(400, f"Invalid amount: in {row['currency']} the last digits must be 0.", param="amount")
    return {
        "id": wallet.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": row["currency"],
        "description": text_or_none("description", sent.get("description", ""), 500),
        "discountable": flag("discountable", sent.get("discountable", "true")),
        "invoice": row["id"],
        "livemode": wallet.livemode,
        "metadata": {},
        "quantity": 1,
        "created": wallet.now(),
    }


def add_lines(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, ("lines", "invoice_metadata"))
    required(fields, "lines")
    row = living(wallet, id)
    if row["status"] != "draft":
        raise _frozen(row, "add lines to")
    added = [_line(wallet, row, sent) for sent in fields["lines"]]
    if len(row["_lines"]) + len(added) > 250:
        raise Refusal(400, "An invoice can have at most 250 line items.", param="lines")
    row["_lines"] += added
    _settle(wallet, row)
    tell(wallet, "invoice.updated", shown(wallet, row), {"lines": {}})
    return shown(wallet, row)


def remove_lines(wallet: Wallet, fields: Row, id: str) -> Row:
    only(fields, ("lines", "invoice_metadata"))
    row = living(wallet, id)
    if row["status"] != "draft":
        raise _frozen(row, "remove lines from")
    gone = {line["id"] for line in fields.get("lines", ())}
    if gone - {line["id"] for line in row["_lines"]}:
        raise Refusal(400, "No such line item on this invoice.", code="resource_missing", param="lines")
    row["_lines"] = [line for line in row["_lines"] if line["id"] not in gone]
    _settle(wallet, row)
    tell(wallet, "invoice.updated", shown(wallet, row), {"lines": {}})
    return shown(wallet, row)


def create_item(wallet: Wallet, fields: Row) -> Row:
    """The older way to a line: an item of one amount for a draft. unit_amount and price are gone since 2025."""
    only(fields, ("customer", "invoice", "amount", "currency", "description", "metadata"))
    required(fields, "customer", "invoice", "amount")
    row = living(wallet, fields["invoice"])
    if row["status"] != "draft":
        raise _frozen(row, "add lines to")
    line = _line(wallet, row, {name: fields[name] for name in ("amount", "description") if name in fields})
    row["_lines"].append(line)
    _settle(wallet, row)
    item = wallet.base("ii", "invoiceitem") | {"amount": line["amount"], "currency": row["currency"], "invoice": row["id"]}
    return wallet.save("invoiceitems", item | {"customer": row["customer"], "description": line["description"]})


def delete_invoice(wallet: Wallet, fields: Row, id: str) -> Row:
    row = living(wallet, id)
    if row["status"] != "draft":
        raise _frozen(row, "delete")
    del wallet.tables["invoices"][id]
    tell(wallet, "invoice.deleted", shown(wallet, row))
    return {"id": id, "object": "invoice", "deleted": True}
