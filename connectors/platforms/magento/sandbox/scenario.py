"""Makes orders as a busy shop sees them: all kinds of products, two currencies, coupons, guests, refunds."""

from __future__ import annotations

import random
from decimal import Decimal

from connectors.platforms.magento.sandbox.lifecycle import pay, refund
from connectors.platforms.magento.sandbox.people import REGIONS, create_customer
from connectors.platforms.magento.sandbox.pricing import ZERO
from connectors.platforms.magento.sandbox.selling import Basket, money_rows, place
from connectors.platforms.magento.sandbox.state import Shop
from connectors.platforms.magento.sandbox.wire import Json

_GIVEN = ("Elodie", "Tomasz", "Yuki", "Maeve", "Rafael", "Ingrid", "Oluwaseun", "Zo\u00eb", "H\u00e9l\u00e8ne", "Nils")
_FAMILY = ("Bouchard", "Wi\u015bniewski", "Tanaka", "O'Neill", "Souza", "Halvorsen", "Adeyemi", "M\u00fcnch", "Roy & Fils", "Berg")
# country, region, city, postcode, weight
_PLACES = (
    ("CA", "ON", "Kingston", "K7L 1A1", 40),
    ("CA", "QC", "Sherbrooke", "J1H 1A1", 25),
    ("CA", "BC", "Kelowna", "V1Y 1A1", 15),
    ("DE", "", "Bremen", "28195", 10),
    ("US", "TX", "Austin", "78701", 10),
)
_COUPONS = (("", 70), ("LIGHT10", 20), ("ODD15", 10))
_OFF = {"": ZERO, "LIGHT10": Decimal(10), "ODD15": Decimal(15)}
# method, how much is paid, weight
_WAYS = (("braintree", "all", 62), ("banktransfer", "all", 12), ("checkmo", "none", 14), ("braintree", "refund", 12))


def shopper(shop: Shop, seed: int, index: int) -> tuple[str, int, Json]:
    """E-mail, account (0 for a guest) and address of a buyer; the same index and seed give the same one."""
    dice = random.Random(f"magento shopper {seed} {index}")
    country, region, city, postcode, _ = dice.choices(_PLACES, [place[4] for place in _PLACES])[0]
    number, _, name = next((one for one in REGIONS.get(country, ()) if one[1] == region), (0, "", ""))
    address: Json = {
        "firstname": dice.choice(_GIVEN),
        "lastname": dice.choice(_FAMILY),
        "street": [f"{dice.randint(1, 300)} Lantern Street"] + (["Unit 4"] if dice.random() < 0.3 else []),
        "city": city,
        "region": name or None,
        "region_code": region or None,
        "region_id": number or None,
        "postcode": postcode,
        "country_id": country,
        "telephone": f"+1 555 02{dice.randint(10, 99)}",
    }
    email = f"light{index}.s{seed}@mail.example"
    return email, _account(shop, email, address) if dice.random() < 0.5 else 0, address


def _account(shop: Shop, email: str, address: Json) -> int:
    known = next((one["id"] for one in shop.customers.values() if one["email"] == email), None)
    if known:
        return int(known)
    book = {name: value for name, value in address.items() if name not in ("region", "region_code") and value is not None}
    names = {"firstname": address["firstname"], "lastname": address["lastname"]}
    entry = {**book, "default_billing": True, "default_shipping": True}
    return int(create_customer(shop, {"email": email, **names, "addresses": [entry]})["id"])


def place_one(shop: Shop, dice: random.Random, buyer: tuple[str, int, Json]) -> Json:
    """Place one order of the mix."""
    email, account, address = buyer
    coupon = dice.choices([code for code, _ in _COUPONS], [weight for _, weight in _COUPONS])[0]
    method, paid, _ = dice.choices(_WAYS, [way[2] for way in _WAYS])[0]
    basket = Basket(
        rows=_rows(shop, dice),
        address=address,
        email=email,
        customer_id=account,
        coupon=coupon,
        off=_OFF[coupon],
        shipping=Decimal(dice.choice(("0", "5.00", "7.95", "12.49", "25.00"))),
        shipping_off=_OFF[coupon] if dice.random() < 0.4 else ZERO,
        method=method,
        store_id=2 if dice.random() < 0.2 else 1,
        inclusive=shop.switches.prices_include_tax or dice.random() < 0.3,
        taxed_shipping=dice.random() < 0.7,
    )
    order = place(shop, basket)
    if paid != "none":
        pay(shop, order, txn=f"txn_{dice.getrandbits(40):010x}" if method == "braintree" else "")
    if paid == "refund":
        _give_back(shop, dice, order)
    elif paid == "all" and dice.random() < 0.4 and not order["is_virtual"]:
        order["state"] = order["status"] = "complete"
    return order


def _rows(shop: Shop, dice: random.Random) -> tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...]:
    rows = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        product = dice.choice(list(shop.products.values()))
        children = tuple(product.get("children", ()))
        if product["type_id"] == "configurable":
            children = (dice.choice(children),)
        rows.append((product["id"], dice.choice((1, 1, 2, 3)), children))
    return tuple(rows)


def _give_back(shop: Shop, dice: random.Random, order: Json) -> None:
    """One piece of a row, with a fee kept or something added now and then; or everything but the shipping: of an order that went back
    whole before anybody read it, the books rightly show nothing.
    """
    rows = money_rows(order)
    if not order["shipping_amount"] and sum(row["qty_ordered"] for row in rows) == 1:
        return
    if dice.random() < 0.3 and order["shipping_amount"] > 0:
        refund(shop, order, {row["item_id"]: row["qty_ordered"] for row in rows}, False, ZERO, ZERO)
        return
    row = dice.choice(rows)
    more, less = dice.choice(((ZERO, ZERO), (Decimal("0.50"), ZERO), (ZERO, Decimal("1.25")), (ZERO, ZERO)))
    worth = row["row_total_incl_tax"] / row["qty_ordered"]
    refund(shop, order, {row["item_id"]: 1}, False, more if order["shipping_amount"] > 1 else ZERO, less if worth > 2 else ZERO)
