"""The store's arithmetic: prices with or without tax, discounts off the amount with tax, compound rates, rounding by line."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from connectors.canonical.money import Money, exponent, split
from connectors.platforms.bigcommerce.sandbox.model import ZERO, Json, Line, Rate, Taxed


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def from_net(net: Decimal, rates: Sequence[Rate], currency: str) -> Taxed:
    """An amount without tax, with its taxes on top."""
    return _taxed(net, rates, currency, gross=None)


def from_gross(gross: Decimal, rates: Sequence[Rate], currency: str) -> Taxed:
    """An amount with the taxes in it."""
    return _taxed(gross / _factor(rates), rates, currency, gross=gross)


def _levels(rates: Sequence[Rate]) -> list[list[Rate]]:
    return [[rate for rate in rates if rate.priority == level] for level in sorted({rate.priority for rate in rates})]


def _factor(rates: Sequence[Rate]) -> Decimal:
    factor = Decimal(1)
    for level in _levels(rates):
        factor *= 1 + sum((rate.percent for rate in level), ZERO) / 100
    return factor


def _taxed(net: Decimal, rates: Sequence[Rate], currency: str, gross: Decimal | None) -> Taxed:
    base, taxes = net, list[tuple[Rate, Decimal]]()
    for level in _levels(rates):
        owed = [base * rate.percent / 100 for rate in level]
        taxes += [(rate, rounded(amount, currency)) for rate, amount in zip(level, owed, strict=True)]
        base += sum(owed, ZERO)
    whole = sum((amount for _, amount in taxes), ZERO)
    return Taxed(rounded(net, currency) + whole if gross is None else gross, taxes)


def price_line(line: Line, rates: Sequence[Rate], currency: str, *, inclusive: bool) -> None:
    """Set listed and sold from unit and quantity, before any discount."""
    listed = (from_gross if inclusive else from_net)(line.unit * line.quantity, rates, currency)
    line.listed, line.sold = listed, listed


def take_off(lines: Sequence[Line], amount: Decimal, currency: str, how: Json) -> Decimal:
    """Share a discount over the lines by what they are worth, tax included, as observed; what was really taken off."""
    worth = [line.sold.gross for line in lines]
    amount = min(amount, sum(worth, ZERO))
    for line, share in zip(lines, split(Money(amount, currency), worth), strict=True):
        if share:
            rates = [rate for rate, _ in line.sold.taxes]
            line.sold = from_gross(line.sold.gross - share.amount, rates, currency)
            line.discounts.append({**how, "amount": share.amount})
    return amount
