"""Items and taxes of the FreshBooks sandbox."""

from __future__ import annotations

from typing import Any

from connectors.platforms.freshbooks.sandbox.fields import (
    Row,
    amount,
    currency,
    flag,
    money,
    number,
    percent,
    plain,
    required,
    text,
    visibility,
    whole,
)
from connectors.platforms.freshbooks.sandbox.resource import Resource, usable
from connectors.platforms.freshbooks.sandbox.search import between_days
from connectors.platforms.freshbooks.sandbox.state import Books, Table

SHORT = 255


def _read_item(books: Books, body: Row) -> Row:
    """The writable fields; rate, quantity, type and taxable do not exist and are dropped like any unknown one."""
    found: Row = {name: text(name, body[name]) for name in ("description", "sku") if name in body}
    if "name" in body:
        found["name"] = text("name", body["name"], SHORT)
        if not found["name"]:
            raise required("name")
    if "qty" in body:
        found["qty"] = plain(number("qty", body["qty"] or "0"))
    if "inventory" in body:
        found["inventory"] = None if body["inventory"] in (None, "") else plain(number("inventory", body["inventory"]))
    if body.get("unit_cost") is not None:
        cost = body["unit_cost"] if isinstance(body["unit_cost"], dict) else {}
        code = currency("unit_cost", cost.get("code") or books.switches.currency)
        found["unit_cost"] = money(amount("unit_cost", body["unit_cost"], code), code)
    for name in ("tax1", "tax2"):
        if name in body:
            found[name] = whole(name, body[name] or 0)
            if found[name]:
                usable(books, "taxes", name, found[name], "Tax")
    return found


def create_item(books: Books, body: Row) -> Row:
    found = _read_item(books, body)
    if "name" not in found:
        raise required("name")
    table = books.tables["items"]
    row_id = table.new_id()
    code = books.switches.currency
    row: Row = {
        "accounting_systemid": books.account_id,
        "description": "",
        "id": row_id,
        "inventory": None,
        "itemid": row_id,
        "qty": "1",
        "sku": "",
        "tax1": 0,
        "tax2": 0,
        "unit_cost": {"amount": "0.00", "code": code},
        "vis_state": 0,
        **found,
        "updated": books.stamp(),
    }
    table.save(row_id, row)
    books.tell("item.create", row_id)
    return row


def update_item(books: Books, row: Row, body: Row) -> None:
    row.update(_read_item(books, body), updated=books.stamp())
    books.tables["items"].save(row["id"], row)
    books.tell("item.update", row["id"])


def hide_item(books: Books, row: Row, state: Any) -> None:
    row.update(vis_state=visibility(state), updated=books.stamp())
    books.tables["items"].save(row["id"], row)
    books.tell("item.delete" if row["vis_state"] == 1 else "item.update", row["id"])


def _read_tax(books: Books, body: Row) -> Row:
    found: Row = {}
    if "name" in body:
        found["name"] = text("name", body["name"], SHORT)
        if not found["name"]:
            raise required("name")
    if "number" in body:
        found["number"] = text("number", body["number"], SHORT) or None
    if "amount" in body:
        found["amount"] = plain(percent("amount", body["amount"] or "0", books.switches.tax_places))
    if "compound" in body:
        found["compound"] = flag("compound", body["compound"])
    return found


def create_tax(books: Books, body: Row) -> Row:
    found = _read_tax(books, body)
    if "name" not in found:
        raise required("name")
    table = books.tables["taxes"]
    row_id = table.new_id()
    blank: Row = {"accounting_systemid": books.account_id, "amount": "0", "compound": False, "id": row_id, "number": None, "taxid": row_id}
    row = blank | found | {"updated": books.stamp()}
    table.save(row_id, row)
    books.tell("tax.create", row_id)
    return row


def update_tax(books: Books, row: Row, body: Row) -> None:
    row.update(_read_tax(books, body), updated=books.stamp())
    books.tables["taxes"].save(row["id"], row)
    books.tell("tax.update", row["id"])


def remove_tax(books: Books, row: Row) -> None:
    """A tax has no vis_state: it is gone for good."""
    books.tables["taxes"].drop(row["id"])
    books.tell("tax.delete", row["id"])


ITEMS = Resource(
    path="items/items",
    single="item",
    plural="items",
    label="Item",
    scopes=("billable_items",),
    id_field="itemid",
    make_table=lambda first: Table(520001 + first, {"sku": lambda row: row["sku"]}),
    create=create_item,
    update=update_item,
    hide=hide_item,
    filters=between_days("updated", "updated"),
)
TAXES = Resource(
    path="taxes/taxes",
    single="tax",
    plural="taxes",
    label="Tax",
    scopes=("taxes",),
    id_field="taxid",
    make_table=lambda first: Table(61001 + first),
    create=create_tax,
    update=update_tax,
    remove=remove_tax,
)
