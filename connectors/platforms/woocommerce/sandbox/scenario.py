"""Makes orders as a busy shop sees them: mixed taxes, coupons, fees, guests, ways to pay; the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from connectors.canonical.money import exponent
from connectors.platforms.woocommerce.sandbox.customers import add_customer
from connectors.platforms.woocommerce.sandbox.model import ZERO, Json, Order, Product
from connectors.platforms.woocommerce.sandbox.order_life import create_order
from connectors.platforms.woocommerce.sandbox.seed import scaled
from connectors.platforms.woocommerce.sandbox.state import Shop, to_decimal
from connectors.platforms.woocommerce.sandbox.taxes import inclusive_taxes

_GIVEN = ("Am\u00e9lie", "Noor", "\u0141ukasz", "Zo\u00eb", "S\u00f8ren", "Mei", "Jos\u00e9", "Aoife", "Priya", "Hannah", "Kwame",
          "\u7531\u7d00", "Bj\u00f6rn", "Sam")  # fmt: skip
_FAMILY = ("Tremblay", "O'Connor", "Nguy\u1ec5n", "M\u00fcller", "Okafor", "Kowalski", "Singh", "Garc\u00eda", "\u010capek",
           "Fraser-Lund", "Dupr\u00e9", "\u00d8stergaard", "\u5c71\u7530", "Bell & Sons")  # fmt: skip
_COMPANIES = ("", "", "", "", "Caf\u00e9 M\u00f8rk", "Birch & Daughters Ltd.")
# country, state, city, postcode, weight
_PLACES = (
    ("CA", "ON", "Hamilton", "L8P 1A1", 34),
    ("CA", "QC", "Trois-Rivi\u00e8res", "G9A 1A1", 28),
    ("CA", "BC", "Nanaimo", "V9R 1A1", 12),
    ("CA", "PE", "Summerside", "C1N 1A1", 6),
    ("GB", "", "Leeds", "LS1 1AA", 8),
    ("DE", "", "K\u00f6ln", "50667", 6),
    ("US", "OR", "Portland", "97201", 6),
)
# status, payment method, paid, weight; the unpaid ones are booked all the same
_WAYS = (
    ("processing", "stripe", True, 45),
    ("completed", "ppcp-gateway", True, 20),
    ("processing", "bacs", True, 10),
    ("completed", "stripe", True, 9),
    ("processing", "cod", False, 8),
    ("on-hold", "bacs", False, 8),
)
_TITLES = {"stripe": "Credit / Debit Card", "ppcp-gateway": "PayPal", "bacs": "Direct bank transfer", "cod": "Cash on delivery"}
_FEES = (("Gift wrapping", "4.00", "taxable"), ("Handling", "1.50", "none"), ("Loyalty credit", "-3.00", "taxable"))


@dataclass(frozen=True)
class Shopper:
    """A buyer of the scenario; the same index and seed give the same one."""

    email: str
    registered: bool
    address: dict[str, str]


def shopper(seed: int, index: int) -> Shopper:
    dice = random.Random(f"shopper {seed} {index}")
    country, state, city, postcode, _ = dice.choices(_PLACES, [place[4] for place in _PLACES])[0]
    given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
    registered = dice.random() < 0.5
    address = {
        "first_name": given,
        "last_name": family,
        "company": dice.choice(_COMPANIES),
        "address_1": f"{dice.randint(1, 400)} Quai Street",
        "city": city,
        "state": state,
        "postcode": postcode,
        "country": country,
        "phone": f"+1 555 01{dice.randint(10, 99)}" if registered or dice.random() < 0.5 else "",
    }
    return Shopper(f"buyer{index}.s{seed}@mail.example", registered, address)


def place_one(shop: Shop, dice: random.Random, buyer: Shopper) -> Order:
    """Place one order of the mix; the events are raised but not yet sent."""
    currency = dice.choice(shop.switches.currencies or (shop.switches.currency,))
    foreign = currency != shop.switches.currency
    inclusive = shop.switches.prices_include_tax or dice.random() < 0.25
    status, method, paid, _ = dice.choices(_WAYS, [way[3] for way in _WAYS])[0]
    lines, worth = _basket(shop, dice, currency, inclusive=inclusive)
    fields = {
        "status": "pending" if paid and status == "processing" else status,
        "set_paid": paid and status == "processing",
        "currency": currency,
        "payment_method": method,
        "payment_method_title": _TITLES[method],
        "transaction_id": f"txn_{dice.getrandbits(48):012x}" if paid else "",
        "created_via": dice.choice(("checkout", "checkout", "store-api")),
        "customer_note": dice.choice(("", "", "", "Please ring twice \u2014 merci!")),
        "customer_id": _account(shop, buyer),
        "billing": {**buyer.address, "email": buyer.email},
        "shipping": dict(buyer.address),
        "line_items": lines,
        "shipping_lines": _shipping(dice, currency),
        "fee_lines": _fees(dice, currency) if worth else [],
        "coupon_lines": [{"code": dice.choice(list(shop.coupons))}] if dice.random() < 0.25 and worth else [],
    }
    return create_order(shop, fields, decimals=exponent(currency) if foreign else None, inclusive=inclusive)


def _account(shop: Shop, buyer: Shopper) -> int:
    """The buyer's account, opened at the first order; 0 for a guest."""
    if not buyer.registered:
        return 0
    known = shop.customer_emails.get(buyer.email.lower())
    if known:
        return known
    names = {"first_name": buyer.address["first_name"], "last_name": buyer.address["last_name"]}
    billing = {**buyer.address, "email": buyer.email}
    return add_customer(shop, {"email": buyer.email, **names, "billing": billing, "shipping": buyer.address}).id


