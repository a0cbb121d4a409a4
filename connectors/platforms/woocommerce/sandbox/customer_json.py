"""Customers as the REST API shows them."""

from __future__ import annotations

import hashlib

from connectors.platforms.woocommerce.sandbox.model import Customer, Json
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import item_links, stamp, stamp_gmt

# Customers list the postcode before the state, orders the other way round (observed with 11.0.1).
_ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "postcode", "country", "state")


def customer_json(shop: Shop, customer: Customer) -> Json:
    """A user account with its address book."""
    picture = hashlib.sha256(customer.email.lower().encode()).hexdigest()
    return {
        "id": customer.id,
        "date_created": stamp(customer.created, shop),
        "date_created_gmt": stamp_gmt(customer.created),
        "date_modified": stamp(customer.modified, shop),
        "date_modified_gmt": stamp_gmt(customer.modified),
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "role": customer.role,
        "username": customer.username,
        "billing": {name: customer.billing.get(name, "") for name in (*_ADDRESS, "email", "phone")},
        "shipping": {name: customer.shipping.get(name, "") for name in (*_ADDRESS, "phone")},
        "is_paying_customer": customer.is_paying_customer,
        "avatar_url": f"https://secure.gravatar.com/avatar/{picture}?s=96&d=mm&r=g",
        "meta_data": customer.meta,
        "_links": item_links(shop, f"/customers/{customer.id}"),
    }
