"""Ids and times as GraphQL writes them, and the customers and variants."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.platforms.shopify.sandbox.model import Customer, Json, Variant


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def customer_json(customer: Customer) -> Json:
    name = f"{customer.first_name} {customer.last_name}".strip()
    return {
        "__typename": "Customer",
        "id": gid("Customer", customer.id),
        "legacyResourceId": str(customer.id),
        "createdAt": stamp(customer.created),
        "updatedAt": stamp(customer.updated),
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "displayName": name or customer.email,
        "note": None,
        "defaultEmailAddress": {"emailAddress": customer.email} if customer.email else None,
        "defaultPhoneNumber": {"phoneNumber": customer.phone} if customer.phone else None,
        "defaultAddress": customer.address,
    }


def variant_json(variant: Variant, changed: datetime) -> Json:
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", variant.id),
        "legacyResourceId": str(variant.id),
        "sku": variant.sku,
        "title": variant.title,
        "price": f"{variant.price:.2f}",
        "taxable": variant.taxable,
        "barcode": None,
        "createdAt": stamp(changed),
        "updatedAt": stamp(changed),
        "product": {
            "__typename": "Product",
            "id": gid("Product", variant.product_id),
            "legacyResourceId": str(variant.product_id),
            "title": variant.product_title,
            "status": variant.status,
            "isGiftCard": variant.gift_card,
            "createdAt": stamp(changed),
            "updatedAt": stamp(changed),
        },
    }
