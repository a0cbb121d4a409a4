"""What happens to an order: it is placed, paid, moved on, archived; each step raises its events."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from connectors.platforms.bigcommerce.sandbox.deliveries import raise_event
from connectors.platforms.bigcommerce.sandbox.model import Json, Order
from connectors.platforms.bigcommerce.sandbox.state import Store, iso


def place(store: Store, order: Order) -> None:
    """The checkout page was reached: the order exists, and its event says "created", before anybody has paid."""
    store.orders[order.id] = order
    raise_event(store, "store/order/created", {"type": "order", "id": order.id})


def touch(store: Store, order: Order) -> None:
    order.modified = store.now()
    raise_event(store, "store/order/updated", {"type": "order", "id": order.id})


def set_status(store: Store, order: Order, status_id: int) -> None:
    before, order.status_id, order.modified = order.status_id, status_id, store.now()
    moved = {"previous_status_id": before, "new_status_id": status_id}
    raise_event(store, "store/order/statusUpdated", {"type": "order", "id": order.id, "status": moved})
    raise_event(store, "store/order/updated", {"type": "order", "id": order.id})


def archive(store: Store, order: Order) -> None:
    order.deleted, order.modified = True, store.now()
    raise_event(store, "store/order/archived", {"type": "order", "id": order.id})


def add_transaction(store: Store, order: Order, event: str, amount: Decimal, **fields: object) -> Json:
    """A transaction of the order. Whether it moves the order's date_modified is documented nowhere: here it does not."""
    transaction: Json = {
        "id": store.next_id("transaction"),
        "order_id": str(order.id),
        "event": event,
        "method": "credit_card",
        "amount": amount,
        "currency": order.currency,
        "gateway": "stripe",
        "gateway_transaction_id": f"ch_{store.random.getrandbits(48):012x}",
        "status": "ok",
        "test": False,
        "fraud_review": False,
        "reference_transaction_id": None,
        "payment_method_id": "stripe.card",
        "date_created": iso(store.now()),
        "offline": None,
        "custom": None,
        "avs_result": {},
        "cvv_result": {},
        "credit_card": {},
        "gift_certificate": None,
        "store_credit": None,
        **fields,
    }
    order.transactions.append(transaction)
    told = {
        "type": "transaction",
        "order_id": str(order.id),
        "transaction_id": str(transaction["id"]),
        "transaction_status": transaction["status"],
        "transaction_type": event,
    }
    raise_event(store, "store/order/transaction/created", told)
    return transaction


def busy(store: Store, order: Order) -> bool:
    """Whether a refund of the order is still with its provider."""
    return order.refunding_until is not None and store.moment() < order.refunding_until


def make_busy(store: Store, order: Order) -> None:
    order.refunding_until = store.moment() + timedelta(seconds=store.switches.refund_seconds)
