"""Makes orders as a busy store sees them: taxes inside or on top, coupons, discounts, wrapping, fees, ways to pay; the same for a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from connectors.platforms.bigcommerce.sandbox.model import ZERO, Address, Customer, Fee, Json, Line, Order, Rate, Taxed
from connectors.platforms.bigcommerce.sandbox.pricing import from_gross, from_net, price_line, rounded, take_off
from connectors.platforms.bigcommerce.sandbox.seed import COUPONS, RATES, scaled
from connectors.platforms.bigcommerce.sandbox.state import Store

_GIVEN = ("Am\u00e9lie", "Noor", "\u0141ukasz", "Zo\u00eb", "S\u00f8ren", "Mei", "Jos\u00e9", "Aoife", "Priya", "Kwame", "\u7531\u7d00")
_FAMILY = ("Tremblay", "O'Connor", "Nguy\u1ec5n", "M\u00fcller", "Okafor", "Kowalski", "Garc\u00eda", "\u010capek", "Bell & Sons")
_COMPANIES = ("", "", "", "Nordwind Outdoor Ltd.")
# country, its name, region, city, postcode, weight
_PLACES = (
    ("CA", "Canada", "Ontario", "Hamilton", "L8P 1A1", 34),
    ("CA", "Canada", "Quebec", "Trois-Rivi\u00e8res", "G9A 1A1", 26),
    ("CA", "Canada", "British Columbia", "Nanaimo", "V9R 1A1", 12),
    ("CA", "Canada", "Prince Edward Island", "Summerside", "C1N 1A1", 8),
    ("GB", "United Kingdom", "", "Leeds", "LS1 1AA", 10),
    ("US", "United States", "Oregon", "Portland", "97201", 10),
)


@dataclass(frozen=True)
class Shopper:
    """A buyer of the scenario; the same index and seed give the same one."""

    email: str
    registered: bool
    address: Json


def shopper(seed: int, index: int) -> Shopper:
    dice = random.Random(f"bigcommerce shopper {seed} {index}")
    code, country, state, city, postcode, _ = dice.choices(_PLACES, [place[5] for place in _PLACES])[0]
    email = f"hiker{index}.s{seed}@mail.example"
    address: Json = {
        "first_name": dice.choice(_GIVEN),
        "last_name": dice.choice(_FAMILY),
        "company": dice.choice(_COMPANIES),
        "street_1": f"{dice.randint(1, 400)} Ridge Road",
        "street_2": "",
        "city": city,
        "state": state,
        "zip": postcode,
        "country": country,
        "country_iso2": code,
        "phone": f"+1 555 01{dice.randint(10, 99)}",
        "email": email,
        "form_fields": [],
    }
    return Shopper(email, dice.random() < 0.5, address)


def draw_order(store: Store, dice: random.Random, buyer: Shopper) -> Order:
    """An order as the checkout page makes it: nothing is paid yet, status Incomplete."""
    currency = dice.choice(store.switches.currencies)
    inclusive = store.switches.prices_with_tax or dice.random() < 0.35
    rates = RATES[buyer.address["country_iso2"], buyer.address["state"]]
    lines = _lines(store, dice, currency, rates, inclusive=inclusive)
    now = store.now()
    order = Order(
        id=store.next_id("order"),
        customer_id=account_of(store, buyer),
        status_id=0,
        currency=currency,
        display_currency=dice.choice((currency, currency, "EUR")),
        inclusive=inclusive,
        created=now,
        modified=now,
        billing=dict(buyer.address),
        lines=lines,
        addresses=_addresses(store, dice, buyer, currency, rates, lines, inclusive=inclusive),
        message=dice.choice(("", "", "Please leave it at the back door \u2014 merci!")),
    )
    _reduce(store, dice, order)
    _add_charges(store, dice, order, rates)
    _ship_for_less(store, dice, order, rates)
    return order


def account_of(store: Store, buyer: Shopper) -> int:
    """The buyer's account, opened at the first order; 0 for a guest."""
    if not buyer.registered:
        return 0
    if buyer.email not in store.emails:
        now, at = store.now(), buyer.address
        customer = Customer(store.next_id("customer"), buyer.email, at["first_name"], at["last_name"], at["company"], at["phone"], now, now)
        customer.addresses.append(_account_address(customer, at))
        store.customers[customer.id], store.emails[buyer.email] = customer, customer.id
    return store.emails[buyer.email]


def _account_address(customer: Customer, at: Json) -> Json:
    return {
        "id": customer.id + 100_000,
        "customer_id": customer.id,
        "first_name": at["first_name"],
        "last_name": at["last_name"],
        "company": at["company"],
        "address1": at["street_1"],
        "address2": at["street_2"],
        "city": at["city"],
        "state_or_province": at["state"],
        "postal_code": at["zip"],
        "country": at["country"],
        "country_code": at["country_iso2"],
        "phone": at["phone"],
        "address_type": "residential",
    }


