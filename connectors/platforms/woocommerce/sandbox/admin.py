"""The admin port's actions: what a merchant does in the shop's own back office, and a look behind the counter."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from connectors.platforms.woocommerce.sandbox.auth import new_key
from connectors.platforms.woocommerce.sandbox.deliveries import flush_events, run_queue, send_delivery
from connectors.platforms.woocommerce.sandbox.model import Json, Order
from connectors.platforms.woocommerce.sandbox.order_json import note_json, order_json, refund_json
from connectors.platforms.woocommerce.sandbox.order_life import captured, create_order, trash_order, update_order
from connectors.platforms.woocommerce.sandbox.orders import find_order
from connectors.platforms.woocommerce.sandbox.products import change_product, find_product
from connectors.platforms.woocommerce.sandbox.refund_making import make_refund
from connectors.platforms.woocommerce.sandbox.scenario import place_one, shopper
from connectors.platforms.woocommerce.sandbox.seed import ADMIN_USER
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.webhooks import find_hook, webhook_json
from connectors.platforms.woocommerce.sandbox.wire import Refusal, money

Action = Callable[[Shop, Json], Any]


def actions(shop: Shop) -> dict[str, Callable[[Json], Any]]:
    """Every action by name, each under the lock and with its events sent afterwards."""
    table: dict[str, Action] = {
        "place_order": _place_order,
        "orders": lambda shop, _: {"orders": [summary(order) for order in shop.orders.values()]},
        "order": _order,
        "refund": _refund,
        "update": _update,
        "trash": _trash,
        "webhooks": _webhooks,
        "set_webhook": _set_webhook,
        "fire": _fire,
        "run_queue": lambda shop, _: {"delivered": run_queue(shop)},
        "add_key": _add_key,
        "lose_owner": _lose_owner,
        "update_product": _update_product,
        "clock": _clock,
        "switch": _switch,
    }
    locked = {name: _locked(shop, action) for name, action in table.items()}
    return {**locked, "place_orders": lambda body: place_orders(shop, body)}


def _locked(shop: Shop, action: Action) -> Callable[[Json], Any]:
    def run(body: Json) -> Any:
        with shop.lock:
            try:
                return action(shop, body)
            except Refusal as refusal:
                return {"error": refusal.body()}
            finally:
                flush_events(shop)

    return run


def summary(order: Order) -> Json:
    """An order in short; money as strings with the order's decimals."""
    return {
        "id": str(order.id),
        "number": order.number,
        "currency": order.currency,
        "total": money(order.total, order.decimals),
        "captured": money(captured(order), order.decimals),
        "refunded": money(order.refunded, order.decimals),
        "status": order.status,
        "email": order.billing.get("email", ""),
    }


def place_orders(shop: Shop, body: Json) -> Json:
    """{"count", "seed", "customers"?}: many orders of the mix, the same for the same seed; the lock is let go between them."""
    count, seed = int(body.get("count", 1)), int(body.get("seed", 1))
    buyers = int(body.get("customers") or max(1, count * 2 // 3))
    dice = random.Random(f"orders {seed}")
    placed = []
    for _ in range(count):
        with shop.lock:
            order = place_one(shop, dice, shopper(seed, dice.randrange(buyers)))
            flush_events(shop)
            placed.append(summary(order))
    return {"orders": placed}


def _place_order(shop: Shop, body: Json) -> Json:
    """One order from platform JSON, as if it came through the checkout."""
    return summary(create_order(shop, {"created_via": "checkout", **body["fields"]}))


def _found(shop: Shop, body: Json) -> Order:
    return find_order(shop, int(body["id"]))


def _order(shop: Shop, body: Json) -> Json:
    order = _found(shop, body)
    return {
        "order": order_json(shop, order, order.decimals),
        "notes": [note_json(shop, order, note) for note in order.notes],
        "refunds": [refund_json(shop, refund, order.decimals) for refund in order.refunds],
    }


def _refund(shop: Shop, body: Json) -> Json:
    """{"id", "amount"?, "lines"?}: by amount, by lines, or all that is left."""
    order = _found(shop, body)
    fields: Json = {"api_refund": False, "reason": body.get("reason", "")}
    if body.get("lines"):
        fields["line_items"] = body["lines"]
    if body.get("amount") or not body.get("lines"):
        fields["amount"] = str(body.get("amount") or order.total - order.refunded)
    return refund_json(shop, make_refund(shop, order, fields, ADMIN_USER), order.decimals)


def _update(shop: Shop, body: Json) -> Json:
    order = _found(shop, body)
    update_order(shop, order, body.get("fields", {}))
    return summary(order)


def _trash(shop: Shop, body: Json) -> Json:
    order = _found(shop, body)
    trash_order(shop, order)
    return summary(order)


def _webhooks(shop: Shop, _: Json) -> Json:
    """Registrations with what REST never shows: failures counted, ping pending."""
    return {
        "webhooks": [
            {**webhook_json(shop, hook), "failure_count": hook.failures, "pending_delivery": hook.pending} for hook in shop.hooks.values()
        ]
    }


def _set_webhook(shop: Shop, body: Json) -> Json:
    """{"id", "status"}: a person pauses or enables it in the back office."""
    hook = find_hook(shop, int(body["id"]))
    hook.status = str(body["status"])
    return webhook_json(shop, hook)


def _fire(shop: Shop, body: Json) -> Json:
    """{"id", "topic"}: send that delivery again to every webhook of the topic, whatever its status."""
    hooks = [hook for hook in shop.hooks.values() if hook.topic == body["topic"]]
    for hook in hooks:
        send_delivery(shop, hook, int(body["id"]))
    return {"sent": len(hooks)}


def _add_key(shop: Shop, body: Json) -> Json:
    """{"permissions"?, "role"?}: another key, of a user with that role."""
    key = new_key(shop, str(body.get("permissions", "read_write")), str(body.get("role", "administrator")))
    return {"key_id": key.id, "consumer_key": key.consumer_key, "consumer_secret": key.consumer_secret}


def _lose_owner(shop: Shop, body: Json) -> Json:
    """{"lost"?}: the webhooks' owner is gone, so deliveries carry a signed error."""
    shop.owner_lost = bool(body.get("lost", True))
    return {"lost": shop.owner_lost}


def _update_product(shop: Shop, body: Json) -> Json:
    product = find_product(shop, int(body["id"]))
    change_product(shop, product, body["fields"])
    return {"id": str(product.id), "sku": product.sku, "price": product.price}


def _clock(shop: Shop, body: Json) -> Json:
    """{"now"} stops the clock, {"advance": seconds} moves it on, {} lets it run."""
    return {"now": shop.set_clock(body.get("now"), float(body.get("advance", 0))).isoformat()}


def _switch(shop: Shop, body: Json) -> Json:
    """{switch: value, ...}: change how the shop is set up while it runs."""
    known = {name: body[name] for name in body if hasattr(shop.switches, name)}
    for name, value in known.items():
        setattr(shop.switches, name, value)
    return known
