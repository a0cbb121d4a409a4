"""Products, listed and read by search: SKUs are never put in paths, where a slash or a blank breaks the signature."""

from __future__ import annotations

import html
import re

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.errors import Gone
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.magento.api import path_id
from connectors.platforms.magento.paging import Walk, turn_page
from connectors.platforms.magento.search import Filter, search

# Never on an order themselves: a configurable product is sold as one of its variants, a group as its members.
_NOT_SOLD = frozenset({"configurable", "grouped"})
_ON_SALE = 1


def page_products(api: Api, window: Window, cursor: str | None) -> Page:
    return turn_page(api, Walk("/products", ObjectType.PRODUCT, "id"), window, cursor)


def fetch_product(api: Api, product_id: str) -> Raw:
    """{"product": ...}; raises Gone when it does not exist."""
    found = search(api, "/products", [[Filter("entity_id", path_id(product_id))]], ["entity_id"], page_size=2)
    for row in found.rows:
        if row["id"].identifier() == str(int(product_id)):
            return {"product": dict(row.mapping())}
    raise Gone(f"The shop has no product {product_id} (any more).", code="gone")


def normalise_product(raw: Raw, account: Account) -> Product:
    """The product; its price where it has one of its own (bundles of dynamic price have 0) and prices are without tax."""
    product = Tame(Tame(raw, "raw")["product"].value, "product")
    kind = product.get("type_id").text_or()
    return Product(
        id=product["id"].known_identifier(),
        sku=product["sku"].text().strip(),
        name=product["name"].text(),
        description=_plain(_attribute(product, "short_description")),
        unit_price=_price(product, account),
        active=product["status"].integer() == _ON_SALE and kind not in _NOT_SOLD,
        updated_at=product.get("updated_at").time_or_none(),
    )


def _attribute(product: Tame, code: str) -> str:
    for entry in product.get("custom_attributes").items_or_none():
        if entry["attribute_code"].text_or() == code:
            return entry["value"].text_or()
    return ""


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def _price(product: Tame, account: Account) -> Money | None:
    """Catalogue prices are in the base currency; whether they include tax is a setting that REST does not show."""
    price = product.get("price")
    if price.is_null or not account.currency or account.settings.get("catalogue_prices") == "gross":
        return None
    amount = price.decimal()
    return Money(amount, account.currency) if amount else None
