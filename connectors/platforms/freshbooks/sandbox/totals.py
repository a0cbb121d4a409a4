"""The arithmetic of an invoice or credit note: line amounts, the percent discount before tax, taxes, the total.

That the discount reduces each line before tax agrees with an example of the vendor's SDK. How FreshBooks rounds several lines of one tax
is not documented, so both ways exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

HUNDRED = Decimal(100)
Tax = tuple[str, Decimal]


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """What counts of a line. taxes: name and percentage, at most two; compound: the second also on the first."""

    quantity: Decimal
    unit_cost: Decimal
    taxes: tuple[Tax, ...] = ()
    compound: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """All amounts rounded to the currency's decimals; discount is positive."""

    lines: tuple[Decimal, ...]
    subtotal: Decimal
    discount: Decimal
    taxes: dict[Tax, Decimal]
    amount: Decimal


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _line_taxes(line: TaxedLine, base: Decimal) -> list[tuple[Tax, Decimal]]:
    """Unrounded tax per tax of one line whose discounted amount is `base`."""
    owed: list[tuple[Tax, Decimal]] = []
    for name, rate in line.taxes:
        taxable = base + (owed[0][1] if owed and line.compound else Decimal(0))
        owed.append(((name, rate), taxable * rate / HUNDRED))
    return owed


def compute_totals(lines: Sequence[TaxedLine], discount: Decimal, places: int, *, per_line: bool = False) -> Totals:
    """The totals at `places` decimals; discount in percent. per_line rounds each line's tax, else each tax of the whole once."""
    amounts = tuple(_rounded(line.quantity * line.unit_cost, places) for line in lines)
    subtotal = sum(amounts, Decimal(0))
    taxes: dict[Tax, Decimal] = {}
    for line, amount in zip(lines, amounts, strict=True):
        for tax, owed in _line_taxes(line, amount * (HUNDRED - discount) / HUNDRED):
            taxes[tax] = taxes.get(tax, Decimal(0)) + (_rounded(owed, places) if per_line else owed)
    taxes = {tax: _rounded(owed, places) for tax, owed in taxes.items()}
    reduction = _rounded(subtotal * discount / HUNDRED, places)
    return Totals(amounts, subtotal, reduction, taxes, _rounded(subtotal - reduction + sum(taxes.values(), Decimal(0)), places))
