"""Writing an order's status: how "the invoice was paid" reaches the shop."""

from __future__ import annotations

from connectors.canonical.ledger import OrderStatusChange
from connectors.kit.errors import NeedsAttention
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.api import V3, path_id

# A status written to a trashed order silently takes it out of the trash (observed with WooCommerce 11.0.1).
_CLOSED = {"trash": "in the trash", "refunded": "refunded", "cancelled": "cancelled"}


def find_status(api: Api, wanted: OrderStatusChange) -> tuple[OrderStatusChange, ...]:
    """The order's status if it is the wanted one already."""
    now = get_status(api, wanted.order_id)
    return (now,) if now.status == wanted.status else ()


def get_status(api: Api, order_id: str) -> OrderStatusChange:
    """The order's status and payment reference as they are."""
    fields = {"_fields": "id,status,transaction_id"}
    return _read(api.get(f"{V3}/orders/{path_id(order_id)}", fields).json("order"))


def write_status(api: Api, wanted: OrderStatusChange) -> OrderStatusChange:
    """Set the status, and the reference where the order has none (a gateway needs its own for refunds).

    Never set_paid: it does nothing on orders on hold, while a paid status sets the payment date by itself (observed).
    """
    now = get_status(api, wanted.order_id)
    if now.status in _CLOSED:
        raise NeedsAttention(
            f"Order {wanted.order_id} is {_CLOSED[now.status]} in the shop, so it was not set to {wanted.status}. "
            "Reopen the order in WooCommerce or give the payment back.",
            code="order_closed",
            subject=f"order:{wanted.order_id}",
        )
    body = {"status": wanted.status}
    if wanted.reference and not now.reference:
        body["transaction_id"] = wanted.reference
    path = f"{V3}/orders/{path_id(wanted.order_id)}"
    answer = api.call("PUT", path, params={"_fields": "id,status,transaction_id"}, json=body, effect=Effect.REPEATABLE)
    return _read(answer.json("order"))


def _read(order: Tame) -> OrderStatusChange:
    return OrderStatusChange(
        order_id=order["id"].identifier(),
        status=order["status"].text(),
        reference=order["transaction_id"].text_or(),
    )
