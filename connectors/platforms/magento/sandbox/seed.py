"""What a fresh sandbox shop holds: tax rates, a small catalogue with every kind of product, the integration's keys."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

from connectors.platforms.magento.sandbox.state import Integration, Rate, Shop


def _development(name: str) -> str:
    """A fixed key that opens nothing but sandboxes: 32 letters and digits as Magento's are."""
    return hashlib.sha256(f"tillbridge magento sandbox {name}".encode()).hexdigest()[:32]


KEYS = {name: _development(name) for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")}
_RATES = (
    ("CA", "ON", "13", "CA-ON-HST"),
    ("CA", "QC", "5", "CA-QC-GST"),
    ("CA", "QC", "9.975", "CA-QC-QST"),
    ("CA", "BC", "5", "CA-BC-GST"),
    ("CA", "BC", "7", "CA-BC-PST"),
    ("DE", "", "19", "DE-VAT"),
    ("US", "TX", "8.25", "US-TX-*-8.25"),
)
# sku, name, type, price, further fields; SKUs with blanks and slashes are common and must not be put in paths
_PRODUCTS: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("LAMP-BRASS", "Brass desk lamp", "simple", "64.50", {}),
    ("BULB/E27 40W", "Bulb E27, 40 W", "simple", "3.95", {}),
    ("SHADE-L", "Linen shade, large", "simple", "28.35", {}),
    ("CORD-3M", "Cord, 3 m", "simple", "9.99", {}),
    ("GUIDE-PDF", "Guide to rewiring (PDF)", "virtual", "12.00", {}),
    ("STAMP", "Stamp of the guild", "simple", "5.00", {"taxed": False}),
    ("RUG-RED", "Rug, red", "simple", "89.00", {}),
    ("RUG-BLUE", "Rug, blue", "simple", "89.00", {}),
)


def furnish(shop: Shop) -> None:
    """Fill an empty shop."""
    shop.rates = [Rate(country, region, Decimal(percent), code) for country, region, percent, code in _RATES]
    ids = {sku: _add(shop, sku, name, kind, price, more) for sku, name, kind, price, more in _PRODUCTS}
    _add(shop, "RUG", "Rug", "configurable", "89.00", {"children": ((ids["RUG-RED"], 1), (ids["RUG-BLUE"], 1))})
    _add(shop, "KIT", "Lamp kit, your choice", "bundle", "0", {"children": ((ids["SHADE-L"], 1), (ids["BULB/E27 40W"], 3))})
    _add(shop, "STARTER", "Starter box", "bundle", "49.90", {"children": ((ids["CORD-3M"], 1), (ids["BULB/E27 40W"], 2))})
    shop.integrations[KEYS["consumer_key"]] = Integration(
        KEYS["consumer_key"], KEYS["consumer_secret"], KEYS["access_token"], KEYS["access_token_secret"]
    )


def _add(shop: Shop, sku: str, name: str, kind: str, price: str, more: dict[str, Any]) -> int:
    number, at = shop.next_id("product"), shop.stamp()
    shop.products[number] = {
        "id": number,
        "entity_id": number,
        "sku": sku,
        "name": name,
        "attribute_set_id": 4,
        "price": Decimal(price),
        "status": 1,
        "visibility": 4,
        "type_id": kind,
        "created_at": at,
        "updated_at": at,
        "custom_attributes": [{"attribute_code": "short_description", "value": f"<p>{name}</p>"}],
        **more,
    }
    return number