def _lines(store: Store, dice: random.Random, currency: str, rates: tuple[Rate, ...], *, inclusive: bool) -> list[Line]:
    """One to four lines; one product in nine is exempt from tax."""
    made = []
    for _ in range(dice.choice((1, 1, 2, 2, 3, 4))):
        product = dice.choice(list(store.products.values()))
        variant = dice.choice(product.variants)
        price = product.price if variant.price is None else variant.price
        line = Line(
            id=store.next_id("line"),
            product_id=product.id,
            variant_id=variant.id,
            sku=variant.sku,
            name=product.name,
            quantity=dice.choice((1, 1, 1, 2, 2, 3, 7)),
            unit=scaled(str(price), currency) if currency != store.switches.currency else price,
            listed=Taxed(),
            sold=Taxed(),
            kind=product.kind,
        )
        if variant.label:
            line.options = [_option(store, line, variant.label)]
        price_line(line, () if dice.random() < 0.11 else rates, currency, inclusive=inclusive)
        made.append(line)
    return made


def _option(store: Store, line: Line, label: str) -> Json:
    shown = {"display_name": "Size", "display_value": label, "display_name_customer": "Size", "display_name_merchant": "Size"}
    values = {"display_value_customer": label, "display_value_merchant": label, "value": label}
    more = {"type": "Multiple choice", "name": "Size", "display_style": "Rectangle"}
    own = {"id": line.id, "option_id": 1, "order_product_id": line.id, "product_option_id": 1}
    return {**own, **shown, **values, **more}


def _addresses(
    store: Store, dice: random.Random, buyer: Shopper, currency: str, rates: tuple[Rate, ...], lines: list[Line], *, inclusive: bool
) -> list[Address]:
    """None for downloads alone; else one, rarely two (sent to two places)."""
    if all(line.kind == "digital" for line in lines):
        return []
    count = 2 if len(lines) > 2 and dice.random() < 0.2 else 1
    taxed = from_gross if inclusive else from_net
    made = []
    for _ in range(count):
        method, cost = dice.choice((("Flat rate", "9.95"), ("Courier", "14.20"), ("Free shipping", "0")))
        handling = scaled(dice.choice(("0", "0", "0", "1.75")), currency)
        costs = (taxed(scaled(cost, currency), rates, currency), taxed(handling, rates, currency))
        made.append(Address(store.next_id("address"), dict(buyer.address), method, *costs, listed=costs[0]))
    return made


def _reduce(store: Store, dice: random.Random, order: Order) -> None:
    """A coupon, a discount that a person gave, or both."""
    if dice.random() < 0.3:
        code, kind, amount = dice.choice(COUPONS)
        worth = sum((line.sold.gross for line in order.lines), ZERO)
        off = rounded(worth * amount / 100, order.currency) if kind == 1 else scaled(str(amount), order.currency)
        target = "product" if kind == 1 else "order"
        taken = take_off(order.lines, off, order.currency, {"id": "total-coupon", "name": code, "code": code, "target": target})
        order.coupon_discount = taken
        coupon = {"id": store.next_id("coupon"), "coupon_id": kind + 1, "order_id": order.id, "code": code, "amount": amount}
        order.coupons.append({**coupon, "type": kind, "discount": taken})
    if dice.random() < 0.15:
        off = scaled(dice.choice(("1.59", "3.00")), order.currency)
        how = {"id": "manual-discount", "name": "Manual Discount", "code": None, "target": "order"}
        order.discount = take_off(order.lines, off, order.currency, how)


def _ship_for_less(store: Store, dice: random.Random, order: Order, rates: tuple[Rate, ...]) -> None:
    """A coupon that takes something, or everything, off the shipping."""
    if dice.random() > 0.15 or not any(address.shipping.gross for address in order.addresses):
        return
    code, kind, most = dice.choice((("SHIPFREE", 4, None), ("SHIPLESS", 3, scaled("3.30", order.currency))))
    for address in order.addresses:
        gross = address.shipping.gross
        address.shipping = from_gross(gross - min(gross, gross if most is None else most), rates, order.currency)
    coupon = {"id": store.next_id("coupon"), "coupon_id": kind + 1, "order_id": order.id, "code": code, "amount": most or ZERO}
    order.coupons.append({**coupon, "type": kind, "discount": order.off_shipping})


def _add_charges(store: Store, dice: random.Random, order: Order, rates: tuple[Rate, ...]) -> None:
    """Gift wrapping for a line, or a fee."""
    taxed = from_gross if order.inclusive else from_net
    if dice.random() < 0.2:
        wrapped = dice.choice(order.lines)
        wrapped.wrapping, wrapped.wrapping_name = taxed(scaled("4.50", order.currency), rates, order.currency), "Forest paper"
    if dice.random() < 0.15:
        cost = taxed(scaled("2.49", order.currency), rates, order.currency)
        order.fees.append(Fee(store.next_id("fee"), "Parcel protection", cost))


def part_of(order: Order, share: str) -> Decimal:
    return rounded(order.total * Decimal(share), order.currency)
