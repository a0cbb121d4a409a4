"""The admin port's actions: what a merchant does in the control panel, and a look behind the counter."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from connectors.platforms.bigcommerce.sandbox.deliveries import raise_event, run_due
from connectors.platforms.bigcommerce.sandbox.hooks import find_hook, hook_json
from connectors.platforms.bigcommerce.sandbox.model import Json, Order
from connectors.platforms.bigcommerce.sandbox.oauth import new_code, signed_payload, uninstall
from connectors.platforms.bigcommerce.sandbox.order_json import numbered, order_json
from connectors.platforms.bigcommerce.sandbox.order_life import add_transaction, archive, place, set_status, touch
from connectors.platforms.bigcommerce.sandbox.orders import find_order
from connectors.platforms.bigcommerce.sandbox.paying import UNPAID, leave_unpaid, pay, refund_all
from connectors.platforms.bigcommerce.sandbox.refunding import decline, quote, refund
from connectors.platforms.bigcommerce.sandbox.scenario import draw_order, shopper
from connectors.platforms.bigcommerce.sandbox.state import Store, text
from connectors.platforms.bigcommerce.sandbox.wire import Refusal
from connectors.platforms.bigcommerce.statuses import status_of

Action = Callable[[Store, Json], Any]
NOISE_EVERY = 4


def actions(store: Store) -> dict[str, Callable[[Json], Any]]:
    """Every action by name, under the lock."""
    table: dict[str, Action] = {
        "orders": lambda store, _: {"orders": [summary(one) for one in store.orders.values() if one.status_id != 0]},
        "order": _order,
        "place_unpaid": _place_unpaid,
        "transaction": _transaction,
        "status": _status,
        "touch": _touch,
        "archive": _archive,
        "refund": _refund,
        "decline": _decline,
        "webhooks": lambda store, _: {"webhooks": [hook_json(hook, admin=True) for hook in store.hooks.values()]},
        "set_webhook": _set_webhook,
        "fire": _fire,
        "change_product": _change_product,
        "install": lambda store, _: new_code(store),
        "load": lambda store, _: {"signed_payload_jwt": signed_payload(store)},
        "uninstall": lambda store, _: uninstall(store),
        "clock": _clock,
        "switch": _switch,
    }
    locked = {name: _locked(store, action) for name, action in table.items()}
    return {**locked, "place_orders": lambda body: place_orders(store, body)}


def _locked(store: Store, action: Action) -> Callable[[Json], Any]:
    def run(body: Json) -> Any:
        with store.lock:
            try:
                return action(store, body)
            except Refusal as refusal:
                return {"error": refusal.message, "status": refusal.status}

    return run


def summary(order: Order) -> Json:
    """An order in short; money as text with the currency's decimals."""
    return {
        "id": str(order.id),
        "number": str(order.id),
        "currency": order.currency,
        "total": text(order.total, order.currency),
        "captured": text(order.received, order.currency),
        "refunded": text(order.refunded, order.currency),
        "status": status_of(order.status_id).word,
        "email": order.billing.get("email", ""),
    }


