"""What a fresh sandbox shop holds: tax rates, coupons, a small catalogue, the default key."""

from __future__ import annotations

import hashlib
from decimal import ROUND_HALF_UP, Decimal

from connectors.canonical.money import exponent
from connectors.platforms.woocommerce.sandbox.model import Coupon, Customer, Json, Key, Rate
from connectors.platforms.woocommerce.sandbox.products import add_product
from connectors.platforms.woocommerce.sandbox.state import Shop

ADMIN_USER = 1


def _development(prefix: str) -> str:
    """A fixed key that opens nothing but sandboxes."""
    return prefix + hashlib.sha256(f"tillbridge sandbox {prefix}".encode()).hexdigest()[:40]


CONSUMER_KEY, CONSUMER_SECRET = _development("ck_"), _development("cs_")

# id, country, state, per cent, name, priority, compound
_RATES = (
    (1, "CA", "ON", "13", "HST", 1, False),
    (2, "CA", "QC", "5", "GST", 1, False),
    (3, "CA", "QC", "9.975", "QST", 2, False),
    (4, "CA", "BC", "5", "GST", 1, False),
    (5, "CA", "BC", "7", "PST", 2, False),
    (6, "CA", "PE", "5", "GST", 1, False),
    (7, "CA", "PE", "10", "PST", 2, True),
    (8, "GB", "", "20", "VAT", 1, False),
    (9, "DE", "", "19", "MwSt.", 1, False),
)
_COUPONS = (("welcome10", "percent", "10"), ("spring7", "percent", "7.5"), ("fiver", "fixed_cart", "5"), ("odd", "fixed_cart", "9.99"))
# sku, name, price, further fields
_PRODUCTS: tuple[tuple[str, str, str, Json], ...] = (
    ("TEA-EG-100", "Earl Grey, 100 g", "8.95", {"manage_stock": True, "stock_quantity": 100000}),
    ("TEA-SEN-50", "Sencha \u714e\u8336, 50 g", "11.40", {"manage_stock": True, "stock_quantity": 100000}),
    ("POT-CAST", "Cast-iron teapot", "79.00", {}),
    ("CUP-PAIR", "Pair of cups", "23.35", {"manage_stock": True, "stock_quantity": 100000}),
    ("HONEY-250", "Wildflower honey, 250 g", "9.99", {}),
    ("SPOON-3", "Three bamboo spoons", "10.00", {}),
    ("", "Sampler of the week", "4.37", {}),
    ("", "Gift voucher", "25.00", {"tax_status": "none", "virtual": True}),
    ("EBOOK-TEA", "The tea book (download)", "14.50", {"virtual": True, "downloadable": True}),
    ("FILTER-100", "Paper filters \u201cn\u00b0 2\u201d, 100 pieces", "3.33", {}),
)
_TOWEL = ("TOWEL", "Linen towel", (("TOWEL-S", "30 \u00d7 50", "12.85"), ("TOWEL-L", "70 \u00d7 140", "38.20")))


def scaled(price: str, currency: str) -> Decimal:
    """A two-decimal price made plausible in another currency: yen have no decimals, dinars three."""
    places = exponent(currency)
    factor = {0: Decimal(110), 2: Decimal(1), 3: Decimal("0.225")}[places]
    return (Decimal(price) * factor).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def furnish(shop: Shop) -> None:
    """Fill an empty shop."""
    shop.rates = [
        Rate(number, country, state, Decimal(percent), name, priority, compound)
        for number, country, state, percent, name, priority, compound in _RATES
    ]
    for code, kind, amount in _COUPONS:
        shop.coupons[code] = Coupon(shop.next_id("post"), code, kind, Decimal(amount))
    for sku, name, price, more in _PRODUCTS:
        add_product(shop, {"sku": sku, "name": name, "regular_price": _price(shop, price), **more})
    sku, name, sizes = _TOWEL
    towel = add_product(shop, {"sku": sku, "name": name, "type": "variable"})
    for child_sku, size, price in sizes:
        fields = {"sku": child_sku, "regular_price": _price(shop, price), "attributes": [{"option": size}]}
        add_product(shop, fields, towel)
    shop.ids["user"] = ADMIN_USER
    now = shop.now()
    owner = Customer(ADMIN_USER, "owner@shop.example", now, now, "admin", role="administrator")
    shop.customers[ADMIN_USER], shop.customer_emails[owner.email] = owner, ADMIN_USER
    shop.keys[CONSUMER_KEY] = Key(shop.next_id("key"), CONSUMER_KEY, CONSUMER_SECRET)


def _price(shop: Shop, price: str) -> str:
    return f"{scaled(price, shop.switches.currency):f}"
