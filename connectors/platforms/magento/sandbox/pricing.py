"""Magento's arithmetic of one row: discount first, then tax, with the compensation that tax-inclusive prices need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from connectors.canonical.money import Money, exponent, split
from connectors.platforms.magento.sandbox.state import Rate

HUNDRED = Decimal(100)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Priced:
    """A row (or shipping) as it is stored. incl_tax: what the row costs with tax before discount."""

    unit: Decimal
    unit_incl: Decimal
    row_total: Decimal
    row_incl: Decimal
    discount: Decimal
    compensation: Decimal
    taxes: tuple[tuple[Rate, Decimal], ...]

    @property
    def tax(self) -> Decimal:
        return sum((amount for _, amount in self.taxes), ZERO)

    @property
    def net(self) -> Decimal:
        """After discount, without tax."""
        return self.row_total - self.discount + self.compensation


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def price_row(price: Decimal, quantity: int, off: Decimal, rates: Sequence[Rate], currency: str, *, inclusive: bool) -> Priced:
    """off: per cent of discount on the price as entered."""
    entered = rounded(price * quantity, currency)
    discount = rounded(entered * off / HUNDRED, currency)
    whole = sum((rate.percent for rate in rates), ZERO)
    if not inclusive or not rates:
        taxes = tuple((rate, rounded((entered - discount) * rate.percent / HUNDRED, currency)) for rate in rates)
        with_tax = entered + sum((rounded(entered * rate.percent / HUNDRED, currency) for rate in rates), ZERO)
        unit_incl = rounded(price * (1 + whole / HUNDRED), currency)
        return Priced(price, unit_incl, entered, with_tax, discount, ZERO, taxes)
    factor = 1 + whole / HUNDRED
    before, net = rounded(entered / factor, currency), rounded((entered - discount) / factor, currency)
    tax = Money(entered - discount - net, currency)
    shares = split(tax, [rate.percent for rate in rates])
    unit = rounded(price / factor, currency)
    compensation = net - before + discount
    return Priced(unit, price, before, entered, discount, compensation, tuple(zip(rates, (share.amount for share in shares), strict=True)))
