"""What a fresh sandbox store holds: tax rates by place, coupons, a small catalogue."""

from __future__ import annotations

from decimal import Decimal

from connectors.canonical.money import exponent
from connectors.platforms.bigcommerce.sandbox.model import Json, Product, Rate, Variant
from connectors.platforms.bigcommerce.sandbox.state import Store

# By country and region; PEI's second tax stands on the first.
RATES: dict[tuple[str, str], tuple[Rate, ...]] = {
    ("CA", "Ontario"): (Rate("HST", Decimal(13)),),
    ("CA", "Quebec"): (Rate("GST", Decimal(5)), Rate("QST", Decimal("9.975"))),
    ("CA", "British Columbia"): (Rate("GST", Decimal(5)), Rate("PST", Decimal(7))),
    ("CA", "Prince Edward Island"): (Rate("GST", Decimal(5)), Rate("PST", Decimal(10), priority=2)),
    ("GB", ""): (Rate("VAT", Decimal(20)),),
    ("US", "Oregon"): (),
}
# code, type (0 per item, 1 percentage, 2 off the total), amount
COUPONS: tuple[tuple[str, int, Decimal], ...] = (
    ("TRAIL10", 1, Decimal(10)),
    ("ODD7", 1, Decimal("7.5")),
    ("FIVE", 2, Decimal(5)),
    ("UNEVEN", 2, Decimal("9.99")),
)
_PRODUCTS = (
    ("TENT-2P", "Two-person tent", "189.00", [21]),
    ("STOVE-G", "Gas stove", "42.35", [22]),
    ("MUG-ENAMEL", "Enamel mug \u201cN\u00b0 3\u201d", "8.95", [22, 23]),
    ("LAMP-H", "Headlamp", "23.49", [21]),
    ("ROPE-30", "Rope, 30 m", "61.10", [21]),
    ("", "Surprise parcel", "4.37", [23]),
    ("MAP-PEI", "Map of the island", "12.99", [24]),
    ("GUIDE-PDF", "Trail guide (download)", "14.50", [24]),
)
_SOCKS = ("SOCKS", "Wool socks", "17.25", (("SOCKS-S", "36-40", None), ("SOCKS-L", "41-46", "18.75")))


def scaled(price: str, currency: str) -> Decimal:
    """A two-decimal price made plausible in another currency: yen have no decimals, dinars three."""
    places = exponent(currency)
    factor = {0: Decimal(110), 2: Decimal(1), 3: Decimal("0.225")}[places]
    return (Decimal(price) * factor).quantize(Decimal(1).scaleb(-places))


def furnish(store: Store) -> None:
    """Fill an empty store."""
    for sku, name, price, categories in _PRODUCTS:
        add_product(store, {"sku": sku, "name": name, "price": price, "categories": categories})
    sku, name, price, sizes = _SOCKS
    add_product(store, {"sku": sku, "name": name, "price": price, "categories": [25], "sizes": sizes})


def add_product(store: Store, fields: Json) -> Product:
    """A simple product with its base variant, or one with sizes, which are its variants."""
    now, currency = store.now(), store.switches.currency
    sizes = fields.get("sizes", ())
    digital = "download" in fields["name"]
    product = Product(
        id=store.next_id("product"),
        sku=fields["sku"],
        name=fields["name"],
        price=scaled(fields["price"], currency),
        created=now,
        modified=now,
        base_variant_id=None,
        categories=list(fields.get("categories", [])),
        description=f"<p>{fields['name']} &amp; more</p>",
        kind="digital" if digital else "physical",
    )
    for sku, label, price in sizes or ((fields["sku"], "", None),):
        own = None if price is None else scaled(price, currency)
        product.variants.append(Variant(store.next_id("variant"), sku, label, own))
    product.base_variant_id = None if sizes else product.variants[0].id
    store.products[product.id] = product
    return product
