"""Products and their variants; a variant is a product of its own here ("77-301"), for that is what orders name by SKU."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.errors import Rejected
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.api import USUAL, V3, path_id, read_data, read_many
from connectors.platforms.bigcommerce.times import as_version, iso_second

_PRODUCTS = f"{V3}/catalog/products"
_FIELDS = ("include_fields", "name,sku,type,description,price,is_visible,availability,base_variant_id,date_modified")
_MARKUP = re.compile(r"<[^<>]{0,2000}>")
_LONGEST_TEXT = 1000


def page_products(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed products by id from the last one seen, each with its variants, which have no change time of their own."""
    if cursor is not None and not re.fullmatch(r"\d{1,18}", cursor):
        raise Rejected(f"cursor: expected a product id, got {cursor!r}", code="malformed")
    second = timedelta(seconds=1)
    params = [
        ("date_modified:min", iso_second(window.since - second)),
        ("date_modified:max", iso_second(window.until + second)),
        ("include", "variants"),
        ("include_fields", "name,base_variant_id,date_modified"),
        ("sort", "id"),
        ("direction", "asc"),
        *([("id:greater", cursor)] if cursor else []),
    ]
    rows, _ = read_many(api, _PRODUCTS, "products", params)
    notices = tuple(notice for row in rows for notice in _notices(row, window))
    highest = max((row["id"].integer() for row in rows), default=0)
    return Page(notices, str(highest) if rows else None)  # a capped page is as good as a full one: only an empty one is the end


def _notices(product: Tame, window: Window) -> Iterator[Notice]:
    changed = product["date_modified"].time()
    if not window.since.replace(microsecond=0) <= changed <= window.until:
        return
    product_id = product["id"].known_identifier()
    yield Notice(ObjectType.PRODUCT, product_id, version=as_version(changed))
    if product.get("base_variant_id").identifier():
        return  # a simple product is its only variant
    for variant in product.get("variants").items_or_none():
        yield Notice(ObjectType.PRODUCT, f"{product_id}-{variant['id'].known_identifier()}", version=as_version(changed))


def fetch_product(api: Api, product_id: str) -> Raw:
    """{"product": ..., "variant": ... or None}; raises Gone when either does not exist."""
    own, _, variant_id = product_id.partition("-")
    product = api.get(f"{_PRODUCTS}/{path_id(own)}", [_FIELDS]).json("product")["data"]
    if product["id"].identifier() != path_id(own):
        raise product["id"].fail(f"the product {own}")
    if not variant_id:
        return {"product": dict(product.mapping()), "variant": None}
    variant = api.get(f"{_PRODUCTS}/{path_id(own)}/variants/{path_id(variant_id)}").json("variant")["data"]
    return {"product": dict(product.mapping()), "variant": dict(variant.mapping())}


def normalise_product(raw: Raw, account: Account) -> Product:
    """The product or variant. A price is taken over only where the store's prices are known to be without tax."""
    root = Tame(raw, "raw")
    product, variant = Tame(root["product"].value, "product"), Tame(root["variant"].value, "variant")
    own = product if variant.is_null else variant
    sold = not variant.is_null or bool(product.get("base_variant_id").identifier())  # else it is sold as one of its variants
    blocked = not variant.is_null and variant.get("purchasing_disabled").value is True
    offered = product["is_visible"].boolean() and product.get("availability").text_or() != "disabled"
    product_id = product["id"].known_identifier()
    return Product(
        id=product_id if variant.is_null else f"{product_id}-{variant['id'].known_identifier()}",
        sku=own["sku"].text_or().strip(),
        name=_name(product, variant),
        description=_plain(product.get("description").text_or()),
        unit_price=_price(product, variant, account),
        active=sold and offered and not blocked,
        updated_at=product["date_modified"].time_or_none(),
    )


def _name(product: Tame, variant: Tame) -> str:
    name = product["name"].text()
    if variant.is_null:
        return name
    chosen = [option["label"].text_or() for option in variant.get("option_values").items_or_none()]
    return f"{name} ({', '.join(chosen)})" if any(chosen) else name


def _price(product: Tame, variant: Tame, account: Account) -> Money | None:
    """A variant without a price of its own has the product's."""
    if account.ids.get("prices_include_tax") != "no" or not account.currency:
        return None
    price = product["price"] if variant.is_null or variant.get("price").is_null else variant["price"]
    return None if price.is_null else price.money(account.currency)


def _plain(markup: str) -> str:
    text = html.unescape(_MARKUP.sub(" ", markup))
    return " ".join(text.split())[:_LONGEST_TEXT]


def categories_of(api: Api, product_ids: Iterable[object]) -> dict[str, list[int]]:
    """The category ids of catalogue products by product id; what is no catalogue product (0) has none."""
    wanted = sorted({one for one in product_ids if isinstance(one, int) and one > 0})
    found: dict[str, list[int]] = {}
    for start in range(0, len(wanted), USUAL):
        batch = wanted[start : start + USUAL]
        params = [("id:in", ",".join(map(str, batch))), ("include_fields", "categories"), ("limit", str(USUAL))]
        rows, _ = read_data(api, _PRODUCTS, "products", params)
        found.update((row["id"].known_identifier(), [one.integer() for one in row["categories"].items_or_none()]) for row in rows)
    return found
