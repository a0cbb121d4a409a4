"""Customer accounts of the store; guests have none and live in their orders only."""

from __future__ import annotations

import re
from datetime import timedelta

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.party import NO_ADDRESS, Customer
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.errors import Gone, Rejected
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.api import V3, last_page, path_id, read_data, read_many
from connectors.platforms.bigcommerce.parties import read_account_address
from connectors.platforms.bigcommerce.times import as_version, iso_second

_PATH = f"{V3}/customers"
_CURSOR = re.compile(r"(after|page):(.{1,300})", re.DOTALL)


def page_customers(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed accounts. The first page brings a cursor, with which we go on; where there is none, page numbers do."""
    style, place = _read_cursor(cursor)
    second = timedelta(seconds=1)
    params = [
        ("date_modified:min", iso_second(window.since - second)),
        ("date_modified:max", iso_second(window.until + second)),
        *([(style, place)] if place else []),
    ]
    rows, meta = read_many(api, _PATH, "customers", params)
    changed = [(row, row["date_modified"].time()) for row in rows]
    notices = tuple(
        Notice(ObjectType.CUSTOMER, row["id"].known_identifier(), version=as_version(moment))
        for row, moment in changed
        if window.since.replace(microsecond=0) <= moment <= window.until
    )
    return Page(notices, _next(meta, style, place) if rows else None)


def _read_cursor(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", ""
    match = _CURSOR.fullmatch(cursor)
    if not match or (match[1] == "page" and not match[2].isdigit()):
        raise Rejected(f"cursor: expected after:... or page:..., got {cursor!r}", code="malformed")
    return match[1], match[2]


def _next(meta: Tame, style: str, place: str) -> str | None:
    """By cursor up to an empty page; by number up to the last page."""
    pagination = meta.get("cursor_pagination")
    end = pagination.get("end_cursor").text_or() if isinstance(pagination.value, dict) and style != "page" else ""
    if end and end != place:
        return f"after:{end}"
    page = int(place) if style == "page" else 1
    return f"page:{page + 1}" if style != "after" and page < last_page(meta) else None


def fetch_customer(api: Api, customer_id: str) -> Raw:
    """The account with up to ten addresses. There is no address for a single customer; an unknown id gives an empty list."""
    params = [("id:in", path_id(customer_id)), ("include", "addresses")]
    rows, _ = read_data(api, _PATH, "customers", params)
    if not rows:
        raise Gone("The store has no such customer (any more).", code="not_found")
    if rows[0]["id"].identifier() != path_id(customer_id):
        raise rows[0]["id"].fail(f"the customer {customer_id}")
    return {"customer": dict(rows[0].mapping())}


def normalise_customer(raw: Raw, account: Account) -> Customer:
    """The account; its first address stands for billing, as the store has no other notion of one."""
    customer = Tame(Tame(raw, "raw")["customer"].value, "customer")
    home = next((read_account_address(address) for address in customer.get("addresses").items_or_none()), NO_ADDRESS)
    return Customer(
        id=customer["id"].known_identifier(),
        email=customer["email"].text_or().strip(),
        given_name=customer["first_name"].text_or(),
        family_name=customer["last_name"].text_or(),
        company=customer.get("company").text_or() or home.company,
        phone=customer.get("phone").text_or() or home.phone,
        billing=home,
        shipping=home,
        currency=account.currency,
        updated_at=customer["date_modified"].time_or_none(),
    )
