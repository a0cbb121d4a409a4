"""Makes orders as a busy shop sees them; the same for the same seed."""

from __future__ import annotations

import random
from decimal import Decimal

from connectors.platforms.shopify.sandbox.bodies import customer_body
from connectors.platforms.shopify.sandbox.hooks import announce
from connectors.platforms.shopify.sandbox.life import place, refund
from connectors.platforms.shopify.sandbox.model import Customer, Discount, GivenBack, Json, Line, Order, Payment, Variant
from connectors.platforms.shopify.sandbox.money import Side
from connectors.platforms.shopify.sandbox.records import gid
from connectors.platforms.shopify.sandbox.state import Shop

_GIVEN = ("Ines", "Tom\u00e1s", "Yuki", "Fatou", "Owen", "Ana\u00efs", "Li", "\u00c9tienne", "Ruth", "Juho")
_FAMILY = ("Lindqvist", "O'Hara", "Sato", "Diallo", "Fern\u00e1ndez", "Roy", "Wei", "Gagnon", "Adler & Co", "Niemi")
# country, region, city, postcode, taxes, weight
_PLACES = (
    ("CA", "ON", "Guelph", "N1H 1A1", (("HST", "0.13"),), 30),
    ("CA", "QC", "Sherbrooke", "J1H 1A1", (("GST", "0.05"), ("QST", "0.09975")), 20),
    ("CA", "BC", "Kelowna", "V1Y 1A1", (("GST", "0.05"), ("PST", "0.07")), 15),
    ("CA", "AB", "Red Deer", "T4N 1A1", (("GST", "0.05"),), 15),
    ("GB", "ENG", "York", "YO1 1AA", (("VAT", "0.2"),), 8),
    ("US", "VT", "Burlington", "05401", (), 12),
)
_RATES = {"USD": "0.7314", "EUR": "0.6241", "JPY": "112.4", "GBP": "0.5403"}
_GATEWAYS = ("shopify_payments", "shopify_payments", "paypal", "shop_pay")


def furnish(shop: Shop) -> None:
    """Fill an empty shop with products."""
    goods = (
        ("Assam Gold", (("100 g", "SH-ASSAM-100", "9.40"), ("250 g", "SH-ASSAM-250", "21.15"))),
        ("Oolong \u70cf\u9f8d", (("Default Title", "SH-OOLONG", "14.99"),)),
        ("Enamel kettle", (("Red", "SH-KETTLE-R", "64.00"), ("Blue", "SH-KETTLE-B", "64.00"))),
        ("Shortbread", (("Default Title", "SH-SHORT", "6.35"),)),
        ("Tea caddy", (("Default Title", None, "18.20"),)),
        ("Strainer", (("Default Title", "SH-STRAIN", "3.33"),)),
    )
    for title, variants in goods:
        add_product(shop, title, variants)
    add_product(shop, "Gift card", (("25.00", None, "25.00"),), gift_card=True)


def add_product(shop: Shop, title: str, variants: tuple[tuple[str, str | None, str], ...], *, gift_card: bool = False) -> list[Variant]:
    product_id = shop.next_id("product")
    shop.product_changes[product_id] = shop.now()
    made = [
        Variant(shop.next_id("variant"), product_id, name, sku, Decimal(price), not gift_card, gift_card, title)
        for name, sku, price in variants
    ]
    shop.variants.update({each.id: each for each in made})
    return made


def place_one(shop: Shop, seed: int, dice: random.Random, buyer: int) -> Order:
    """Place one order of the mix."""
    order = _order(shop, seed, dice, buyer)
    _pay(shop, dice, order)
    place(shop, order)
    if dice.random() < 0.12:
        _give_back(shop, dice, order)
    return order


def _order(shop: Shop, seed: int, dice: random.Random, buyer: int) -> Order:
    place_of = dice.choices(_PLACES, [each[5] for each in _PLACES])[0]
    included = shop.switches.taxes_included or (bool(place_of[4]) and dice.random() < 0.25)
    customer = _customer(shop, seed, buyer, place_of) if dice.random() < 0.8 else None
    now = shop.now()
    order = Order(
        id=shop.next_id("order"),
        number=shop.next_id("number"),
        sides=_sides(shop, dice),
        created=now,
        updated=now,
        lines=_lines(shop, dice, place_of[0]),
        taxes=tuple((name, Decimal(rate)) for name, rate in place_of[4]),
        included=included,
        customer=customer,
        email=customer.email if customer else f"guest{buyer}.s{seed}@mail.example",
        address=customer.address if customer else _address(shop, dice, place_of, "Guest", f"No. {buyer}"),
        note=dice.choice((None, None, "Leave it at the door, please")),
    )
    if dice.random() < 0.8:
        order.shipping = (shop.next_id("shipping"), "Standard", Decimal(dice.choice(("0.00", "8.50", "12.95"))))
    order.discounts = _discounts(dice)
    if dice.random() < 0.15:
        order.tip, order.tip_line = Decimal(dice.choice(("2.00", "3.50"))), shop.next_id("line")
    if dice.random() < 0.15:
        order.fees = [(shop.next_id("fee"), "Gift wrapping", Decimal("4.25"))]
    return order


