"""Variants: in Shopify a product's variant is what is sold, also where a product has only one."""

from __future__ import annotations

from datetime import datetime

from connectors.canonical.catalogue import Product
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.contract import Raw
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.shopify.api import ask
from connectors.platforms.shopify.ids import gid, number_of
from connectors.platforms.shopify.queries import VARIANT

_ONLY = "Default Title"  # what Shopify calls the variant of a product without options


def fetch_product(api: Api, variant_id: str) -> Raw:
    """{"variant": ...} with its product inside; raises Gone when it does not exist."""
    global_id = gid("ProductVariant", variant_id)
    found = next(ask(api, VARIANT, {"ids": [global_id]})["nodes"].items(), None)
    if found is None or found.is_null:
        raise Gone("Shopify has no such product variant (any more).", code="gone")
    if found["id"].text() != global_id:
        raise found["id"].fail(f"the variant {global_id}")
    return {"variant": dict(found.mapping())}


def normalise_product(raw: Raw, account: Account) -> Product:
    """The variant under its own and its product's name. Its price is in the shop's currency, and taken over only where prices are
    without tax.
    """
    variant = Tame(Tame(raw, "raw")["variant"].value, "variant")
    product, title = variant["product"], variant["title"].text()
    name = product["title"].text()
    price = variant["price"].decimal()
    priced = account.currency and account.ids.get("taxes_included") != "yes"
    return Product(
        id=number_of(variant["id"]),
        sku=variant["sku"].text_or().strip(),
        name=name if title == _ONLY else f"{name} - {title}",
        unit_price=Money(price, account.currency) if priced else None,
        active=product["status"].text() == "ACTIVE",
        updated_at=_later(variant, product),
    )


def _later(variant: Tame, product: Tame) -> datetime:
    return max(variant["updatedAt"].time(), product["updatedAt"].time())
