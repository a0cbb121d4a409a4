"""Orders as a BigCommerce store would reckon and send them, drawn at will: how they are priced, reduced, paid and given back."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bigcommerce_paying import PAYING, pay
from hypothesis import strategies as st

from connectors.canonical.money import Money, exponent
from connectors.canonical.order import Order as Canonical
from connectors.kit.account import Account
from connectors.kit.sandbox_delivery import Courier
from connectors.kit.tame import parse_json
from connectors.platforms.bigcommerce.orders import normalise_order
from connectors.platforms.bigcommerce.sandbox.model import ZERO, Address, Fee, Json, Line, Order, Rate, Taxed
from connectors.platforms.bigcommerce.sandbox.order_json import (
    address_json,
    coupon_json,
    fee_json,
    line_json,
    numbered,
    order_json,
    taxes_json,
)
from connectors.platforms.bigcommerce.sandbox.pricing import from_gross, from_net, price_line, rounded, take_off
from connectors.platforms.bigcommerce.sandbox.refunding import decline, quote, refund
from connectors.platforms.bigcommerce.sandbox.state import Store, build_store
from connectors.platforms.bigcommerce.sandbox.wire import Refusal

ACCOUNT = Account("t", "https://shop.example", settings={"store_hash": "k7w2xq9"}, time_zone="America/Toronto", currency="CAD")
PLACE: Json = {"first_name": "Ida", "last_name": "Berg", "email": "ida@berg.example", "country": "Canada", "country_iso2": "CA"}
COURIER = Courier(random.Random(1))  # nobody listens
PERCENTS = ("5", "7", "13", "9.975", "20", "8.875", "0.5", "19", "2.125")


@dataclass
class Sale:
    """One order in its store. Its merchant knows total, received and refunded of the order itself, whatever the fields say."""

    store: Store
    order: Order

    @property
    def currency(self) -> str:
        return self.order.currency

    def money(self, amount: Decimal) -> Money:
        return Money(amount, self.currency)

    def read(self) -> Canonical:
        """The order through the wire and the connector."""
        store, order = self.store, self.order
        raw = {
            "order": order_json(store, order, fees_inlined=True),
            "products": [line_json(order, line) for line in order.lines],
            "coupons": [coupon_json(coupon) for coupon in order.coupons],
            "shipping_addresses": [address_json(store, order, address) for address in order.addresses],
            "taxes": taxes_json(order, details=store.switches.tax_details),
            "fees": [fee_json(fee) for fee in order.fees],
            "transactions": numbered(order.transactions),
            "refunds": numbered(order.refunds),
        }
        return normalise_order(parse_json(json.dumps(raw).encode(), "raw").value, ACCOUNT)


@st.composite
def sales(draw: Any) -> Sale:
    """An order in all its shapes, paid in some way, nothing given back yet."""
    switches = {
        "now": "2026-03-02T09:15:00+00:00",
        "fees_inside": draw(st.booleans()),
        "tenders_reduce": draw(st.booleans()),
        "tax_details": draw(st.integers(0, 3)) > 0,
        "shipping_coupons": draw(st.sampled_from(["listed", "reduced", "counted"])),
    }
    store = build_store("https://shop.example", switches, threading.RLock(), COURIER, random.Random(1))
    currency, now = draw(st.sampled_from(("CAD", "CAD", "USD", "JPY", "KWD"))), store.now()
    shown, inclusive = draw(st.sampled_from((currency, "EUR"))), draw(st.booleans())
    order = Order(101, 0, 0, currency, shown, inclusive, now, now, dict(PLACE), [], [])
    store.orders[order.id] = order
    shelf = Shelf(draw, order, draw(rates()))
    order.lines += [shelf.line(position) for position in range(draw(st.integers(1, 5)))]
    shelf.charge()
    shelf.reduce()
    pay(store, order, draw(st.sampled_from(PAYING)), draw(st.integers(1, 99)))
    return Sale(store, order)


@st.composite
def rates(draw: Any) -> tuple[Rate, ...]:
    """Up to three taxes; a later priority stands on the first ones."""
    names = ("GST", "PST", "ECO")[: draw(st.integers(0, 3))]
    return tuple(
        Rate(name, Decimal(draw(st.sampled_from(PERCENTS))), priority=1 + (i > 0 and draw(st.booleans()))) for i, name in enumerate(names)
    )


@dataclass
class Shelf:
    """Fills an order: what it costs, and what comes off."""

    draw: Any
    order: Order
    rates: tuple[Rate, ...]

    def units(self, most: int) -> Decimal:
        """An amount in whole minor units."""
        return self.draw(st.integers(0, most)) * Decimal(1).scaleb(-exponent(self.order.currency))

    def taxed(self, amount: Decimal) -> Taxed:
        chosen = self.rates if self.draw(st.integers(0, 4)) else ()
        return (from_gross if self.order.inclusive else from_net)(amount, chosen, self.order.currency)

    def line(self, position: int) -> Line:
        """A product; one in five is exempt from tax."""
        sku, quantity = self.draw(st.sampled_from(("", f"SKU-{position}"))), self.draw(st.integers(1, 9))
        made = Line(9001 + position, 700 + position, 0, sku, f"Thing {position}", quantity, self.units(30_000), Taxed(), Taxed())
        chosen = self.rates if self.draw(st.integers(0, 4)) else ()
        price_line(made, chosen, self.order.currency, inclusive=self.order.inclusive)
        return made

    def charge(self) -> None:
        """Shipping to up to two addresses, handling, wrapping, fees."""
        for position in range(self.draw(st.integers(0, 2))):
            shipping = self.taxed(self.units(3_000))
            self.order.addresses.append(Address(301 + position, dict(PLACE), "Courier", shipping, self.taxed(self.units(300)), shipping))
        if self.draw(st.booleans()):
            wrapped = self.order.lines[0]
            wrapped.wrapping, wrapped.wrapping_name = self.taxed(self.units(900)), "Forest paper"
        for position in range(self.draw(st.sampled_from((0, 0, 1, 2)))):
            self.order.fees.append(Fee(401 + position, "Parcel protection", self.taxed(self.units(500))))

    def reduce(self) -> None:
        """A coupon on the goods, a discount by hand, a coupon on the shipping."""
        order = self.order
        worth = sum((line.sold.gross for line in order.lines), ZERO)
        percent = self.draw(st.sampled_from((0, 0, 0, 10, 15, 33, 100)))
        if percent:
            off = rounded(worth * percent / 100, order.currency)
            order.coupon_discount = take_off(
                order.lines, off, order.currency, {"id": "coupon", "name": "AUTUMN", "code": "AUTUMN", "target": "product"}
            )
            self._coupon("AUTUMN", 1, Decimal(percent), order.coupon_discount)
        if self.draw(st.integers(0, 3)) == 0:
            how = {"id": "manual-discount", "name": "Manual Discount", "code": None, "target": "order"}
            order.discount = take_off(order.lines, self.units(2_000), order.currency, how)
        if order.addresses and self.draw(st.integers(0, 3)) == 0:
            most = self.draw(st.sampled_from((None, self.units(500))))
            for address in order.addresses:
                gross, chosen = address.listed.gross, tuple(rate for rate, _ in address.listed.taxes)
                address.shipping = from_gross(gross - min(gross, gross if most is None else most), chosen, order.currency)
            self._coupon("SHIP", 4 if most is None else 3, most or ZERO, order.off_shipping)

    def _coupon(self, code: str, kind: int, amount: Decimal, off: Decimal) -> None:
        row = {
            "id": 500 + kind,
            "coupon_id": kind,
            "order_id": self.order.id,
            "code": code,
            "amount": amount,
            "type": kind,
            "discount": off,
        }
        self.order.coupons.append(row)


def give_back(draw: Any, sale: Sale) -> None:
    """Up to three refunds of pieces, charges or amounts; some are declined afterwards. What the store refuses is none."""
    for _ in range(draw(st.integers(1, 3))):
        items = draw(st.lists(st.sampled_from(_items(draw, sale.order)), min_size=1, max_size=3, unique_by=lambda item: item["item_type"]))
        try:
            means = [{"provider_id": "stripe", "amount": quote(sale.order, items).amount, "offline": draw(st.booleans())}]
            made = refund(sale.store, sale.order, items, means, "came back")
        except Refusal:
            continue
        if draw(st.integers(0, 3)) == 0:
            decline(sale.store, sale.order, made["id"])


def _items(draw: Any, order: Order) -> list[Json]:
    """Something of every kind that the order has."""
    percent = draw(st.sampled_from((10, 33, 50, 100)))
    line = draw(st.sampled_from(order.lines))
    found: list[Json] = [{"item_type": "PRODUCT", "item_id": line.id, "quantity": draw(st.integers(1, line.quantity))}]
    found.append({"item_type": "ORDER", "item_id": order.id, "amount": rounded(order.total * percent / 100, order.currency)})
    if order.lines[0].wrapping.gross:
        found.append({"item_type": "GIFT_WRAPPING", "item_id": order.lines[0].id, "quantity": order.lines[0].quantity})
    costs = [("FEE", fee.id, fee.cost) for fee in order.fees]
    costs += [("SHIPPING", one.id, one.shipping) for one in order.addresses]
    costs += [("HANDLING", one.id, one.handling) for one in order.addresses]
    for kind, item_id, cost in costs:
        base = cost.gross if order.inclusive else cost.net
        found.append({"item_type": kind, "item_id": item_id, "amount": rounded(base * percent / 100, order.currency)})
    return found
