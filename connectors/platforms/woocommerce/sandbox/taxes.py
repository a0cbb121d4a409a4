"""WooCommerce's tax arithmetic: exclusive, inclusive and compound rates, and its two ways of rounding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

from connectors.platforms.woocommerce.sandbox.model import ZERO, Order, Rate, Taxes
from connectors.platforms.woocommerce.sandbox.state import Shop

_INTERNAL = Decimal("0.000001")  # WooCommerce keeps unrounded amounts with six places (WC_ROUNDING_PRECISION)
HUNDRED = Decimal(100)


def internal(amount: Decimal) -> Decimal:
    """An amount as precise as WooCommerce keeps it between steps."""
    return amount.quantize(_INTERNAL, ROUND_HALF_UP)


def exclusive_taxes(amount: Decimal, rates: Sequence[Rate]) -> Taxes:
    """The taxes on top of an amount; compound ones on top of the amount and all before them."""
    taxes = {rate.id: amount * rate.percent / HUNDRED for rate in rates if not rate.compound}
    before = sum(taxes.values(), ZERO)
    for rate in rates:
        if rate.compound:
            taxes[rate.id] = (amount + before) * rate.percent / HUNDRED
            before += taxes[rate.id]
    return {rate.id: internal(taxes[rate.id]) for rate in rates}


def inclusive_taxes(gross: Decimal, rates: Sequence[Rate]) -> Taxes:
    """The taxes inside a gross amount, compound ones taken out first and from the last to the first."""
    taxes: Taxes = {}
    inner = gross
    for rate in reversed([rate for rate in rates if rate.compound]):
        taxes[rate.id] = inner - inner / (1 + rate.percent / HUNDRED)
        inner -= taxes[rate.id]
    regular = [rate for rate in rates if not rate.compound]
    divisor = 1 + sum((rate.percent for rate in regular), ZERO) / HUNDRED
    for rate in regular:
        taxes[rate.id] = inner * rate.percent / HUNDRED / divisor
    return {rate.id: internal(taxes[rate.id]) for rate in rates}


@dataclass(frozen=True, slots=True)
class Rounding:
    """How one order rounds. Shops whose prices include tax round tax half down (observed in WooCommerce 11.0.1's source)."""

    decimals: int
    at_subtotal: bool
    half_down: bool

    @classmethod
    def of(cls, shop: Shop, order: Order) -> Rounding:
        return cls(order.decimals, shop.switches.round_at_subtotal, order.prices_include_tax)

    def money(self, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_UP)

    def tax(self, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-self.decimals), ROUND_HALF_DOWN if self.half_down else ROUND_HALF_UP)

    def line(self, amount: Decimal) -> Decimal:
        """A line's amount on its way into a total: unrounded when the shop rounds at subtotal level."""
        return amount if self.at_subtotal else self.money(amount)

    def line_tax(self, amount: Decimal) -> Decimal:
        """One line's tax on its way into a total: unrounded when the shop rounds at subtotal level."""
        return amount if self.at_subtotal else self.tax(amount)

    def line_tax_sum(self, taxes: Iterable[Decimal]) -> Decimal:
        """The total_tax of a line: each tax rounded by itself unless the shop rounds at subtotal level."""
        return sum((self.line_tax(tax) for tax in taxes), ZERO)


def order_rates(shop: Shop, order: Order, tax_class: str, *, shipping: bool = False) -> list[Rate]:
    """The rates for where the order goes: shipping address, else billing, else the shop's own."""
    for address in (order.shipping, order.billing):
        if address.get("country"):
            found = shop.matching_rates(address["country"], address.get("state", ""), tax_class)
            break
    else:
        found = shop.store_rates(tax_class)
    return [rate for rate in found if rate.shipping] if shipping else found
