"""Clients of the FreshBooks sandbox. The e-mail is not unique, as live accounts show."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.platforms.freshbooks.sandbox.fields import Row, currency, flag, invalid, money, required, text, visibility
from connectors.platforms.freshbooks.sandbox.resource import Includes, Resource
from connectors.platforms.freshbooks.sandbox.search import Filter, between_days, equals, like, one_of
from connectors.platforms.freshbooks.sandbox.state import Books, Table

ADDRESS = ("street", "street2", "city", "province", "code", "country")
_EMPTY_TEXTS = (
    "fname",
    "lname",
    "organization",
    "email",
    "bus_phone",
    "mob_phone",
    "fax",
    *(f"{side}_{part}" for side in "ps" for part in ADDRESS),
)
_NULL_TEXTS = ("home_phone", "note", "vat_name", "vat_number", "company_industry", "company_size")
_FLAGS = ("allow_late_fees", "allow_late_notifications", "allow_email_include_pdf", "pref_email")
SHORT = 255


def _read(body: Row) -> Row:
    """The writable fields of a body; unknown ones are dropped."""
    found: Row = {name: text(name, body[name], SHORT) for name in _EMPTY_TEXTS if name in body}
    found |= {name: text(name, body[name]) or None for name in _NULL_TEXTS if name in body}
    found |= {name: flag(name, body[name]) for name in _FLAGS if name in body}
    if body.get("language"):
        found["language"] = text("language", body["language"], 5)
    if body.get("currency_code"):
        found["currency_code"] = currency("currency_code", body["currency_code"])
    if found.get("email") and "@" not in found["email"]:
        raise invalid("email", "Invalid email address.", found["email"])
    return found


def _username(books: Books, row: Row) -> str:
    """From the e-mail or the name, with a number once it is taken."""
    base = re.sub(r"[^a-z0-9]", "", (row["email"].split("@")[0] or row["fname"] + row["lname"] or row["organization"]).lower())
    base = base or "client"
    count = books.usernames[base] = books.usernames.get(base, 0) + 1
    return base if count == 1 else f"{base}{count - 1}"


def _blank(books: Books, row_id: int) -> Row:
    now = books.world.now().strftime("%Y-%m-%d %H:%M:%S")  # signup_date is UTC, updated is Eastern (recorded)
    return {
        "accounting_systemid": books.account_id,
        "allow_email_include_pdf": False,
        "allow_late_fees": True,
        "allow_late_notifications": True,
        "currency_code": books.switches.currency,
        "direct_link_token": None,
        "exceeds_client_limit": 0,
        "has_retainer": None,
        "id": row_id,
        "language": "en",
        "last_activity": None,
        "last_login": None,
        "level": 0,
        "notified": False,
        "num_logins": 0,
        "number_format": None,
        "pref_email": True,
        "pref_gmail": False,
        "retainer_id": None,
        "role": "client",
        "signup_date": now,
        "statement_token": None,
        "subdomain": None,
        "updated": books.stamp(),
        "userid": row_id,
        "uuid": books.world.new_uuid(),
        "vis_state": 0,
        **dict.fromkeys(_EMPTY_TEXTS, ""),
        **dict.fromkeys(_NULL_TEXTS),
    }


def create_client(books: Books, body: Row) -> Row:
    found = _read(body)
    if not any(found.get(name) for name in ("email", "fname", "lname", "organization")):
        raise required("organization")
    table = books.tables["clients"]
    row_id = table.new_id()
    row = _blank(books, row_id) | found
    row["username"] = _username(books, row)
    table.save(row_id, row)
    books.tell("client.create", row_id)
    return row


def update_client(books: Books, row: Row, body: Row) -> None:
    row.update(_read(body), updated=books.stamp())
    books.tables["clients"].save(row["id"], row)
    books.tell("client.update", row["id"])


def hide_client(books: Books, row: Row, state: Any) -> None:
    row.update(vis_state=visibility(state), updated=books.stamp())
    books.tables["clients"].save(row["id"], row)
    books.tell("client.delete" if row["vis_state"] == 1 else "client.update", row["id"])


def invoices_of(books: Books, client_id: int) -> list[Row]:
    """The client's invoices that are not deleted."""
    return [row for row in books.tables["invoices"].by("customerid", client_id) if row["vis_state"] != 1]


