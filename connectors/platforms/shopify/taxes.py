"""Taxes of lines, and taxes that Shopify showed on the wrong line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from connectors.canonical.money import Money, exponent, split, total
from connectors.canonical.order import TaxLine
from connectors.kit.tame import Tame
from connectors.platforms.shopify.purse import Purse

_PLACES = Decimal("0.000001")


def read_taxes(lines: Tame, purse: Purse) -> tuple[TaxLine, ...]:
    """The tax lines of one line. The code is title and rate together: a shop may call 20 % and 5 % both "VAT"."""
    return tuple(tax for line in lines.items() if (tax := _read(line, purse)).amount or not tax.rate)


def _read(line: Tame, purse: Purse) -> TaxLine:
    title, rate = line["title"].text().strip() or "Tax", _percent(line)
    code = title if rate is None else f"{title} {rate:f}%"
    return TaxLine(title, purse.read(line["priceSet"]), rate, code)


def _percent(line: Tame) -> Decimal | None:
    """ratePercentage, else the fraction times 100; both are floats on the wire, so what is beyond six places is noise."""
    percentage, fraction = line.get("ratePercentage"), line.get("rate")
    if not percentage.is_null:
        return _tidy(percentage.decimal())
    return None if fraction.is_null else _tidy(fraction.decimal() * 100)


def _tidy(percent: Decimal) -> Decimal:
    short = percent.quantize(_PLACES).normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def added(taxes: Sequence[TaxLine], currency: str) -> Money:
    return total((tax.amount for tax in taxes), currency)


def spread_misplaced(grosses: Sequence[Money], taxes: Sequence[tuple[TaxLine, ...]], included: bool) -> list[tuple[TaxLine, ...]]:
    """The taxes of each line, given what each line comes to (tax inside if included).

    Seen on orders with tax-inclusive prices: the whole tax of the order on its first line, the others without any. A tax whose rate
    cannot explain its line's amount, but explains it when shared among all lines, is shared by their worth.
    """
    found = [list(own) for own in taxes]
    keys = {tax.code for own in taxes for tax in own if tax.rate}
    for key in sorted(keys):
        here = [next((tax for tax in own if tax.code == key), None) for own in found]
        sample = next(tax for tax in here if tax is not None)
        rates = sum((tax.rate or Decimal(0) for own in taxes for tax in own if tax.code != key), Decimal(0))
        if rates or all(tax is None or _explained(gross, tax, included) for gross, tax in zip(grosses, here, strict=True)):
            continue  # fine as it is, or several taxes, where nothing can be told apart
        amount = added([tax for tax in here if tax is not None], sample.amount.currency)
        shares = split(amount.rounded(), [max(gross.amount, Decimal(0)) for gross in grosses])
        moved = [replace(sample, amount=share) for share in shares]
        if amount.is_exact and all(_explained(gross, tax, included) for gross, tax in zip(grosses, moved, strict=True)):
            found = [[tax] if tax.amount else [] for tax in moved]
    return [tuple(own) for own in found]


def _explained(gross: Money, tax: TaxLine, included: bool) -> bool:
    """Whether the rate gives the amount, give or take rounding (Shopify rounds per unit at times: five minor units)."""
    rate = (tax.rate or Decimal(0)) / 100
    owed = gross.amount * rate / (1 + rate) if included else gross.amount * rate
    return abs(owed - tax.amount.amount) <= 5 * Decimal(1).scaleb(-exponent(gross.currency))
