"""Sums of stored amounts. SQLite adds decimals as binary fractions: rounding to what the column can hold makes its sums exact again."""

from __future__ import annotations

from decimal import Decimal

from connectors.canonical.money import Money

_FINEST = Decimal("0.001")  # amounts are stored with three decimals


def summed(amount: Decimal | None, currency: str) -> Money:
    """A sum that the database made, as money; nothing added up is zero."""
    return Money((amount or Decimal(0)).quantize(_FINEST), currency)
