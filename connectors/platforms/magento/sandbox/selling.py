"""Placing orders: from a basket to the rows, totals, addresses and taxes that Magento stores."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.platforms.magento.sandbox.announcing import announce
from connectors.platforms.magento.sandbox.pricing import ZERO, Priced, price_row
from connectors.platforms.magento.sandbox.state import Rate, Shop
from connectors.platforms.magento.sandbox.wire import Json

_TITLES = {"checkmo": "Check / Money order", "banktransfer": "Bank Transfer Payment", "braintree": "Credit Card (Braintree)"}


@dataclass(frozen=True)
class Basket:
    """What is bought: (product id, quantity), for bundles and configurables the parent's id and the chosen children."""

    rows: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]
    address: Json
    email: str
    customer_id: int = 0
    coupon: str = ""
    off: Decimal = ZERO
    shipping: Decimal = ZERO
    shipping_off: Decimal = ZERO
    method: str = "checkmo"
    store_id: int = 1
    inclusive: bool = False
    taxed_shipping: bool = True


def place(shop: Shop, basket: Basket) -> Json:
    """Store one new order, pending and unpaid."""
    currency = shop.switches.currency if basket.store_id == 1 else shop.switches.second_currency
    rates = shop.rates_for(basket.address["country_id"], basket.address.get("region_code", ""))
    order_id, at = shop.next_id("order"), shop.stamp()
    rows, applied = _rows(shop, basket, rates, currency, order_id)
    virtual = all(row["is_virtual"] for row in rows if not row.get("parent_item_id"))
    shipped = ZERO if virtual else basket.shipping
    charge = price_row(shipped, 1, basket.shipping_off, rates if basket.taxed_shipping else (), currency, inclusive=basket.inclusive)
    totals = _totals(rows, charge)
    number = f"{shop.next_id(f'increment {basket.store_id}'):09d}"
    order: Json = {
        "entity_id": order_id,
        "increment_id": number if basket.store_id == 1 else f"{basket.store_id}{number}",
        "store_id": basket.store_id,
        "store_name": f"Main Website\nMain Website Store\nView {basket.store_id}",
        "state": "new",
        "status": "pending",
        "created_at": at,
        "updated_at": at,
        "base_currency_code": shop.switches.currency,
        "order_currency_code": currency,
        "base_to_order_rate": 1 if basket.store_id == 1 else Decimal("0.68"),
        "store_to_order_rate": 0,
        "is_virtual": int(virtual),
        "customer_is_guest": int(not basket.customer_id),
        "customer_id": basket.customer_id or None,
        "customer_email": basket.email,
        "customer_firstname": basket.address["firstname"],
        "customer_lastname": basket.address["lastname"],
        "coupon_code": basket.coupon or None,
        "discount_description": basket.coupon or None,
        "shipping_description": None if virtual else "Flat Rate - Fixed",
        "protect_code": hashlib.sha256(f"{shop.home} {order_id}".encode()).hexdigest()[:32],
        **totals,
        "base_grand_total": totals["grand_total"],
        "total_due": totals["grand_total"],
        "total_qty_ordered": sum(row["qty_ordered"] for row in rows if not row.get("parent_item_id")),
        "items": rows,
        "billing_address": {**basket.address, "address_type": "billing", "email": basket.email, "parent_id": order_id},
        "payment": {
            "account_status": None,
            "additional_information": [_TITLES.get(basket.method, basket.method)],
            "amount_ordered": totals["grand_total"],
            "cc_last4": None,
            "method": basket.method,
            "parent_id": order_id,
        },
        "extension_attributes": _extension(basket, virtual, charge, applied, order_id),
    }
    shop.orders[order_id] = order
    shop.comments[order_id] = []
    announce(shop, "orders/created", order_id)
    return order


def _rows(shop: Shop, basket: Basket, rates: Sequence[Rate], currency: str, order_id: int) -> tuple[list[Json], list[Json]]:
    """All rows with their children, and the taxes of the rows that carry some."""
    rows: list[Json] = []
    applied: list[Json] = []
    for product_id, quantity, children in basket.rows:
        product = shop.products[product_id]
        dynamic = product["type_id"] == "bundle" and not product["price"]
        parent = _row(shop, product, quantity, order_id)
        rows.append(parent)
        parts = [_row(shop, shop.products[child], count * quantity, order_id, parent["item_id"]) for child, count in children]
        taxed = rates if product.get("taxed", True) else ()
        if dynamic:
            priced = [(part, _priced(part, shop.products[part["product_id"]], basket, taxed, currency)) for part in parts]
            applied += [_fill(part, one, basket.off) for part, one in priced]
            _sum_up(parent, parts)
        else:
            applied.append(_fill(parent, _priced(parent, product, basket, taxed, currency), basket.off))
            for part in parts:
                _fill_nothing(part)
        if product["type_id"] == "configurable" and parts:
            parent["sku"] = parts[0]["sku"]
        rows += parts
    return rows, [entry for entry in applied if entry["applied_taxes"]]


