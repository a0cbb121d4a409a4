"""Where a person sees an object in the shop's own administration."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.account import Account

_PAGES = {ObjectType.ORDER: "orders", ObjectType.CUSTOMER: "customers"}


def link(account: Account, kind: ObjectType, object_id: str) -> str:
    """The admin page of an order or customer, "" for anything else (a variant's page needs its product's id)."""
    page = _PAGES.get(kind)
    return f"{account.base_url.rstrip('/')}/admin/{page}/{object_id}" if page and object_id else ""