def place_orders(store: Store, body: Json) -> Json:
    """{"count", "seed", "customers"?}: so many paid orders, the same for the same seed; the lock is let go between them.

    Beside them orders are placed that must not be booked (left, only authorised, unpaid, declined, tested); they are not in the answer.
    """
    count, seed = int(body.get("count", 1)), int(body.get("seed", 1))
    buyers = int(body.get("customers") or max(1, count * 2 // 3))
    dice = random.Random(f"bigcommerce orders {seed}")
    placed = []
    for position in range(count):
        with store.lock:
            if store.switches.noise and position % NOISE_EVERY == NOISE_EVERY - 1:
                _unpaid(store, dice, seed, dice.choice(UNPAID))
            order = draw_order(store, dice, shopper(seed, dice.randrange(buyers)))
            place(store, order)
            pay(store, dice, order)
            placed.append(summary(order))
    return {"orders": placed}


def _unpaid(store: Store, dice: random.Random, seed: int, way: str) -> Order:
    order = draw_order(store, dice, shopper(seed, dice.randrange(1000)))
    place(store, order)
    leave_unpaid(store, order, way)
    return order


def _place_unpaid(store: Store, body: Json) -> Json:
    """{"way", "seed"?}: one order that is not paid (yet): one of paying.UNPAID."""
    seed = int(body.get("seed", 1))
    return summary(_unpaid(store, random.Random(f"unpaid {seed}"), seed, str(body["way"])))


def _found(store: Store, body: Json) -> Order:
    return find_order(store, str(body["id"]))


def _order(store: Store, body: Json) -> Json:
    """The order as the API shows it. BigCommerce keeps no notes of ours."""
    order = _found(store, body)
    shown: Json = numbered({"transactions": order.transactions, "refunds": order.refunds})
    lines = [{"id": line.id, "quantity": line.quantity, "gross": str(line.sold.gross)} for line in order.lines]
    return {"order": order_json(store, order), "notes": [], "lines": lines, **shown}


def _transaction(store: Store, body: Json) -> Json:
    """{"id", "event", "amount"?, ...}: something happens at the gateway; what is captured counts as received."""
    order = _found(store, body)
    amount = Decimal(str(body.get("amount") or order.total))
    more = {name: value for name, value in body.items() if name not in ("id", "event", "amount")}
    made = add_transaction(store, order, str(body["event"]), amount, **more)
    if body["event"] in ("purchase", "capture") and made["status"] == "ok" and not made["test"]:
        order.received += amount
    return {**summary(order), "transaction": made["id"]}


def _status(store: Store, body: Json) -> Json:
    """{"id", "status_id", "received"?}: a person moves the order; received: money that came in without a transaction."""
    order = _found(store, body)
    order.received = Decimal(str(body.get("received", order.received)))
    set_status(store, order, int(body["status_id"]))
    return summary(order)


def _touch(store: Store, body: Json) -> Json:
    order = _found(store, body)
    touch(store, order)
    return summary(order)


def _archive(store: Store, body: Json) -> Json:
    order = _found(store, body)
    archive(store, order)
    return summary(order)


def _refund(store: Store, body: Json) -> Json:
    """{"id", "items"?}: these items, or all that is left."""
    order = _found(store, body)
    items = body.get("items")
    if not items:
        return dict(numbered(refund_all(store, order)))
    amount = quote(order, items).amount
    return dict(numbered(refund(store, order, items, [{"provider_id": "stripe", "amount": amount}], str(body.get("reason", "")))))


def _decline(store: Store, body: Json) -> Json:
    """{"id", "refund_id"}: the provider declines a refund that was accepted."""
    return dict(numbered(decline(store, _found(store, body), int(body["refund_id"]))))


def _set_webhook(store: Store, body: Json) -> Json:
    """{"id", "status"}: as the store (deactivated) or a person (inactive) does."""
    hook = find_hook(store, str(body["id"]))
    hook.status = str(body["status"])
    return hook_json(hook, admin=True)


def _fire(store: Store, body: Json) -> Json:
    """{"scope", "data"}: send an event as it stands."""
    raise_event(store, str(body["scope"]), dict(body["data"]))
    return {"sent": True}


def _change_product(store: Store, body: Json) -> Json:
    product = store.products[int(body["id"])]
    for name, value in dict(body["fields"]).items():
        setattr(product, name, Decimal(value) if name == "price" else value)
    product.modified = store.now()
    raise_event(store, "store/product/updated", {"type": "product", "id": product.id})
    return {"id": str(product.id), "sku": product.sku}


def _clock(store: Store, body: Json) -> Json:
    """{"now"} stops the clock, {"advance": seconds} moves it on, {} lets it run. What is due is sent."""
    moment = store.set_clock(body.get("now"), float(body.get("advance", 0)))
    return {"now": moment.isoformat(), "sent": run_due(store, until=store.now)}


def _switch(store: Store, body: Json) -> Json:
    """{switch: value, ...}: change how the store is set up while it runs."""
    names = {one.name for one in fields(store.switches)}
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items() if name in names}
    for name, value in known.items():
        setattr(store.switches, name, value)
    return known
