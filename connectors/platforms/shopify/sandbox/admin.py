"""The admin port's actions: what a merchant does at Shopify, and a look behind the counter."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.platforms.shopify.sandbox import life
from connectors.platforms.shopify.sandbox.bodies import customer_body, product_body
from connectors.platforms.shopify.sandbox.hooks import announce, headers_for
from connectors.platforms.shopify.sandbox.model import Discount, GivenBack, Json, Line, Order, Payment
from connectors.platforms.shopify.sandbox.money import Side
from connectors.platforms.shopify.sandbox.oauth import signed_fields
from connectors.platforms.shopify.sandbox.order_json import order_json
from connectors.platforms.shopify.sandbox.records import gid
from connectors.platforms.shopify.sandbox.resolving import hook_json
from connectors.platforms.shopify.sandbox.scenario import add_customer, line_of, place_one
from connectors.platforms.shopify.sandbox.state import Shop, decimal, set_clock

Action = Callable[[Shop, Json], Any]


def actions(shop: Shop) -> dict[str, Callable[[Json], Any]]:
    """Every action by name, each under the lock."""
    table: dict[str, Action] = {
        "place_order": _place_order,
        "orders": lambda shop, _: {"orders": [life.summary(order) for order in shop.orders.values()]},
        "order": lambda shop, body: {"order": order_json(_found(shop, body)), "notes": []},
        "refund": _refund,
        "settle_refund": _settle_refund,
        "capture": _capture,
        "cancel": _cancel,
        "remove_units": _remove_units,
        "add_line": _add_line,
        "delete": _delete,
        "touch": _touch,
        "add_customer": _add_customer,
        "update_customer": _update_customer,
        "delete_customer": _delete_customer,
        "merge_customers": _merge_customers,
        "update_product": _update_product,
        "webhooks": lambda shop, _: {"webhooks": [{**hook_json(hook), "failures": hook.failures} for hook in shop.hooks.values()]},
        "drop_webhooks": _drop_webhooks,
        "uninstall": _uninstall,
        "expire_tokens": _expire_tokens,
        "refreshes": lambda shop, _: {"refreshes": shop.refreshes},
        "points": lambda shop, _: {"points": shop.fill_bucket(), "spent": shop.spent, **_bucket(shop)},
        "switch": _switch,
        "sign": _sign,
        "compliance": _compliance,
        "clock": lambda shop, body: {"now": set_clock(shop, body.get("now"), float(body.get("advance", 0)))},
    }
    locked = {name: _locked(shop, action) for name, action in table.items()}
    return {**locked, "place_orders": lambda body: place_orders(shop, body)}


def _locked(shop: Shop, action: Action) -> Callable[[Json], Any]:
    def run(body: Json) -> Any:
        with shop.lock:
            return action(shop, body)

    return run


def place_orders(shop: Shop, body: Json) -> Json:
    """{"count", "seed", "customers"?}: many orders of the mix, the same for the same seed; the lock is let go between them."""
    count, seed = int(body.get("count", 1)), int(body.get("seed", 1))
    buyers = int(body.get("customers") or max(1, count * 2 // 3))
    dice = random.Random(f"orders {seed}")
    placed = []
    for _ in range(count):
        with shop.lock:
            placed.append(life.summary(place_one(shop, seed, dice, dice.randrange(buyers))))
    return {"orders": placed}


def _found(shop: Shop, body: Json) -> Order:
    return shop.orders[int(body["id"])]


def _place_order(shop: Shop, body: Json) -> Json:
    """One plain order. {"lines": [{"sku", "quantity"} or {"name", "price", "quantity"}], "taxes": [["HST", "0.13"]], "included",
    "shipping", "discounts", "tip", "fees", "buyer": [currency, rate], "payments": [[kind, gateway, weight, status?]], "email", ...}.
    """
    now, own = shop.now(), Side(shop.switches.currency)
    buyer = body.get("buyer")
    order = Order(
        id=shop.next_id("order"),
        number=shop.next_id("number"),
        sides=(own, Side(buyer[0], decimal(buyer[1])) if buyer else own),
        created=datetime.fromisoformat(body["created"]) if "created" in body else now,
        updated=now,
        lines=[_line(shop, line) for line in body["lines"]],
        taxes=tuple((name, decimal(rate)) for name, rate in body.get("taxes", ())),
        included=bool(body.get("included")),
        discounts=[_discount(each) for each in body.get("discounts", ())],
        shipping=(shop.next_id("shipping"), "Standard", decimal(body["shipping"])) if "shipping" in body else None,
        tip=decimal(body.get("tip", 0)),
        tip_line=shop.next_id("line") if body.get("tip_line") else 0,
        fees=[(shop.next_id("fee"), name, decimal(price)) for name, price in body.get("fees", ())],
        email=body.get("email", "iris@vahl.example"),
        address=body.get("address"),
        test=bool(body.get("test")),
    )
    order.payments = [_payment(shop, each, order) for each in body.get("payments", [["SALE", "shopify_payments", "1"]])]
    life.place(shop, order)
    return life.summary(order)


def _line(shop: Shop, wanted: Json) -> Line:
    if "sku" in wanted:
        line = line_of(shop, next(each for each in shop.variants.values() if each.sku == wanted["sku"]), int(wanted.get("quantity", 1)))
    else:
        price = decimal(wanted["price"])
        line = Line(shop.next_id("line"), wanted["name"], int(wanted.get("quantity", 1)), price)
        line.taxable, line.shipped, line.gift_card = (bool(wanted.get(k, d)) for k, d in _FLAGS)
    if "duty" in wanted:
        line.duty, line.duty_id = decimal(wanted["duty"]), shop.next_id("duty")
    return line


_FLAGS = (("taxable", True), ("shipped", True), ("gift_card", False))


def _discount(wanted: Json) -> Discount:
    percent, amount = decimal(wanted.get("percent", 0)), decimal(wanted.get("amount", 0))
    return Discount(wanted["code"], percent, amount, bool(wanted.get("shipping")))


def _payment(shop: Shop, wanted: list[str], order: Order) -> Payment:
    kind, gateway, weight, *status = wanted
    return Payment(
        shop.next_id("transaction"), kind, status[0] if status else "SUCCESS", gateway, decimal(weight), order.created, order.test
    )


def _refund(shop: Shop, body: Json) -> Json:
    """{"id", "units"?: {line position: units}, "shipping"?, "duties"?, "money"?, "note"?, "status"?, "adjusted"?}."""
    order = _found(shop, body)
    units = {order.lines[int(place)].id: int(count) for place, count in body.get("units", {}).items()}
    money = decimal(body["money"]) if "money" in body else None
    note, status = body.get("note"), body.get("status", "SUCCESS")
    back = GivenBack(shop.next_id("refund"), shop.now(), units, bool(body.get("shipping")), money, note, status)
    back.adjusted, back.duties = bool(body.get("adjusted")), bool(body.get("duties"))
    life.refund(shop, order, back)
    return {**life.summary(order), "refund": str(back.id)}


def _settle_refund(shop: Shop, body: Json) -> Json:
    life.settle_refund(shop, _found(shop, body), body["status"])
    return life.summary(_found(shop, body))


def _capture(shop: Shop, body: Json) -> Json:
    order = _found(shop, body)
    gateway, kind = body.get("gateway", "shopify_payments"), body.get("kind", "CAPTURE")
    life.capture(shop, order, decimal(body.get("weight", 1)), gateway, kind=kind)
    return life.summary(order)


def _cancel(shop: Shop, body: Json) -> Json:
    life.cancel(shop, _found(shop, body), repay=bool(body.get("repay", True)))
    return life.summary(_found(shop, body))


def _remove_units(shop: Shop, body: Json) -> Json:
    order = _found(shop, body)
    life.remove_units(shop, order, {order.lines[int(place)].id: int(count) for place, count in body["units"].items()})
    return life.summary(order)


def _add_line(shop: Shop, body: Json) -> Json:
    life.add_line(shop, _found(shop, body), _line(shop, body["line"]))
    return life.summary(_found(shop, body))


def _delete(shop: Shop, body: Json) -> Json:
    life.delete(shop, _found(shop, body))
    return {}


def _touch(shop: Shop, body: Json) -> Json:
    shop.touch(_found(shop, body))
    return {}


def _add_customer(shop: Shop, body: Json) -> Json:
    return customer_body(
        shop, add_customer(shop, body["email"], body.get("first_name", ""), body.get("last_name", ""), body.get("address"))
    )


def _update_customer(shop: Shop, body: Json) -> Json:
    customer = shop.customers[int(body["id"])]
    for name in ("first_name", "last_name", "email", "address"):
        setattr(customer, name, body.get(name, getattr(customer, name)))
    customer.updated = shop.now()
    announce(shop, "CUSTOMERS_UPDATE", customer_body(shop, customer))
    return customer_body(shop, customer)


def _delete_customer(shop: Shop, body: Json) -> Json:
    customer = shop.customers.pop(int(body["id"]))
    shop.emails.pop(customer.email.lower(), None)
    announce(shop, "CUSTOMERS_DELETE", {"id": customer.id})
    return {}


def _merge_customers(shop: Shop, body: Json) -> Json:
    """{"kept", "gone"}: one record takes over the other's orders; the other one does not exist any more."""
    kept, gone = shop.customers[int(body["kept"])], shop.customers.pop(int(body["gone"]))
    shop.emails.pop(gone.email.lower(), None)
    for order in shop.orders.values():
        if order.customer is gone:
            order.customer = kept
            shop.touch(order)
    kept.updated = shop.now()
    names = {f"admin_graphql_api_customer_{which}_id": gid("Customer", each.id) for which, each in (("kept", kept), ("deleted", gone))}
    announce(shop, "CUSTOMERS_MERGE", names)
    announce(shop, "CUSTOMERS_UPDATE", customer_body(shop, kept))
    return customer_body(shop, kept)


