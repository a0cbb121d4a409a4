"""Bodies of webhooks: the old REST shape, ids as numbers, times with the shop's offset."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.platforms.shopify.sandbox.model import Customer, GivenBack, Json, Order, Variant
from connectors.platforms.shopify.sandbox.order_json import order_json
from connectors.platforms.shopify.sandbox.records import gid
from connectors.platforms.shopify.sandbox.state import Shop


def local(shop: Shop, moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(shop.switches.time_zone)).isoformat()


def order_body(shop: Shop, order: Order) -> Json:
    """The keys that programs look at first; Shopify sends 93 of them."""
    shown = order_json(order)

    def amount(name: str) -> str:
        return str(shown[name]["shopMoney"]["amount"])

    return {
        "id": order.id,
        "admin_graphql_api_id": shown["id"],
        "name": shown["name"],
        "number": order.number - 1000,
        "order_number": order.number,
        "created_at": local(shop, order.created),
        "updated_at": local(shop, order.updated),
        "processed_at": local(shop, order.created),
        "cancelled_at": local(shop, order.cancelled) if order.cancelled else None,
        "test": order.test,
        "email": order.email,
        "financial_status": shown["displayFinancialStatus"].lower(),
        "fulfillment_status": None,
        "currency": shown["currencyCode"],
        "presentment_currency": shown["presentmentCurrencyCode"],
        "taxes_included": order.included,
        "total_price": amount("totalPriceSet"),
        "current_total_price": amount("currentTotalPriceSet"),
        "total_tax": amount("totalTaxSet"),
        "payment_gateway_names": shown["paymentGatewayNames"],
        "customer": {"id": order.customer.id} if order.customer else None,
        "line_items": [
            {"id": line.id, "sku": line.sku, "name": line.name, "quantity": line.quantity, "price": f"{line.price:.2f}"}
            for line in order.lines
        ],
        "note": order.note,
    }


def refund_body(shop: Shop, order: Order, back: GivenBack) -> Json:
    lines = [{"line_item_id": line_id, "quantity": units, "restock_type": "return"} for line_id, units in back.units.items()]
    return {
        "id": back.id,
        "admin_graphql_api_id": gid("Refund", back.id),
        "order_id": order.id,
        "created_at": local(shop, back.at),
        "processed_at": local(shop, back.at),
        "note": back.note,
        "refund_line_items": lines,
        "transactions": [{"id": number, "kind": "refund", "status": back.status.lower()} for number in back.transactions],
    }


def transaction_body(shop: Shop, order: Order, number: int) -> Json:
    row = next(row for row in order_json(order)["transactions"] if row["id"] == gid("OrderTransaction", number))
    return {
        "id": number,
        "admin_graphql_api_id": row["id"],
        "order_id": order.id,
        "kind": row["kind"].lower(),
        "status": row["status"].lower(),
        "gateway": row["gateway"],
        "amount": row["amountSet"]["shopMoney"]["amount"],
        "currency": row["amountSet"]["shopMoney"]["currencyCode"],
        "test": row["test"],
        "created_at": local(shop, order.updated),
    }


def customer_body(shop: Shop, customer: Customer) -> Json:
    return {
        "id": customer.id,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "created_at": local(shop, customer.created),
        "updated_at": local(shop, customer.updated),
    }


def product_body(shop: Shop, product_id: int, variants: list[Variant]) -> Json:
    changed = local(shop, shop.product_changes[product_id])
    return {
        "id": product_id,
        "admin_graphql_api_id": gid("Product", product_id),
        "title": variants[0].product_title,
        "status": variants[0].status.lower(),
        "updated_at": changed,
        "variants": [
            {"id": each.id, "admin_graphql_api_id": gid("ProductVariant", each.id), "sku": each.sku, "price": f"{each.price:.2f}",
             "product_id": product_id, "updated_at": changed}
            for each in variants
        ],
        "variant_gids": [{"admin_graphql_api_id": gid("ProductVariant", each.id), "updated_at": changed} for each in variants],
    }  # fmt: skip
