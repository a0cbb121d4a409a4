"""Credit notes of the FreshBooks sandbox: those that a person writes, and those that an overpayment makes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.platforms.freshbooks.sandbox.clients import ADDRESS
from connectors.platforms.freshbooks.sandbox.fields import Row, currency, day, invalid, money, required, text, visibility, whole
from connectors.platforms.freshbooks.sandbox.lines import read_lines, total_lines
from connectors.platforms.freshbooks.sandbox.numbers import next_number
from connectors.platforms.freshbooks.sandbox.resource import Includes, Resource, usable
from connectors.platforms.freshbooks.sandbox.search import between_days, equals
from connectors.platforms.freshbooks.sandbox.state import Books, Table

_TEXTS = ("notes", "fname", "lname", "organization", *ADDRESS, "vat_name", "vat_number")


def _read(books: Books, body: Row) -> Row:
    found: Row = {name: text(name, body[name]) for name in _TEXTS if name in body}
    if "terms" in body:
        found["terms"] = text("terms", body["terms"]) or None
    if body.get("credit_number"):
        found["credit_number"] = text("credit_number", body["credit_number"], books.switches.number_length)
    if body.get("language"):
        found["language"] = text("language", body["language"], 5)
    if "create_date" in body:
        found["create_date"] = day("create_date", body["create_date"])
    if body.get("credit_type") is not None:
        found["credit_type"] = text("credit_type", body["credit_type"])
        if found["credit_type"] not in ("goodwill", "prepayment"):
            raise invalid("credit_type", "The credit type must be 'goodwill' or 'prepayment'.", body["credit_type"])
    return found


def _blank(books: Books, client: Row, code: str) -> Row:
    return {
        "accounting_systemid": books.account_id,
        "clientid": client["id"],
        "create_date": books.today().isoformat(),
        "credit_type": "goodwill",
        "currency_code": code,
        "display_status": "created",
        "dispute_status": None,
        "ext_archive": 0,
        "language": "en",
        "last_order_status": None,
        "notes": "",
        "paid": money(Decimal(0), code),
        "payment_status": "unpaid",
        "payment_type": None,
        "sentid": 1,
        "status": "created",
        "template": "clean-grouped",
        "terms": None,
        "vis_state": 0,
        **{name: client[name] for name in ("fname", "lname", "organization")},
        **{part: client[f"p_{part}"] for part in ADDRESS},
        "vat_name": client["vat_name"] or "",
        "vat_number": client["vat_number"] or "",
    }


def _store(books: Books, row: Row, lines: list[Row]) -> Row:
    """Number, total and save a new credit note."""
    table = books.tables["credit_notes"]
    totals = total_lines(books, lines, Decimal(0), row["currency_code"])
    row.setdefault("credit_number", next_number(books.last_credit_number))
    row["id"] = row["creditid"] = table.new_id()
    row.update(lines=lines, amount=money(totals.amount, row["currency_code"]), description=lines[0]["description"] if lines else "")
    books.last_credit_number = row["credit_number"]
    table.save(row["id"], row)
    books.tell("credit_note.create", row["id"])
    return row


def create_credit(books: Books, body: Row) -> Row:
    for name in ("clientid", "create_date"):
        if body.get(name) in (None, "", 0):
            raise required(name)
    client = usable(books, "clients", "clientid", whole("clientid", body["clientid"]), "Client")
    code = currency("currency_code", body.get("currency_code") or client["currency_code"])
    row = _blank(books, client, code) | _read(books, body)
    return _store(books, row, read_lines(books, body.get("lines"), code))


def update_credit(books: Books, row: Row, body: Row) -> None:
    changed = dict(row) | _read(books, body)
    if "lines" in body:
        changed["lines"] = read_lines(books, body["lines"], row["currency_code"], row["lines"])
        totals = total_lines(books, changed["lines"], Decimal(0), row["currency_code"])
        changed["amount"] = money(totals.amount, row["currency_code"])
    row.update(changed)
    books.tables["credit_notes"].save(row["id"], row)
    books.tell("credit_note.update", row["id"])


def hide_credit(books: Books, row: Row, state: Any) -> None:
    row["vis_state"] = visibility(state)
    books.tables["credit_notes"].save(row["id"], row)
    books.tell("credit_note.delete" if row["vis_state"] == 1 else "credit_note.update", row["id"])


def book_overpayment(books: Books, invoice: Row, rest: Decimal, date: str) -> int:
    """The credit that the system makes of what a payment exceeds its invoice by; its id."""
    client, code = books.tables["clients"].rows[invoice["customerid"]], invoice["currency_code"]
    note = f"Overpayment: invoice {invoice['invoice_number']}"
    lines = read_lines(books, [{"name": "Overpayment", "description": note, "unit_cost": money(rest, code)}], code)
    row = _store(books, _blank(books, client, code) | {"credit_type": "overpayment", "create_date": date}, lines)
    return int(row["id"])


def withdraw_overpayment(books: Books, credit_id: int | None) -> None:
    """The payment behind an overpayment credit changed or went: so does the credit."""
    if credit_id is not None:
        hide_credit(books, books.tables["credit_notes"].rows[credit_id], 1)


def show_credit(books: Books, row: Row, includes: Includes) -> Row:
    """There is no `updated` in a credit note (observed), so polling by it is impossible."""
    shown = {name: value for name, value in row.items() if name != "lines" or "lines" in includes}
    shown["current_organization"] = books.tables["clients"].rows[row["clientid"]]["organization"]
    return shown


CREDITS = Resource(
    path="credit_notes/credit_notes",
    single="credit_note",
    plural="credit_notes",
    label="Credit note",
    scopes=("credit_notes", "clients"),
    id_field="creditid",
    make_table=lambda first: Table(350001 + first, {"clientid": lambda row: row["clientid"]}),
    show=show_credit,
    create=create_credit,
    update=update_credit,
    hide=hide_credit,
    filters={"clientid": equals("clientid"), **between_days("date", "create_date")},
)