def _sides(shop: Shop, dice: random.Random) -> tuple[Side, Side]:
    own = Side(shop.switches.currency)
    if not shop.switches.buyers_currencies or dice.random() < 0.7:
        return own, own
    buyers = dice.choice(shop.switches.buyers_currencies)
    return own, Side(buyers, Decimal(_RATES.get(buyers, "1")))


def _lines(shop: Shop, dice: random.Random, country: str) -> list[Line]:
    lines = []
    sold = list(shop.variants.values())
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4))):
        variant = dice.choice(sold)
        line = line_of(shop, variant, dice.choice((1, 1, 2, 3, 5)))
        if country == "US" and dice.random() < 0.4 and not variant.gift_card:
            line.duty, line.duty_id = Decimal(dice.choice(("1.85", "4.10"))), shop.next_id("duty")
        lines.append(line)
    return lines


def line_of(shop: Shop, variant: Variant, quantity: int) -> Line:
    """A line that sells a variant."""
    name = variant.product_title if variant.title == "Default Title" else f"{variant.product_title} - {variant.title}"
    return Line(
        shop.next_id("line"), name, quantity, variant.price, variant.sku, variant, variant.taxable, variant.gift_card, not variant.gift_card
    )


def _discounts(dice: random.Random) -> list[Discount]:
    found = []
    if dice.random() < 0.3:
        found.append(Discount("HARVEST10", percent=Decimal(10)))
    if dice.random() < 0.15:
        found.append(Discount("Loyal buyers", amount=Decimal("3.33"), kind="AutomaticDiscountApplication"))
    if dice.random() < 0.15:
        found.append(Discount("SHIPHALF", percent=Decimal(50), shipping=True))
    return found


def _pay(shop: Shop, dice: random.Random, order: Order) -> None:
    """Paid at once, authorised and captured, with a gift card in part, or a first part only."""

    def payment(kind: str, gateway: str, weight: str, status: str = "SUCCESS", parent: int = 0) -> Payment:
        return Payment(shop.next_id("transaction"), kind, status, gateway, Decimal(weight), order.created, order.test, parent)

    gateway, way = dice.choice(_GATEWAYS), dice.random()
    if way < 0.5:
        order.payments = [payment("SALE", gateway, "1")]
    elif way < 0.7:
        held = payment("AUTHORIZATION", gateway, "1")
        order.payments = [held, payment("CAPTURE", gateway, "1", parent=held.id)]
    elif way < 0.85:
        order.payments = [payment("SALE", "gift_card", "0.3"), payment("SALE", gateway, "0.7")]
    elif way < 0.95:
        order.payments = [payment("SALE", gateway, "1", "FAILURE"), payment("SALE", "shopify_store_credit", "1")]
    else:
        order.payments = [payment("SALE", "bank deposit", "0.4")]


def _give_back(shop: Shop, dice: random.Random, order: Order) -> None:
    """One unit with its tax, at times with the shipping, or a part of the price of one."""
    if any(payment.weight == Decimal("0.4") for payment in order.payments) or len(order.lines) < 2:
        return
    line = max(order.lines, key=lambda each: each.price * each.quantity)
    if line.gift_card:
        return
    way = dice.random()
    units = {line.id: 1} if way < 0.7 else {}
    money = None if units else Decimal("1.50")
    back = GivenBack(shop.next_id("refund"), shop.now(), units, bool(units and order.shipping and way < 0.35), money, "Arrived broken")
    refund(shop, order, back)


# ---- buyers ------------------------------------------------------------------------------------------------


def _customer(shop: Shop, seed: int, buyer: int, place_of: tuple[str, str, str, str, object, int]) -> Customer:
    email = f"buyer{buyer}.s{seed}@tea.example"
    known = shop.emails.get(email)
    if known:
        return shop.customers[known]
    dice = random.Random(f"buyer {seed} {buyer}")
    given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
    return add_customer(shop, email, given, family, _address(shop, dice, place_of, given, family))


def add_customer(shop: Shop, email: str, given: str, family: str, address: Json | None = None) -> Customer:
    now = shop.now()
    customer = Customer(shop.next_id("customer"), email, given, family, now, now, address)
    shop.customers[customer.id], shop.emails[email.lower()] = customer, customer.id
    announce(shop, "CUSTOMERS_CREATE", customer_body(shop, customer))
    return customer


def _address(shop: Shop, dice: random.Random, place_of: tuple[str, str, str, str, object, int], given: str, family: str) -> Json:
    country, region, city, postcode, _, _ = place_of
    return {
        "id": gid("MailingAddress", shop.next_id("address")),
        "firstName": given,
        "lastName": family,
        "name": f"{given} {family}",
        "company": dice.choice((None, None, None, "Harbour Caf\u00e9 Ltd.")),
        "address1": f"{dice.randint(1, 300)} Kettle Lane",
        "address2": None,
        "city": city,
        "province": region,
        "provinceCode": region,
        "country": country,
        "countryCodeV2": country,
        "zip": postcode,
        "phone": f"+1 555 02{dice.randint(10, 99)}",
    }
