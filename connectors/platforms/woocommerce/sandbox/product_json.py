"""Products and variations as the REST API shows them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from connectors.platforms.woocommerce.sandbox.currencies import CURRENCIES
from connectors.platforms.woocommerce.sandbox.model import Json, Product
from connectors.platforms.woocommerce.sandbox.state import Shop, to_decimal
from connectors.platforms.woocommerce.sandbox.wire import item_links, money, stamp, stamp_gmt


def product_json(shop: Shop, product: Product, *, edited: bool = False) -> Json:
    """The product form; variations have it too when asked for below /products or by SKU. Answers to writes say a little more."""
    parent = shop.products.get(product.parent_id)
    slug = slug_of(full_name(shop, product))
    shown = {
        "id": product.id,
        "name": full_name(shop, product),
        "slug": slug,
        "permalink": _permalink(shop, product),
        **_dates(shop, product),
        "type": product.kind,
        "status": product.status,
        "featured": False,
        "catalog_visibility": "visible",
        "description": product.description,
        "short_description": product.short_description,
        "sku": product.sku,
        **_prices(shop, product),
        **_sale(product),
        "purchasable": product.status == "publish",
        "total_sales": "0" if parent else 0,
        **_download(product),
        "external_url": "",
        "button_text": "",
        "tax_status": product.tax_status,
        "tax_class": product.tax_class,
        "manage_stock": product.manage_stock,
        "stock_quantity": product.stock_quantity,
        **_stock_rules(),
        "sold_individually": False,
        **_shipping(),
        "shipping_required": not product.virtual,
        "shipping_taxable": not product.virtual,
        "shipping_class": "",
        "shipping_class_id": 0,
        "reviews_allowed": parent is None,
        "average_rating": "0.00",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "parent_id": product.parent_id,
        "purchase_note": "",
        "categories": [] if parent else [{"id": 9, "name": "Uncategorized", "slug": "uncategorized"}],
        "brands": [],
        "tags": [],
        "images": [],
        "attributes": _attributes(shop, product),
        "default_attributes": [],
        "variations": list(product.variations),
        "grouped_products": [],
        "menu_order": 0,
        "price_html": _price_html(shop, product),
        "related_ids": [],
        "meta_data": product.meta,
        "stock_status": _stock_status(product),
        "has_options": product.kind == "variable",
        "post_password": "",
        "global_unique_id": "",
    }
    if edited:
        shown |= {"permalink_template": f"{shop.home}/product/%pagename%/", "generated_slug": slug}
    return shown | {"_links": _links(shop, product, f"/products/{product.id}")}


def variation_json(shop: Shop, product: Product) -> Json:
    """The shorter form below /products/{id}/variations; its name is the chosen option alone."""
    return {
        "id": product.id,
        "type": "variation",
        **_dates(shop, product),
        "description": product.description,
        "permalink": _permalink(shop, product),
        "sku": product.sku,
        "global_unique_id": "",
        **_prices(shop, product),
        **_sale(product),
        "status": product.status,
        "purchasable": product.status == "publish",
        **_download(product),
        "tax_status": product.tax_status,
        "tax_class": product.tax_class,
        "manage_stock": product.manage_stock,
        "stock_quantity": product.stock_quantity,
        "stock_status": _stock_status(product),
        **_stock_rules(),
        **_shipping(),
        "shipping_class": "",
        "shipping_class_id": 0,
        "image": None,
        "gallery_image_ids": [],
        "attributes": _attributes(shop, product),
        "menu_order": 0,
        "meta_data": product.meta,
        "name": product.option,
        "parent_id": product.parent_id,
        "_links": _links(shop, product, f"/products/{product.parent_id}/variations/{product.id}"),
    }


def full_name(shop: Shop, product: Product) -> str:
    """A variation's name is its product's with the option."""
    parent = shop.products.get(product.parent_id)
    return f"{parent.name} - {product.option}" if parent else product.name


def slug_of(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def lowest_price(shop: Shop, product: Product) -> str:
    """A variable product's price is its cheapest variation's."""
    prices = [shop.products[child].price for child in product.variations if shop.products[child].price]
    return min(prices, key=to_decimal, default="") if product.kind == "variable" else product.price


def _permalink(shop: Shop, product: Product) -> str:
    parent = shop.products.get(product.parent_id)
    if parent:
        return f"{shop.home}/product/{slug_of(parent.name)}/?attribute_size={product.option}"
    return f"{shop.home}/product/{slug_of(product.name)}/"


def _dates(shop: Shop, product: Product) -> Json:
    return {
        "date_created": stamp(product.created, shop),
        "date_created_gmt": stamp_gmt(product.created),
        "date_modified": stamp(product.modified, shop),
        "date_modified_gmt": stamp_gmt(product.modified),
    }


def _prices(shop: Shop, product: Product) -> Json:
    return {"price": lowest_price(shop, product), "regular_price": product.regular_price, "sale_price": product.sale_price}


def _sale(product: Product) -> Json:
    moments: dict[str, Any] = dict.fromkeys(("date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt"))
    return {**moments, "on_sale": bool(product.sale_price)}


def _download(product: Product) -> Json:
    limits = {"downloads": [], "download_limit": -1, "download_expiry": -1}
    return {"virtual": product.virtual, "downloadable": product.downloadable, **limits}


def _stock_rules() -> Json:
    return {"backorders": "no", "backorders_allowed": False, "backordered": False, "low_stock_amount": None}


def _shipping() -> Json:
    return {"weight": "", "dimensions": {"length": "", "width": "", "height": ""}}


def _stock_status(product: Product) -> str:
    return "outofstock" if product.manage_stock and (product.stock_quantity or 0) <= 0 else "instock"


def _attributes(shop: Shop, product: Product) -> list[Json]:
    if product.kind == "variation":
        return [{"id": 0, "name": "Size", "slug": "size", "option": product.option}]
    if product.kind != "variable":
        return []
    options = [shop.products[child].option for child in product.variations]
    return [{"id": 0, "name": "Size", "slug": "Size", "position": 0, "visible": True, "variation": True, "options": options}]


def _price_html(shop: Shop, product: Product) -> str:
    sign = CURRENCIES.get(shop.switches.currency, ("", shop.switches.currency))[1]
    amount = money(to_decimal(lowest_price(shop, product)), shop.decimals)
    return f'<span class="woocommerce-Price-amount amount"><bdi><span>{sign}</span>{amount}</bdi></span>'


def _links(shop: Shop, product: Product, path: str) -> Json:
    links = item_links(shop, path)
    if product.parent_id:
        links["up"] = [{"href": f"{shop.api}/products/{product.parent_id}"}]
    return links
