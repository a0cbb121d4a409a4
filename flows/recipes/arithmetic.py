"""Foretells what FreshBooks will make of a list of lines, under each rounding rule that it may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal

from connectors.canonical.ledger import InvoiceLine, InvoiceTax
from connectors.canonical.money import Money, exponent

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class RoundingRule:
    """Where tax is rounded (each line's, each tax of the invoice, or all of it once) and how halves go.

    stacked: a compounding tax stands on the rounded first tax.
    """

    per: Literal["bucket", "line", "invoice"]
    halves: str = ROUND_HALF_UP
    stacked: bool = False


# Which one FreshBooks follows is not documented. We steer by the first; where the others disagree we look before we pay.
EXPECTED = RoundingRule("bucket")
RULES = (
    EXPECTED,
    RoundingRule("line"),
    RoundingRule("line", stacked=True),
    RoundingRule("invoice"),
    RoundingRule("bucket", ROUND_HALF_EVEN),
    RoundingRule("line", ROUND_HALF_EVEN),
)


def predict(lines: Sequence[InvoiceLine], currency: str, rule: RoundingRule = EXPECTED) -> Money:
    """The amount of an invoice with these lines: quantity x price, plus taxes as percentages, rounded by the rule."""
    step = Decimal(1).scaleb(-exponent(currency))
    subtotal, buckets = Decimal(0), dict[object, Decimal]()
    for line in lines:
        base = (line.quantity * line.unit_price.amount).quantize(step, rule.halves)
        subtotal += base
        for tax, owed in _line_taxes(line, base, step, rule):
            place: object = tax if rule.per == "bucket" else None
            amount = owed.quantize(step, rule.halves) if rule.per == "line" else owed
            buckets[place] = buckets.get(place, Decimal(0)) + amount
    taxes = sum((owed.quantize(step, rule.halves) for owed in buckets.values()), Decimal(0))
    return Money(subtotal + taxes, currency)


def _line_taxes(line: InvoiceLine, base: Decimal, step: Decimal, rule: RoundingRule) -> Iterator[tuple[InvoiceTax, Decimal]]:
    first = Decimal(0)
    for position, tax in enumerate(line.taxes):
        owed = (base + (first if position and line.compound else 0)) * tax.percent / HUNDRED
        yield tax, owed
        first = owed.quantize(step, rule.halves) if rule.stacked else owed


def predictions(lines: Sequence[InvoiceLine], currency: str) -> frozenset[Money]:
    """What the amount may come to under all rules; a single value is certain."""
    return frozenset(predict(lines, currency, rule) for rule in RULES)


def is_certain(lines: Sequence[InvoiceLine], target: Money) -> bool:
    """Whether every rounding rule comes to exactly the target."""
    return predictions(lines, target.currency) == {target}
