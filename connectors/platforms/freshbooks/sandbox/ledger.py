"""The chart of accounts and journal entries of the FreshBooks sandbox."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.freshbooks.sandbox.accounting import admit, read_object, refused
from connectors.platforms.freshbooks.sandbox.fields import Refusal, Row, currency, day, invalid, number, plain, required, text, whole
from connectors.platforms.freshbooks.sandbox.oauth import Grants
from connectors.platforms.freshbooks.sandbox.search import page_of
from connectors.platforms.freshbooks.sandbox.state import Books, Table, World

_CHART = (
    ("Cash", "asset", ("Petty Cash", "Bank Account")),
    ("Accounts Receivable", "asset", ("Accounts Receivable",)),
    ("Sales Tax Payable", "liability", ("Sales Tax",)),
    ("Owner's Equity", "equity", ("Owner Investment",)),
    ("Revenues", "income", ("Sales", "Shipping Income")),
    ("Bank Charges", "expense", ("Merchant Fees",)),
)
SCOPES = ("journal_entries",)


def _sub_account(books: Books, parent: int, kind: str, name: str, place: int) -> Row:
    row_id = books.tables["sub_accounts"].new_id()
    row: Row = {
        "account_sub_name": name,
        "account_sub_number": f"{1000 + place}-{row_id % 100}",
        "account_type": kind,
        "balance": [],
        "created_at": books.stamp(),
        "currency_code": books.switches.currency,
        "custom": False,
        "id": row_id,
        "parentid": parent,
        "sub_accountid": row_id,
        "transaction_posted": False,
        "_uuid": books.world.new_uuid(),
    }
    books.tables["sub_accounts"].save(row_id, row)
    return row


def seed_chart(books: Books) -> None:
    """The accounts that every account starts with."""
    for place, (name, kind, subs) in enumerate(_CHART):
        row_id = books.tables["ledger_accounts"].new_id()
        row: Row = {
            "account_name": name,
            "account_number": str(1000 + place),
            "account_type": kind,
            "accountid": row_id,
            "balance": [],
            "created_at": books.stamp(),
            "currency_code": books.switches.currency,
            "id": row_id,
            "sub_accounts": [_sub_account(books, row_id, kind, sub, place) for sub in subs],
            "_uuid": books.world.new_uuid(),
        }
        books.tables["ledger_accounts"].save(row_id, row)


def ledger_tables(first: int) -> dict[str, Table]:
    return {
        "ledger_accounts": Table(771001 + first),
        "sub_accounts": Table(772001 + first),
        "journal_entries": Table(88101 + first),
        "journal_entry_details": Table(99101 + first),
    }


def _clean(row: Row) -> Row:
    shown = {name: value for name, value in row.items() if not name.startswith("_")}
    if "sub_accounts" in shown:
        shown["sub_accounts"] = [_clean(sub) for sub in shown["sub_accounts"]]
    return shown


def _detail(books: Books, sent: Any, entry: Row) -> Row:
    if not isinstance(sent, dict):
        raise invalid("details", "Each detail must be an object.", sent, 1006)
    sub_id = whole("sub_accountid", sent.get("sub_accountid") or 0)
    if sub_id not in books.tables["sub_accounts"].rows:
        raise Refusal(422, 1012, "Account not found.", field="sub_accountid", value=sub_id)
    sides = {side: number(side, sent[side]) for side in ("debit", "credit") if sent.get(side) not in (None, "")}
    if len(sides) != 1 or min(sides.values()) <= 0:
        raise invalid("details", "Each detail is either a debit or a credit, and greater than zero.")
    row_id = books.tables["journal_entry_details"].new_id()
    amounts = {side: plain(sides[side]) if side in sides else None for side in ("debit", "credit")}
    copied = {name: entry[name] for name in ("name", "description", "currency_code", "user_entered_date")}
    return {"detailid": row_id, "id": row_id, "sub_accountid": sub_id, **amounts, **copied}


def _create_entry(books: Books, body: Row) -> Row:
    if body.get("currency_code") in (None, ""):
        raise Refusal(500, 500, "There was an error accessing your account data.")  # observed live
    if not body.get("details") or not isinstance(body["details"], list):
        raise required("details")
    entry: Row = {
        "name": text("name", body.get("name"), 255),
        "description": text("description", body.get("description")),
        "currency_code": currency("currency_code", body["currency_code"]),
        "user_entered_date": day("user_entered_date", body.get("user_entered_date")),
    }
    details = [_detail(books, each, entry) for each in body["details"]]
    balance = sum((Decimal(each["debit"] or 0) - Decimal(each["credit"] or 0) for each in details), Decimal(0))
    if balance:
        raise invalid("details", "Debits and credits do not balance.", balance)
    row_id = books.tables["journal_entries"].new_id()
    entry |= {"entryid": row_id, "id": row_id, "details": details}
    books.tables["journal_entries"].save(row_id, entry)
    for detail in details:
        books.tables["journal_entry_details"].save(detail["id"], detail)
    return entry


def _listed(books: Books, call: Call, name: str) -> Row:
    table = books.tables[name]
    wanted = dict(call.query)
    sub_account = wanted.get("search[sub_accountid]")
    first, last = wanted.get("search[start_date]", ""), wanted.get("search[end_date]", "9999")
    ids = [
        row_id
        for row_id in table.active
        if name != "journal_entry_details"
        or (
            (sub_account is None or str(table.rows[row_id]["sub_accountid"]) == sub_account)
            and first <= table.rows[row_id]["user_entered_date"] <= last
        )
    ]
    page = page_of(table, ids, call.query, {}, 0)
    return {**page.figures, "rows": [_clean(row) for row in page.rows]}


_ACTIONS: dict[tuple[str, str], str] = {
    ("GET", "journal_entry_accounts/journal_entry_accounts"): "journal_entry_accounts",
    ("GET", "journal_entries/journal_entry_details"): "journal_entry_details",
    ("POST", "journal_entries/journal_entries"): "journal_entry",
}


def journal_endpoint(world: World, grants: Grants) -> Callable[..., Answer]:
    """Journal entries and the old chart of accounts."""

    def answer(call: Call, account: str, path: str) -> Answer:
        try:
            caller = admit(world, grants, call, account)
            caller.permit(SCOPES, "read" if call.method == "GET" else "write")
            action = _ACTIONS.get((call.method, path))
            if action is None:
                raise Refusal(405, 1003, "Method not allowed.")
            if action == "journal_entry":
                return Answer.of({"response": {"result": {action: _create_entry(caller.books, read_object(call, action))}}})
            found = _listed(caller.books, call, "ledger_accounts" if action == "journal_entry_accounts" else action)
            return Answer.of({"response": {"result": {action: found.pop("rows"), **found}}})
        except Refusal as refusal:
            return refused(world, refusal, "journal_entry")

    return answer


def _new_style(row: Row, parent: str | None, subs: list[str]) -> Row:
    return {
        "uuid": row["_uuid"],
        "name": row.get("account_name") or row["account_sub_name"],
        "number": row.get("account_number") or row["account_sub_number"],
        "description": "",
        "type": row["account_type"],
        "sub_type": row.get("account_name") or row["account_sub_name"],
        "system_account_name": row.get("account_name"),
        "parent_account": parent,
        "sub_accounts": subs,
        "auto_created": True,
        "state": "active",
        "updated_at": row["created_at"].replace(" ", "T") + ".000000Z",
    }


def ledger_accounts_endpoint(world: World, grants: Grants) -> Callable[..., Answer]:
    """The new chart of accounts, by business uuid, read only here; its errors have a shape of their own."""

    def answer(call: Call, business: str) -> Answer:
        books = next((each for each in world.accounts.values() if each.business_uuid == business), None)
        grant = grants.of_call(call)
        if grant is None or books is None or grants.role_in(books.account_id) is None:
            status = 401 if grant is None else 404
            return Answer.of({"errors": {"message": f"Request failed with status code {status}", "status": status, "details": []}}, status)
        rows: list[Row] = []
        for row in books.tables["ledger_accounts"].rows.values():
            rows.append(_new_style(row, None, [sub["_uuid"] for sub in row["sub_accounts"]]))
            rows += [_new_style(sub, row["_uuid"], []) for sub in row["sub_accounts"]]
        return Answer.of({"data": rows})

    return answer
