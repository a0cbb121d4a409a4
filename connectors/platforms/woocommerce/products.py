"""Products and their variations; a variation is a product of its own here, for that is what orders name."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.api import V3, read_object
from connectors.platforms.woocommerce.paging import Cursor, changed_in, turn_page

# Never on an order themselves: a variable product is sold as one of its variations, a group as its members.
_NOT_SOLD = frozenset({"variable", "grouped"})


def page_products(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed products, each with its variations, which the listing never shows (a changed one touches its parent)."""
    params = [*changed_in(window), ("_fields", "id,date_modified_gmt,variations")]
    leaf = turn_page(api, f"{V3}/products", Cursor.read(cursor, "any"), params, "products")
    notices = tuple(notice for row in leaf.rows for notice in product_notices(row))
    return Page(notices, str(leaf.next) if leaf.next else None)


def product_notices(product: Tame, topic: str = "") -> Iterator[Notice]:
    """Notices for a product and for its variations, whose own change times it does not tell."""
    version = product.get("date_modified_gmt").text_or()
    yield Notice(ObjectType.PRODUCT, product["id"].identifier(), topic, version=version)
    for variation in product.get("variations").items_or_none():
        yield Notice(ObjectType.PRODUCT, variation.identifier(), topic)


def fetch_product(api: Api, product_id: str) -> Raw:
    """The product or variation as JSON (the same address serves both); raises Gone when it does not exist."""
    return {"product": dict(read_object(api, "products", product_id, "product").mapping())}


def normalise_product(raw: Raw, account: Account) -> Product:
    """The product; its price only where the shop enters prices without tax and its currency is known."""
    product = Tame(Tame(raw, "raw")["product"].value, "product")
    return Product(
        id=product["id"].identifier(),
        sku=product["sku"].text_or().strip(),
        name=product["name"].text(),
        description=_plain(product.get("short_description").text_or()),
        unit_price=_price(product, account),
        active=product["status"].text() == "publish" and product["type"].text() not in _NOT_SOLD,
        updated_at=product["date_modified_gmt"].time_or_none(),
    )


def _plain(markup: str) -> str:
    """The words of an HTML description."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def _price(product: Tame, account: Account) -> Money | None:
    price = product["price"] if product["regular_price"].text_or() == "" else product["regular_price"]
    amount = None if price.text_or() == "" else price.decimal()
    if amount is None or not account.currency or account.ids.get("prices_include_tax") == "yes":
        return None
    return Money(amount, account.currency)
