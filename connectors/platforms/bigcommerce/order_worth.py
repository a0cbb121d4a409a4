"""What an order is worth in all, read from its own figures.

Observed on all published sample orders: total_inc_tax is subtotal_inc_tax plus shipping, handling and wrapping (inc_tax), less
discount_amount and coupon_discount; total_ex_tax is total_inc_tax less total_tax. The ex_tax side does not add up in the same way
(subtotal_ex_tax is before discount, subtotal_tax after it), so everything here starts from the amounts with tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.canonical.money import Money, total
from connectors.kit.tame import Tame

TOLERANCE = 5  # minor units by which an order's own figures may miss its total
_OFF_SHIPPING = (3, 4)  # types of coupons: off the shipping, free shipping


@dataclass(frozen=True, slots=True)
class Worth:
    """What the buyer owes in all, how much of it is tax, and whether the order's own figures add up to it."""

    total: Money
    tax: Money
    adds_up: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """The parts of an order that cost money, as read."""

    order: Tame
    products: tuple[Tame, ...]
    addresses: tuple[Tame, ...]
    fees: tuple[Tame, ...]
    coupons: tuple[Tame, ...]
    currency: str

    def sum(self, rows: Sequence[Tame], name: str) -> Money:
        return total((self.money(row[name]) for row in rows), self.currency)

    def money(self, amount: Tame) -> Money:
        return amount.money(self.currency)


def read_worth(found: Sources) -> Worth:
    """The total, whichever way the store counts fees, tenders and coupons for shipping. Whether fees are inside total_inc_tax, whether
    store credit and gift certificates reduce it, and whether coupon_discount tells again what shipping was lowered by, is documented
    nowhere: the reading that fits the order's own figures best is the store's, the plainest one where several fit.
    """
    order = found.order
    fees, shown, tax = found.sum(found.fees, "cost_inc_tax"), found.money(order["total_inc_tax"]), found.money(order["total_tax"])
    tenders = found.money(order["store_credit_amount"]) + found.money(order["gift_certificate_amount"])
    nothing, figures = Money.zero(found.currency), _figures(found) + fees
    readings = [(outside, twice) for twice in (nothing, off_shipping(found)) for outside in (nothing, fees, tenders, fees + tenders)]
    misses = [abs(shown + outside - figures - twice).rounded().to_minor() for outside, twice in readings]
    if min(misses) > TOLERANCE:
        return Worth(shown.rounded(), tax, adds_up=False)
    outside, _ = readings[misses.index(min(misses))]
    fee_tax = found.sum(found.fees, "cost_tax") if fees and outside in (fees, fees + tenders) else nothing
    return Worth((shown + outside).rounded(), tax + fee_tax, adds_up=True)


def _figures(found: Sources) -> Money:
    """What the order's parts come to without fees."""
    inside = ("subtotal_inc_tax", "shipping_cost_inc_tax", "handling_cost_inc_tax", "wrapping_cost_inc_tax")
    parts = total((found.money(found.order[name]) for name in inside), found.currency)
    return parts - found.money(found.order["discount_amount"]) - found.money(found.order["coupon_discount"])


def off_shipping(found: Sources) -> Money:
    """What coupons took off the shipping."""
    return found.sum([coupon for coupon in found.coupons if coupon["type"].integer() in _OFF_SHIPPING], "discount")
