"""How an invoice looks: its empty form, the statuses derived from what was sent and paid, includes and filters."""

from __future__ import annotations

from decimal import Decimal

from connectors.platforms.freshbooks.sandbox.clients import ADDRESS
from connectors.platforms.freshbooks.sandbox.fields import Row, money
from connectors.platforms.freshbooks.sandbox.resource import Includes
from connectors.platforms.freshbooks.sandbox.state import Books

_STATUS_NAMES = {0: "disputed", 1: "draft", 2: "sent", 3: "viewed"}


def blank_invoice(books: Books, client: Row, code: str) -> Row:
    """A new draft for the client, without id, number and totals; the client's name and address are copied."""
    none = money(Decimal(0), code)
    stamp = books.stamp()
    return {
        "accountid": books.account_id,
        "accounting_systemid": books.account_id,
        "address": "",
        "attach_pdf_to_email": False,
        "auto_bill": False,
        "autobill_status": None,
        "basecampid": 0,
        "create_date": "",
        "created_at": stamp,
        "currency_code": code,
        "customerid": client["id"],
        "date_paid": None,
        "deposit_amount": None,
        "deposit_percentage": None,
        "deposit_status": "none",
        "discount_description": None,
        "discount_value": "0",
        "dispute_status": None,
        "due_offset_days": 0,
        "estimateid": 0,
        "ext_archive": 0,
        "fulfillment_date": None,
        "generation_date": None,
        "gmail": False,
        "language": "en",
        "last_order_status": None,
        "lock_status": "unlocked",
        "notes": "",
        "ownerid": 1,
        "paid": none,
        "parent": 0,
        "payment_details": "",
        "po_number": None,
        "return_uri": None,
        "sender_address": {part: "Canada" if part == "country" else "" for part in ADDRESS},
        "sentid": 1,
        "series": "",
        "show_attachments": True,
        "template": "clean-grouped",
        "terms": None,
        "uuid": books.world.new_uuid(),
        "vis_state": 0,
        "_base": 1,
        **{name: client[name] for name in ("fname", "lname", "organization")},
        **{part: client[f"p_{part}"] for part in ADDRESS},
        "vat_name": client["vat_name"] or "",
        "vat_number": client["vat_number"] or "",
    }


def touch(books: Books, row: Row) -> None:
    """Note the change of an invoice: updated, the finer version, and the indexes."""
    now = books.world.eastern()
    row.update(updated=now.strftime("%Y-%m-%d %H:%M:%S"), version=now.strftime("%Y-%m-%d %H:%M:%S.%f"))
    books.tables["invoices"].save(row["id"], row)


def payment_status(row: Row) -> str:
    paid = Decimal(row["paid"]["amount"])
    if paid <= 0:
        return "unpaid"
    return "paid" if Decimal(row["outstanding"]["amount"]) <= 0 else "partial"


def v3_status(books: Books, row: Row) -> str:
    """The status people see; "overdue" exists only here."""
    paid = payment_status(row)
    if paid == "paid":
        return paid
    owed = Decimal(row["outstanding"]["amount"]) > 0
    if row["_base"] in (2, 3) and owed and row["due_date"] < books.today().isoformat():
        return "overdue"
    return "partial" if paid == "partial" else _STATUS_NAMES[row["_base"]]


def show_invoice(books: Books, row: Row, includes: Includes) -> Row:
    """As answered. A sent, partly paid invoice keeps status 2 (recorded); a fully paid one shows 4 (documented)."""
    paid = payment_status(row)
    shown = {name: value for name, value in row.items() if name not in ("lines", "_base")}
    client = books.tables["clients"].rows[row["customerid"]]
    shown.update(
        current_organization=client["organization"],
        display_status="sent" if row["_base"] == 0 else _STATUS_NAMES[row["_base"]],
        payment_status=paid,
        status=4 if paid == "paid" else row["_base"],
        v3_status=v3_status(books, row),
    )
    if "lines" in includes:
        shown["lines"] = row["lines"]
    if "presentation" in includes:
        shown["presentation"] = None
    if "owner" in includes:
        shown["owner"] = {"id": 1, "userid": 1, "fname": "Olive", "lname": "Owner", "organization": books.name}
    return shown
