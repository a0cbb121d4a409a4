"""Customers of the Stripe sandbox; the search shows what was written only after a while, as Stripe's does."""

from __future__ import annotations

import re

from connectors.platforms.stripe.sandbox.events import tell
from connectors.platforms.stripe.sandbox.lists import equals, listed
from connectors.platforms.stripe.sandbox.reading import metadata, only, text_or_none
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet, missing

_TEXTS = ("name", "email", "phone", "description", "business_name", "individual_name")
_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")
_QUERY = re.compile(r"metadata\['([^']+)'\]:'([^']*)'")


def _address(name: str, sent: object) -> Row | None:
    if sent == "":
        return None
    if not isinstance(sent, dict):
        raise Refusal(400, "Invalid hash", param=name)
    only(sent, _ADDRESS)
    return {part: text_or_none(f"{name}[{part}]", sent.get(part, "")) for part in _ADDRESS}


def _read(wallet: Wallet, fields: Row, present: Row) -> Row:
    only(fields, (*_TEXTS, "address", "shipping", "metadata", "tax_exempt", "preferred_locales", "balance"))
    found: Row = {name: text_or_none(name, fields[name], 512) for name in _TEXTS if name in fields}
    if found.get("email") and "@" not in str(found["email"]):
        raise Refusal(400, f"Invalid email address: {found['email']}", code="email_invalid", param="email")
    if "address" in fields:
        found["address"] = _address("address", fields["address"])
    if "shipping" in fields:
        shipping = fields["shipping"]
        only(shipping, ("name", "address", "phone"))
        found["shipping"] = {"name": shipping.get("name"), "phone": None, "address": _address("shipping[address]", shipping["address"])}
    if "balance" in fields:
        found["balance"] = int(fields["balance"])
    if "metadata" in fields:
        found["metadata"] = metadata(present["metadata"], fields["metadata"])
    return found


def create_customer(wallet: Wallet, fields: Row) -> Row:
    blank = {**dict.fromkeys((*_TEXTS, "address", "shipping", "currency", "default_source", "discount", "test_clock"))}
    row = wallet.base("cus", "customer") | blank | {"balance": 0, "delinquent": False, "preferred_locales": [], "tax_exempt": "none"}
    row |= _read(wallet, fields, row)
    wallet.save("customers", row)
    tell(wallet, "customer.created", row)
    return row


def get_customer(wallet: Wallet, fields: Row, id: str) -> Row:
    return wallet.row("customers", id, "customer")


def present_customer(wallet: Wallet, id: str, param: str) -> Row:
    """One that something new may refer to."""
    row = wallet.tables["customers"].get(id)
    if row is None or row.get("deleted"):
        raise Refusal(400, f"No such customer: '{id}'", code="resource_missing", param=param)
    return row


def update_customer(wallet: Wallet, fields: Row, id: str) -> Row:
    row = wallet.row("customers", id, "customer")
    if row.get("deleted"):
        raise missing("customer", id)
    changed = _read(wallet, fields, row)
    previous = {name: row[name] for name, value in changed.items() if row[name] != value}
    row.update(changed)
    if previous:
        tell(wallet, "customer.updated", row, previous)
    return row


def delete_customer(wallet: Wallet, fields: Row, id: str) -> Row:
    row = wallet.row("customers", id, "customer")
    tell(wallet, "customer.deleted", row)
    gone: Row = {"id": id, "object": "customer", "deleted": True}
    wallet.tables["customers"][id] = gone | {"created": row.get("created", 0)}
    return gone


def _living(wallet: Wallet) -> list[Row]:
    return [row for row in wallet.tables["customers"].values() if not row.get("deleted")]


def list_customers(wallet: Wallet, fields: Row) -> Row:
    return listed(_living(wallet), fields, "/v1/customers", {"email": equals("email")})


def search_customers(wallet: Wallet, fields: Row) -> Row:
    match = _QUERY.fullmatch(fields.get("query", ""))
    if match is None:
        raise Refusal(400, "The query could not be parsed.", param="query")
    shown = [row for row in _living(wallet) if row["created"] <= wallet.clock() - wallet.search_lag]
    found = [row for row in shown if row["metadata"].get(match[1]) == match[2]]
    return {"object": "search_result", "data": found[::-1], "has_more": False, "url": "/v1/customers/search", "next_page": None}