def _is_overdue(books: Books, invoice: Row) -> bool:
    return bool(invoice["_base"] != 1 and Decimal(invoice["outstanding"]["amount"]) > 0 and invoice["due_date"] < books.today().isoformat())


def _per_currency(rows: list[Row], name: str) -> list[Row]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        code = row[name]["code"]
        sums[code] = sums.get(code, Decimal(0)) + Decimal(row[name]["amount"])
    return [{"amount": money(value, code)} for code, value in sums.items() if value]


def _balances(books: Books, client_id: int, wanted: Includes) -> Row:
    invoices = invoices_of(books, client_id)
    sent = [row for row in invoices if row["_base"] != 1]
    credits = [row for row in books.tables["credit_notes"].by("clientid", client_id) if row["vis_state"] != 1]
    found: Row = {
        "outstanding_balance": _per_currency(sent, "outstanding"),
        "draft_balance": _per_currency([row for row in invoices if row["_base"] == 1], "outstanding"),
        "overdue_balance": _per_currency([row for row in sent if _is_overdue(books, row)], "outstanding"),
        "credit_balance": _per_currency(credits, "amount"),
        "grand_total_balance": _per_currency(sent, "amount"),
        "late_reminders": [],
        "late_fee": None,
    }
    return {name: value for name, value in found.items() if name in wanted}


def show_client(books: Books, row: Row, includes: Includes) -> Row:
    return {**row, **_balances(books, row["id"], includes)} if includes else row


def _owes(books: Books, row: Row) -> bool:
    return bool(_balances(books, row["id"], frozenset({"outstanding_balance"}))["outstanding_balance"])


def _has_credit(books: Books, row: Row) -> bool:
    return any(each["vis_state"] != 1 for each in books.tables["credit_notes"].by("clientid", row["id"]))


def _has(rows: Callable[[Books, Row], bool]) -> Filter:
    return Filter(lambda row, value, books: rows(books, row) == (value.lower() in ("1", "true")))


_NAMES = ("fname", "lname", "organization", "email", "username")
CLIENTS = Resource(
    path="users/clients",
    single="client",
    plural="clients",
    label="Client",
    scopes=("clients",),
    id_field="userid",
    make_table=lambda first: Table(410001 + first, {"email": lambda row: row["email"], "username": lambda row: row["username"]}),
    show=show_client,
    create=create_client,
    update=update_client,
    hide=hide_client,
    filters={
        "email": equals("email"),
        "username": equals("username"),
        "userid": equals("userid"),
        "userids": one_of("userid"),
        **{f"{name}_like": like(name) for name in ("email", "fname", "lname", "organization", "note")},
        "user_like": like(*_NAMES),
        "address_like": like(*(f"{side}_{part}" for side in "ps" for part in ADDRESS)),
        "phone_like": like("bus_phone", "home_phone", "mob_phone"),
        **between_days("updated", "updated"),
        "has_outstanding": _has(_owes),
        "has_overdue": _has(lambda books, row: any(_is_overdue(books, each) for each in invoices_of(books, row["id"]))),
        "has_draft": _has(lambda books, row: any(each["_base"] == 1 for each in invoices_of(books, row["id"]))),
        "has_credit": _has(_has_credit),
    },
    sorts={
        "organization_name": lambda row: row["organization"].casefold(),
        "fullname": lambda row: (row["lname"].casefold(), row["fname"].casefold()),
        "email": lambda row: row["email"].casefold(),
        "updated": lambda row: row["updated"],
    },
)
