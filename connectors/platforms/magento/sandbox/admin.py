"""The admin port's actions: what a merchant does in the shop's own back office, and a look behind the counter."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.canonical.money import exponent
from connectors.platforms.magento.sandbox import lifecycle, people
from connectors.platforms.magento.sandbox.activating import activate
from connectors.platforms.magento.sandbox.announcing import install
from connectors.platforms.magento.sandbox.pricing import ZERO
from connectors.platforms.magento.sandbox.routes import show_order
from connectors.platforms.magento.sandbox.scenario import place_one, shopper
from connectors.platforms.magento.sandbox.selling import Basket, place
from connectors.platforms.magento.sandbox.state import Shop
from connectors.platforms.magento.sandbox.wire import Json, Refusal, plain

Action = Callable[[Shop, Json], Any]


def actions(shop: Shop) -> dict[str, Callable[[Json], Any]]:
    """Every action by name, each under the lock."""
    table: dict[str, Action] = {
        "place_order": _place_order,
        "orders": lambda shop, _: {"orders": [summary(order) for order in shop.orders.values()]},
        "order": _order,
        "pay": _pay,
        "refund": _refund,
        "cancel": lambda shop, body: {"cancelled": lifecycle.cancel(shop, _found(shop, body))},
        "customers": lambda shop, _: {"customers": plain(list(shop.customers.values()))},
        "customer": lambda shop, body: plain(people.find_customer(shop, int(body["id"]))),
        "create_customer": lambda shop, body: plain(people.create_customer(shop, body["fields"])),
        "update_customer": lambda shop, body: plain(people.update_customer(shop, int(body["id"]), body["fields"])),
        "activate": activate,
        "install_webhook": install,
        "permit": _permit,
        "attributes": _attributes,
        "clock": lambda shop, body: {"now": shop.set_clock(body.get("now"), float(body.get("advance", 0))).isoformat()},
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
                return {"error": refusal.message}

    return run


def summary(order: Json) -> Json:
    """An order in short; money as strings with the currency's decimals."""

    def text(amount: Decimal) -> str:
        return f"{amount:.{exponent(order['order_currency_code'])}f}"

    return {
        "id": str(order["entity_id"]),
        "number": order["increment_id"],
        "currency": order["order_currency_code"],
        "total": text(order["grand_total"]),
        "captured": text(order.get("total_paid") or ZERO),
        "refunded": text(order.get("total_refunded") or ZERO),
        "status": order["status"],
        "email": order["customer_email"],
        "customer_id": str(order["customer_id"] or ""),
        "reference": order.get("ext_order_id", ""),
    }


def place_orders(shop: Shop, body: Json) -> Json:
    """{"count", "seed", "customers"?}: many orders of the mix, the same for the same seed; the lock is let go between them."""
    count, seed = int(body.get("count", 1)), int(body.get("seed", 1))
    buyers = int(body.get("customers") or max(1, count * 2 // 3))
    dice = random.Random(f"magento orders {seed}")
    placed = []
    for _ in range(count):
        with shop.lock:
            placed.append(summary(place_one(shop, dice, shopper(shop, seed, dice.randrange(buyers)))))
    return {"orders": placed}


def _place_order(shop: Shop, body: Json) -> Json:
    """{"rows": [[sku, quantity, [[child sku, count], ...]?]], "address"?, "email"?, "coupon_percent"?, "shipping"?, "paid"? ...}."""
    skus = {product["sku"]: product["id"] for product in shop.products.values()}
    address = {"firstname": "Iris", "lastname": "Vahl", "street": ["9 Mill Lane"], "city": "Hamilton", "region": "Ontario",
               "region_code": "ON", "postcode": "L8P 1A1", "country_id": "CA", "telephone": "+1 555 0100"}  # fmt: skip
    off = Decimal(str(body.get("coupon_percent", 0)))
    basket = Basket(
        rows=tuple(_bought(skus, row) for row in body["rows"]),
        address={**address, **body.get("address", {})},
        email=body.get("email", "iris@vahl.example"),
        customer_id=int(body.get("customer_id", 0)),
        coupon="TEN" if off else "",
        off=off,
        shipping=Decimal(str(body.get("shipping", "0"))),
        shipping_off=off if body.get("coupon_on_shipping") else ZERO,
        method=body.get("method", "checkmo"),
        store_id=int(body.get("store_id", 1)),
        inclusive=bool(body.get("inclusive")),
    )
    order = place(shop, basket)
    if body.get("paid"):
        lifecycle.pay(shop, order, txn=str(body.get("txn", "")))
    return summary(order)


def _bought(skus: dict[str, int], row: list[Any]) -> tuple[int, int, tuple[tuple[int, int], ...]]:
    children = row[2] if len(row) > 2 else ()
    return skus[row[0]], int(row[1]), tuple((skus[sku], int(count)) for sku, count in children)


def _found(shop: Shop, body: Json) -> Json:
    return lifecycle.find_order(shop, int(body["id"]))


def _order(shop: Shop, body: Json) -> Json:
    order = _found(shop, body)
    memos = [memo for memo in shop.memos.values() if memo["order_id"] == order["entity_id"]]
    return {"order": plain(show_order(shop, order)), "notes": plain(shop.comments[order["entity_id"]]), "refunds": plain(memos)}


def _pay(shop: Shop, body: Json) -> Json:
    part = Decimal(str(body["amount"])) if body.get("amount") else None
    lifecycle.pay(shop, _found(shop, body), part, str(body.get("txn", "")))
    return summary(_found(shop, body))


def _refund(shop: Shop, body: Json) -> Json:
    """{"id", "rows": {item id: quantity}?, "shipping"?, "positive"?, "negative"?}; without rows everything."""
    order = _found(shop, body)
    rows = {int(key): int(value) for key, value in (body.get("rows") or {}).items()}
    everything = body.get("rows") is None
    rows = {row["item_id"]: row["qty_ordered"] for row in order["items"]} if everything else rows
    more, less = (Decimal(str(body.get(name, "0"))) for name in ("positive", "negative"))
    lifecycle.refund(shop, order, rows, bool(body.get("shipping", everything)), more, less)
    return summary(order)


def _permit(shop: Shop, body: Json) -> Json:
    """{"only": [resource, ...]} or {"all_but": [...]}: what the integration may do; {} everything."""
    every = {
        "Magento_Sales::actions_view",
        "Magento_Sales::comment",
        "Magento_Sales::api_actions",
        "Magento_Sales::invoice",
        "Magento_Sales::creditmemo",
        "Magento_Sales::cancel",
        "Magento_Sales::sales_invoice",
        "Magento_Sales::sales_creditmemo",
        "Magento_Sales::transactions_fetch",
        "Magento_Customer::customer",
        "Magento_Customer::manage",
        "Magento_Catalog::products",
        "Magento_Backend::store",
    }
    chosen = set(body["only"]) if "only" in body else every - set(body.get("all_but", ()))
    for integration in shop.integrations.values():
        integration.permissions = None if not body else frozenset(chosen)
        integration.active = bool(body.get("active", True))
    return {"permissions": sorted(chosen)}


def _attributes(shop: Shop, body: Json) -> Json:
    """{"names"}: order attributes that an extension declares."""
    shop.attributes = set(body["names"])
    return {"names": sorted(shop.attributes)}


def _switch(shop: Shop, body: Json) -> Json:
    """{switch: value, ...}: change how the shop is set up while it runs."""
    known = {name: body[name] for name in body if hasattr(shop.switches, name)}
    for name, value in known.items():
        setattr(shop.switches, name, value)
    return known
