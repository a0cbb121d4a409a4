"""v3/catalog products and variants, and v3/customers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.bigcommerce.sandbox.model import Customer, Json, Product, Variant
from connectors.platforms.bigcommerce.sandbox.orders import read_date
from connectors.platforms.bigcommerce.sandbox.state import Store, iso, number
from connectors.platforms.bigcommerce.sandbox.wire import Refusal, data, page_of, pagination

T = TypeVar("T", Product, Customer)
_ALWAYS = ("id", "variants")


def product_json(product: Product, call: Call) -> Json:
    """All of it, or what include_fields asks for; variants only when included."""
    shown: Json = {
        "id": product.id,
        "name": product.name,
        "type": product.kind,
        "sku": product.sku,
        "description": product.description,
        "price": number(product.price),
        "calculated_price": number(product.price),
        "tax_class_id": 0,
        "categories": product.categories,
        "is_visible": product.visible,
        "availability": "available",
        "base_variant_id": product.base_variant_id,
        "date_created": iso(product.created),
        "date_modified": iso(product.modified),
    }
    if "variants" in call.parameter("include"):
        shown["variants"] = [variant_json(product, variant) for variant in product.variants]
    fields = call.parameter("include_fields")
    return {name: value for name, value in shown.items() if not fields or name in (*_ALWAYS, *fields.split(","))}


def variant_json(product: Product, variant: Variant) -> Json:
    """price is null where the variant has the product's."""
    options = [{"option_display_name": "Size", "label": variant.label, "id": variant.id, "option_id": product.id}]
    price = product.price if variant.price is None else variant.price
    return {
        "id": variant.id,
        "product_id": product.id,
        "sku": variant.sku,
        "sku_id": variant.id,
        "price": None if variant.price is None else number(variant.price),
        "calculated_price": number(price),
        "purchasing_disabled": False,
        "option_values": options if variant.label else [],
        "upc": "",
    }


def list_products(store: Store, call: Call) -> Answer:
    keep = {
        "id": lambda product, value: product.id == int(value),
        "id:in": lambda product, value: str(product.id) in value.split(","),
        "id:greater": lambda product, value: product.id > int(value),
        "sku": lambda product, value: product.sku == value,
        "sku:in": lambda product, value: product.sku in value.split(","),
    }
    rows = _kept(store.products.values(), call, keep)
    return _listed(store, call, sorted(rows, key=lambda product: product.id), lambda product: product_json(product, call))


def get_product(store: Store, call: Call, product_id: str) -> Answer:
    return data(product_json(_product(store, product_id), call))


def get_variant(store: Store, call: Call, product_id: str, variant_id: str) -> Answer:
    product = _product(store, product_id)
    found = [variant for variant in product.variants if variant.id == int(variant_id)]
    if not found:
        raise Refusal(404)
    return data(variant_json(product, found[0]))


def list_variants(store: Store, call: Call) -> Answer:
    """By one SKU only: there is no sku:in here."""
    wanted = call.parameter("sku")
    pairs = [(product, variant) for product in store.products.values() for variant in product.variants]
    rows = [variant_json(product, variant) for product, variant in pairs if not wanted or variant.sku == wanted]
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    shown = rows[(page - 1) * limit : page * limit]
    return data(shown, {"pagination": pagination(len(rows), len(shown), page, limit)})


def _product(store: Store, product_id: str) -> Product:
    product = store.products.get(int(product_id))
    if product is None:
        raise Refusal(404)
    return product


# ---- customers ---------------------------------------------------------------------------------------------


def customer_json(customer: Customer, call: Call) -> Json:
    shown: Json = {
        "id": customer.id,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "company": customer.company,
        "phone": customer.phone,
        "notes": "",
        "tax_exempt_category": "",
        "customer_group_id": 0,
        "date_created": iso(customer.created),
        "date_modified": iso(customer.modified),
        "address_count": len(customer.addresses),
        "attribute_count": 0,
        "accepts_product_review_abandoned_cart_emails": False,
        "origin_channel_id": 1,
        "channel_ids": [1],
    }
    return {**shown, "addresses": customer.addresses[:10]} if "addresses" in call.parameter("include") else shown


def list_customers(store: Store, call: Call) -> Answer:
    """The first page tells both ways to go on; `page` is ignored once a cursor is given. An unknown id gives an empty list, never 204."""
    keep = {
        "id:in": lambda customer, value: str(customer.id) in value.split(","),
        "email:in": lambda customer, value: customer.email in value.split(","),
    }
    rows = sorted(_kept(store.customers.values(), call, keep), key=lambda customer: customer.id)
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    after = call.parameter("after")
    if after:
        rows = [customer for customer in rows if customer.id > _read_cursor(after)]
    shown = rows[:limit] if after else rows[(page - 1) * limit : page * limit]
    meta: Json = {} if after else {"pagination": pagination(len(rows), len(shown), page, limit)}
    if after or page == 1:
        ends = {"start_cursor": _cursor(shown[0]), "end_cursor": _cursor(shown[-1])} if shown else {}
        meta["cursor_pagination"] = {"count": len(shown), "per_page": limit, **ends, "links": {}}
    return data([customer_json(customer, call) for customer in shown], meta)


def _cursor(customer: Customer) -> str:
    return base64.b64encode(f"id:{customer.id}".encode()).decode()


def _read_cursor(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("id:"))
    except ValueError as error:
        raise Refusal(422, "Invalid cursor", {"after": "not a cursor"}) from error


# ---- both --------------------------------------------------------------------------------------------------


def _kept(rows: Any, call: Call, keep: dict[str, Callable[[Any, str], bool]]) -> list[Any]:
    """The rows that all filters of the call keep."""
    found = list(rows)
    for name, value in call.query:
        if name in keep:
            found = [row for row in found if keep[name](row, value)]
        elif name == "date_modified:min":
            found = [row for row in found if row.modified >= read_date(value)]
        elif name == "date_modified:max":
            found = [row for row in found if row.modified <= read_date(value)]
    return found


def _listed(store: Store, call: Call, rows: Sequence[T], show: Callable[[T], Json]) -> Answer:
    page, limit = page_of(call, store.switches.largest_page, store.switches.page_cap)
    shown = [show(row) for row in rows[(page - 1) * limit : page * limit]]
    return data(shown, {"pagination": pagination(len(rows), len(shown), page, limit)})
