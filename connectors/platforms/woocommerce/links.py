"""Where a person sees an object in the shop's own administration."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.account import Account
from connectors.platforms.woocommerce.api import store_url

_ORDER_PAGES = (ObjectType.ORDER, ObjectType.ORDER_STATUS, ObjectType.ORDER_NOTE)


def link(account: Account, kind: ObjectType, object_id: str) -> str:
    """The wp-admin page of an order, product or customer, "" for anything else.

    Shops with order tables have a page of their own for orders; post storage uses the post editor.
    """
    admin = f"{store_url(account)}/wp-admin"
    if not object_id:
        return ""
    if kind in _ORDER_PAGES and account.ids.get("order_tables") == "yes":
        return f"{admin}/admin.php?page=wc-orders&action=edit&id={object_id}"
    if kind in _ORDER_PAGES or kind is ObjectType.PRODUCT:
        return f"{admin}/post.php?post={object_id}&action=edit"
    if kind is ObjectType.CUSTOMER:
        return f"{admin}/user-edit.php?user_id={object_id}"
    return ""
