"""Where a person sees an object in the shop's own administration."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.account import Account
from connectors.platforms.magento.api import store_url

_PAGES = {
    ObjectType.ORDER: "sales/order/view/order_id/{}",
    ObjectType.ORDER_STATUS: "sales/order/view/order_id/{}",
    ObjectType.ORDER_NOTE: "sales/order/view/order_id/{}",
    ObjectType.CUSTOMER: "customer/index/edit/id/{}",
    ObjectType.PRODUCT: "catalog/product/edit/id/{}",
}


def link(account: Account, kind: ObjectType, object_id: str) -> str:
    """The admin page of an order, customer or product, "" for anything else and where the admin's path is not known."""
    path = str(account.settings.get("admin_path") or "").strip().strip("/")
    if not object_id or not path or kind not in _PAGES:
        return ""
    return f"{store_url(account)}/{path}/{_PAGES[kind].format(object_id)}/"
