"""Amounts as Stripe counts them: whole numbers of a smallest unit that is not always the currency's own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention
from connectors.kit.tame import Tame

# docs.stripe.com/currencies. Not ISO 4217: MGA has two decimals there, and ISK none.
_NO_DECIMALS = frozenset(("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"))
_THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
_WHOLE_ONLY = frozenset(("ISK",))  # sent with two decimals that must be 00
# Stripe's pages say both "no decimals" and "two, always 00". A factor of a hundred is not guessed at.
_UNSETTLED = frozenset(("UGX",))


def decimals(currency: str) -> int:
    """How many decimals Stripe's smallest unit stands for. NeedsAttention for a currency that its pages contradict themselves about."""
    if currency in _UNSETTLED:
        raise NeedsAttention(
            f"Stripe's pages disagree about how amounts in {currency} are written, so nothing is sent or booked in it. "
            "Collect and record this invoice by hand.",
            code="currency_unsettled",
        )
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


def to_units(amount: Money) -> int:
    """The count of Stripe's units. NeedsAttention when the amount is finer than Stripe takes it."""
    units = amount.amount.scaleb(decimals(amount.currency))
    step = 10 if amount.currency in _THREE_DECIMALS else 100 if amount.currency in _WHOLE_ONLY else 1
    if units % step:
        raise NeedsAttention(
            f"Stripe cannot take {amount}: in {amount.currency} it wants whole multiples of {_smallest(amount.currency, step)}. "
            "Correct the invoice, then retry.",
            code="too_fine",
        )
    return int(units)


def _smallest(currency: str, step: int) -> Money:
    return Money(Decimal(step).scaleb(-decimals(currency)), currency)


def from_units(value: Tame, currency: str) -> Money:
    """The amount behind a count of units."""
    units = value.integer()
    if abs(units) >= 10**15:
        raise value.fail("amount of a sane size")
    return Money(Decimal(units).scaleb(-decimals(currency)), currency)


def read_time(value: Tame) -> datetime:
    """Seconds since 1970 as aware UTC."""
    seconds = value.integer()
    if not 0 <= seconds < 200_000_000_000:
        raise value.fail("time of a sane size")
    return datetime.fromtimestamp(seconds, UTC)


def read_time_or(value: Tame, default: datetime) -> datetime:
    return default if value.is_null else read_time(value)