def _basket(shop: Shop, dice: random.Random, currency: str, *, inclusive: bool) -> tuple[list[Json], bool]:
    """One to four lines, and whether they are worth enough that no coupon or credit can eat them up."""
    sellable = [product for product in shop.products.values() if product.kind != "variable" and product.status == "publish"]
    lines, worth = [], ZERO
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4))):
        product, quantity = dice.choice(sellable), dice.choice((1, 1, 1, 2, 2, 3, 7))
        lines.append(_line(shop, dice, product, quantity, currency, inclusive=inclusive))
        worth += min(to_decimal(product.price) * quantity, scaled("10.00", shop.switches.currency))
    return lines, worth >= scaled("20.00", shop.switches.currency)


def _line(shop: Shop, dice: random.Random, product: Product, quantity: int, currency: str, *, inclusive: bool) -> Json:
    """A product line; one in ten is sold for a sum that its quantity does not divide."""
    line: Json = {"product_id": product.parent_id or product.id, "variation_id": product.id if product.parent_id else 0}
    line["quantity"] = quantity
    if dice.random() < 0.1:
        line["quantity"] = 3
        line["subtotal"] = line["total"] = f"{scaled('10.00', currency):f}"
    elif currency != shop.switches.currency:
        line["subtotal"] = line["total"] = f"{_net(shop, product, quantity, currency, inclusive=inclusive):f}"
    return line


def _net(shop: Shop, product: Product, quantity: int, currency: str, *, inclusive: bool) -> Decimal:
    amount = scaled(str(to_decimal(product.price)), currency) * quantity
    if inclusive and product.tax_status == "taxable":
        return amount - sum(inclusive_taxes(amount, shop.store_rates(product.tax_class)).values(), ZERO)
    return amount


def _shipping(dice: random.Random, currency: str) -> list[Json]:
    price = dice.choice(("", "", "0.00", "7.95", "12.49", "15.00"))
    if not price:
        return []
    title = "Free shipping" if price == "0.00" else "Flat rate"
    taxed = "taxable" if dice.random() < 0.8 else "none"
    method = "free_shipping" if price == "0.00" else "flat_rate"
    return [{"method_id": method, "method_title": title, "instance_id": "1", "total": f"{scaled(price, currency):f}", "tax_status": taxed}]


def _fees(dice: random.Random, currency: str) -> list[Json]:
    if dice.random() > 0.2:
        return []
    name, amount, taxed = dice.choice(_FEES)
    return [{"name": name, "total": f"{scaled(amount, currency):f}", "tax_status": taxed}]
