"""Where a person sees an object in the store's control panel."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.account import Account
from connectors.platforms.bigcommerce.api import store_hash

_PAGES = {
    ObjectType.ORDER: "orders/{id}",
    ObjectType.CUSTOMER: "customers/{id}/edit",
    ObjectType.PRODUCT: "products/edit/{id}",
}


def link(account: Account, kind: ObjectType, object_id: str) -> str:
    """The control panel's page of an order, customer or product, "" for anything else. A variant's page is its product's."""
    page, store = _PAGES.get(kind), store_hash(account)
    if not page or not object_id or not store:
        return ""
    return f"https://store-{store}.mybigcommerce.com/manage/{page.format(id=object_id.partition('-')[0])}"