def _row(shop: Shop, product: Json, quantity: int, order_id: int, parent: int | None = None) -> Json:
    return {
        "item_id": shop.next_id("item"),
        "order_id": order_id,
        "parent_item_id": parent,
        "product_id": product["id"],
        "product_type": product["type_id"],
        "sku": product["sku"],
        "name": product["name"],
        "is_virtual": int(product["type_id"] == "virtual"),
        "qty_ordered": quantity,
        "qty_invoiced": 0,
        "qty_refunded": 0,
        "qty_canceled": 0,
    }


def _priced(row: Json, product: Json, basket: Basket, rates: Sequence[Rate], currency: str) -> Priced:
    price = Decimal(product["price"]) if basket.store_id == 1 else (Decimal(product["price"]) * Decimal("0.68")).quantize(Decimal("0.01"))
    return price_row(price, row["qty_ordered"], basket.off, rates, currency, inclusive=basket.inclusive)


def _fill(row: Json, priced: Priced, off: Decimal) -> Json:
    """Put the amounts on a row; the taxes as item_applied_taxes shows them. "stored" holds what REST does not show as it is."""
    row.update(
        {
            "price": priced.unit,
            "price_incl_tax": priced.unit_incl,
            "original_price": priced.unit,
            "stored_row_total": priced.row_total,
            "row_total_incl_tax": priced.net + priced.tax,
            "discount_amount": priced.discount,
            "discount_percent": off,
            "tax_amount": priced.tax,
            "tax_percent": sum((rate.percent for rate, _ in priced.taxes), ZERO),
            "discount_tax_compensation_amount": priced.compensation,
        }
    )
    return {"type": "product", "item_id": row["item_id"], "applied_taxes": [_applied(rate, amount) for rate, amount in priced.taxes]}


def _applied(rate: Rate, amount: Decimal) -> Json:
    return {"code": rate.code, "title": rate.code, "percent": rate.percent, "amount": amount, "base_amount": amount}


def _fill_nothing(row: Json) -> None:
    nothing = ("price", "original_price", "stored_row_total", "row_total_incl_tax", "discount_amount", "tax_amount", "tax_percent")
    row.update(dict.fromkeys(nothing, ZERO))


def _sum_up(parent: Json, parts: Sequence[Json]) -> None:
    """A bundle of dynamic price shows what its parts cost together, and no discount of its own."""

    def whole(name: str) -> Decimal:
        return sum((part[name] for part in parts), ZERO)

    unit = whole("stored_row_total") / parent["qty_ordered"]
    parent.update(
        {
            "price": unit,
            "price_incl_tax": unit,
            "original_price": unit,
            "stored_row_total": whole("stored_row_total"),
            "row_total_incl_tax": whole("stored_row_total") + whole("tax_amount") + whole("discount_tax_compensation_amount"),
            "discount_amount": ZERO,
            "tax_amount": whole("tax_amount"),
        }
    )
    parent["sku"] = "-".join([parent["sku"], *(part["sku"] for part in parts)])


def money_rows(order: Json) -> list[Json]:
    """The rows that count."""
    parents = {row["parent_item_id"] for row in order["items"] if row.get("parent_item_id") and row["price"] > 0}
    own = {row["parent_item_id"] for row in order["items"] if row.get("parent_item_id")} - parents
    return [
        row
        for row in order["items"]
        if row["item_id"] not in parents and (not row.get("parent_item_id") or row["parent_item_id"] not in own)
    ]


def _totals(rows: list[Json], charge: Priced) -> Json:
    counted = money_rows({"items": rows})

    def whole(name: str) -> Decimal:
        return sum((row[name] for row in counted), ZERO)

    totals: dict[str, Any] = {
        "subtotal": whole("stored_row_total"),
        "subtotal_incl_tax": whole("stored_row_total") + whole("tax_amount"),
        "tax_amount": whole("tax_amount") + charge.tax,
        "discount_amount": -(whole("discount_amount") + charge.discount),
        "shipping_amount": charge.row_total,
        "shipping_incl_tax": charge.row_incl,
        "shipping_tax_amount": charge.tax,
        "shipping_discount_amount": charge.discount,
        "discount_tax_compensation_amount": whole("discount_tax_compensation_amount"),
        "shipping_discount_tax_compensation_amount": charge.compensation,
    }
    summed = ("subtotal", "tax_amount", "shipping_amount", "discount_amount", "discount_tax_compensation_amount")
    totals["grand_total"] = sum((totals[name] for name in summed), charge.compensation)
    return totals


def _extension(basket: Basket, virtual: bool, charge: Priced, applied: list[Json], order_id: int) -> Json:
    address = {**basket.address, "address_type": "shipping", "email": basket.email, "parent_id": order_id}
    shipping = [{"type": "shipping", "applied_taxes": [_applied(rate, amount) for rate, amount in charge.taxes]}] if charge.tax else []
    assignment = {"shipping": {"address": address, "method": "flatrate_flatrate"}, "items": []}
    return {
        "shipping_assignments": [{"shipping": {}, "items": []}] if virtual else [assignment],
        "payment_additional_info": [{"key": "method_title", "value": _TITLES.get(basket.method, basket.method)}],
        "applied_taxes": [],
        "item_applied_taxes": [*shipping, *applied],
    }
