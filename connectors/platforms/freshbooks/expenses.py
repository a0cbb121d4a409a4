"""Expenses: what something cost, in a category that goes by its name, found by our marker at the start of the notes."""

from __future__ import annotations

from connectors.canonical.ledger import Expense
from connectors.kit.contract import Writes
from connectors.kit.errors import NeedsAttention
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import TEXT_LIMIT, clean, day_text, is_deleted, read_id, read_money, write_money
from connectors.platforms.freshbooks.payments import marker_of

EXPENSES = fb.Resource("expenses/expenses", "expense", "expenses")
CATEGORIES = fb.Resource("expenses/categories", "category", "categories")
OWNER = 1  # the owner's staff id, which every account has


def read_expense(expense: Tame, category: str = "") -> Expense:
    return Expense(
        amount=read_money(expense["amount"]),
        spent_on=expense["date"].day(),
        category=category,
        vendor=expense.get("vendor").text_or(),
        notes=expense.get("notes").text_or(),
        id=read_id(expense["id"]),
        void=is_deleted(expense),
    )


def find_expenses(api: Api, wanted: Expense) -> tuple[Expense, ...]:
    """Those of this vendor and marker that are not deleted, oldest first."""
    rows = fb.rows(api, EXPENSES, [("search[vendor]", clean(wanted.vendor))])
    found = [read_expense(row, wanted.category) for row in rows if not is_deleted(row)]
    ours = [expense for expense in found if marker_of(expense.notes) == marker_of(wanted.notes)]
    return tuple(sorted(ours, key=lambda expense: int(expense.id)))


def _category(api: Api, name: str) -> int:
    """The id of a category. NeedsAttention naming those that there are."""
    rows = {row["category"].text_or().strip(): row["id"].integer() for row in fb.rows(api, CATEGORIES)}
    found = {known.casefold(): id for known, id in rows.items()}.get(name.strip().casefold())
    if found is None:
        raise NeedsAttention(
            f"FreshBooks has no expense category {name!r}. Choose one of these in the flow's options: {', '.join(sorted(rows)[:30])}.",
            code="no_category",
        )
    return found


def create_expense(api: Api, expense: Expense) -> Expense:
    fields = {
        "categoryid": _category(api, expense.category),
        "staffid": OWNER,
        "amount": write_money(expense.amount),
        "date": day_text(expense.spent_on),
        "vendor": clean(expense.vendor),
        "notes": clean(expense.notes, TEXT_LIMIT),
    }
    return fb.create(api, EXPENSES, fields, lambda row: read_expense(row, expense.category))


def get_expense(api: Api, id: str) -> Expense:
    return read_expense(fb.read_one(api, EXPENSES, id))


def _void(api: Api, id: str) -> Expense:
    return read_expense(fb.change(api, EXPENSES, id, {"vis_state": 1}))


WRITES = Writes(find=find_expenses, create=create_expense, get=get_expense, actions={"void": _void})