def _update_product(shop: Shop, body: Json) -> Json:
    """{"sku", "price"?, "title"?}: the variant changes, and its product with it."""
    variant = next(each for each in shop.variants.values() if each.sku == body["sku"])
    variant.price = Decimal(body.get("price", variant.price))
    variant.product_title = body.get("title", variant.product_title)
    shop.product_changes[variant.product_id] = shop.now()
    siblings = [each for each in shop.variants.values() if each.product_id == variant.product_id]
    announce(shop, "PRODUCTS_UPDATE", product_body(shop, variant.product_id, siblings))
    return {"id": str(variant.id)}


def _drop_webhooks(shop: Shop, _: Json) -> Json:
    """Shopify deletes them, as after eight failures."""
    count = len(shop.hooks)
    shop.hooks.clear()
    return {"dropped": count}


def _uninstall(shop: Shop, _: Json) -> Json:
    """The token is dead at once; the last webhook tells."""
    shop.installed = False
    announce(shop, "APP_UNINSTALLED", {"id": 1, "name": shop.switches.name, "myshopify_domain": shop.switches.domain})
    shop.hooks.clear()
    return {}


def _expire_tokens(shop: Shop, _: Json) -> Json:
    for token in shop.tokens.values():
        if token.expires_at is not None:
            token.expires_at = time.time() - 1
    return {}


def _bucket(shop: Shop) -> Json:
    return {"bucket": shop.switches.bucket, "restore": shop.switches.restore}


def _switch(shop: Shop, body: Json) -> Json:
    for name, value in body.items():
        if not hasattr(shop.switches, name):
            raise KeyError(name)
        setattr(shop.switches, name, tuple(value) if isinstance(value, list) else value)
    shop.points = min(shop.points, shop.switches.bucket)
    return {}


def _sign(shop: Shop, body: Json) -> Json:
    """Signed parameters of an install hit."""
    return signed_fields(shop, **body)


def _compliance(shop: Shop, body: Json) -> Json:
    """{"topic": "CUSTOMERS_REDACT", "url", "body", "event"?}: one of the three privacy topics, to the app's own address."""
    raw = body["body"].encode() if isinstance(body["body"], str) else b""
    number = shop.next_id("event")
    headers = headers_for(shop, body["topic"], raw, body.get("event") or f"e-{number}", f"w-{number}")
    return {"status": shop.courier.post_now(body["url"], raw, headers)}
