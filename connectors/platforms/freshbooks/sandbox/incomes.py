"""Other income, expenses and their categories in the FreshBooks sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.platforms.freshbooks.sandbox.fields import (
    Row,
    amount,
    currency,
    day,
    flag,
    invalid,
    money,
    required,
    text,
    visibility,
    whole,
)
from connectors.platforms.freshbooks.sandbox.resource import Resource, usable
from connectors.platforms.freshbooks.sandbox.search import between_amounts, between_days, equals, like, one_of
from connectors.platforms.freshbooks.sandbox.state import Books, Table

INCOME_CATEGORIES = ("advertising", "in_person_sales", "online_sales", "rentals", "other")
EXPENSE_CATEGORIES = ("Advertising", "Bank Fees", "Cost of Goods Sold", "Office Supplies", "Other Expenses", "Shipping")


def _money(books: Books, body: Row, name: str = "amount") -> Row:
    sent = body[name] if isinstance(body[name], dict) else {}
    code = currency(name, sent.get("code") or books.switches.currency)
    return money(amount(name, body[name], code), code)


def _taxes(books: Books, sent: Any) -> list[Row]:
    if sent is None:
        return []
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        raise invalid("taxes", "The field 'taxes' must be a list of objects.", sent, 1006)
    return [{"name": text("name", each.get("name")), "amount": text("amount", each.get("amount"))} for each in sent]


def _read_income(books: Books, body: Row) -> Row:
    """Create and update both need the full record."""
    for name in ("amount", "date", "category_name", "source"):
        if body.get(name) in (None, ""):
            raise required(name)
    if body["category_name"] not in INCOME_CATEGORIES:
        raise invalid("category_name", f"category_name must be one of {', '.join(INCOME_CATEGORIES)}.", body["category_name"])
    return {
        "amount": _money(books, body),
        "category_name": body["category_name"],
        "date": day("date", body["date"]),
        "note": text("note", body.get("note")) or None,
        "payment_type": text("payment_type", body.get("payment_type")) or None,
        "source": text("source", body["source"], 255),
        "taxes": _taxes(books, body.get("taxes")),
        "updated_at": books.stamp(),
    }


def create_income(books: Books, body: Row) -> Row:
    found = _read_income(books, body)
    table = books.tables["other_income"]
    row_id = table.new_id()
    row: Row = {"id": row_id, "incomeid": row_id, "created_at": books.stamp(), "vis_state": 0, **found}
    table.save(row_id, row)
    return row


def update_income(books: Books, row: Row, body: Row) -> None:
    row.update(_read_income(books, body))
    books.tables["other_income"].save(row["id"], row)


def remove_income(books: Books, row: Row) -> None:
    row.update(vis_state=1, updated_at=books.stamp())
    books.tables["other_income"].save(row["id"], row)


def _optional_expense(books: Books, body: Row) -> Row:
    found: Row = {name: text(name, body[name]) for name in ("notes", "vendor", "account_name", "bank_name") if name in body}
    for place in (1, 2):
        if f"taxName{place}" in body:
            found[f"taxName{place}"] = text(f"taxName{place}", body[f"taxName{place}"]) or None
        if body.get(f"taxAmount{place}") is not None:
            found[f"taxAmount{place}"] = _money(books, body, f"taxAmount{place}")
    if body.get("clientid"):
        found["clientid"] = usable(books, "clients", "clientid", whole("clientid", body["clientid"]), "Client")["id"]
    if body.get("has_receipt") is not None:
        found["has_receipt"] = flag("has_receipt", body["has_receipt"])
    return found


def _read_expense(books: Books, body: Row) -> Row:
    found = _optional_expense(books, body)
    if body.get("categoryid") is not None:
        found["categoryid"] = usable(books, "categories", "categoryid", whole("categoryid", body["categoryid"]), "Category")["id"]
    if body.get("staffid") is not None:
        found["staffid"] = whole("staffid", body["staffid"])
    if body.get("amount") is not None:
        found["amount"] = _money(books, body)
    if body.get("date") is not None:
        found["date"] = day("date", body["date"])
    stamp = books.world.eastern()
    return found | {"updated": books.stamp(), "version": stamp.strftime("%Y-%m-%d %H:%M:%S.%f")}


def _blank_expense(books: Books, row_id: int) -> Row:
    nulls = ("background_jobid", "converse_projectid", "modern_projectid", "potential_bill_payment", "transactionid")
    zeros = ("clientid", "ext_accountid", "ext_invoiceid", "ext_systemid", "invoiceid", "profileid", "projectid", "status", "vis_state")
    falses = ("billable", "compounded_tax", "from_bulk_import", "has_receipt", "include_receipt", "is_cogs", "isduplicate")
    return {
        "account_name": "",
        "accountid": None,
        "accounting_systemid": books.account_id,
        "bank_name": "",
        "bill_matches": [],
        "expenseid": row_id,
        "id": row_id,
        "markup_percent": "0",
        "notes": "",
        "vendor": "",
        **dict.fromkeys(nulls),
        **dict.fromkeys(zeros, 0),
        **dict.fromkeys(falses, False),
        **{f"tax{kind}{place}": None for kind in ("Amount", "Name", "Percent") for place in (1, 2)},
    }


def create_expense(books: Books, body: Row) -> Row:
    for name in ("categoryid", "staffid", "amount", "date"):
        if body.get(name) in (None, "", 0):
            raise required(name)
    found = _read_expense(books, body)
    table = books.tables["expenses"]
    row_id = table.new_id()
    row = _blank_expense(books, row_id) | found
    table.save(row_id, row)
    books.tell("expense.create", row_id)
    return row


def update_expense(books: Books, row: Row, body: Row) -> None:
    row.update(_read_expense(books, body))
    books.tables["expenses"].save(row["id"], row)
    books.tell("expense.update", row["id"])


def hide_expense(books: Books, row: Row, state: Any) -> None:
    row.update(vis_state=visibility(state), updated=books.stamp())
    books.tables["expenses"].save(row["id"], row)
    books.tell("expense.delete" if row["vis_state"] == 1 else "expense.update", row["id"])


def seed_categories(books: Books) -> None:
    """The expense categories that every account starts with."""
    table = books.tables["categories"]
    for name in EXPENSE_CATEGORIES:
        row_id = table.new_id()
        fixed: Row = {"id": row_id, "categoryid": row_id, "category": name, "is_cogs": name == "Cost of Goods Sold"}
        stamps = {"created_at": books.stamp(), "updated_at": books.stamp()}
        table.save(row_id, fixed | stamps | {"is_editable": False, "parentid": None, "transaction_posted": False, "vis_state": 0})


def _table(first_id: int) -> Callable[[int], Table]:
    return lambda first: Table(first_id + first)


INCOMES = Resource(
    path="other_incomes/other_incomes",
    single="other_income",
    plural="other_income",
    label="Other income",
    scopes=("other_income",),
    id_field="incomeid",
    make_table=_table(730001),
    create=create_income,
    update=update_income,
    remove=remove_income,
    filters={"incomeid": equals("incomeid"), "category_name": equals("category_name")},
)
EXPENSES = Resource(
    path="expenses/expenses",
    single="expense",
    plural="expenses",
    label="Expense",
    scopes=("expenses",),
    id_field="expenseid",
    make_table=_table(640001),
    create=create_expense,
    update=update_expense,
    hide=hide_expense,
    filters={
        "clientid": equals("clientid"),
        "clientids": one_of("clientid"),
        "categoryid": equals("categoryid"),
        "categoryids": one_of("categoryid"),
        "vendor": like("vendor"),
        **between_days("date", "date"),
        **between_days("updated", "updated"),
        **between_amounts("amount", "amount"),
    },
)
CATEGORIES = Resource(
    path="expenses/categories",
    single="category",
    plural="categories",
    label="Category",
    scopes=("expenses",),
    id_field="categoryid",
    make_table=_table(2801),
)
