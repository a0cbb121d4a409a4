"""Exact money: a Decimal amount that knows its currency and never meets a float."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 minor units that are not two. A platform with exceptions of its own keeps them in its folder.
_NO_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DECIMALS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def exponent(currency: str) -> int:
    """How many decimals the currency has: 0, 2 or 3 (ISO 4217)."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE_DECIMALS else 2


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole units (not cents) of an ISO 4217 currency, as exact as it was given."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"money is made of Decimal, not {type(self.amount).__name__}")
        if not self.amount.is_finite():
            raise ValueError(f"money must be finite, not {self.amount}")
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():
            raise ValueError(f"not an ISO 4217 currency code: {self.currency!r}")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Money:
        """Money from a decimal string, an integer number of units or a Decimal; floats are refused."""
        if isinstance(amount, float):
            raise TypeError("money is never made from a float")
        return cls(Decimal(amount), currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(Decimal(0), currency)

    @classmethod
    def from_minor(cls, units: int, currency: str) -> Money:
        """Money from a count of minor units (cents, yen, fils)."""
        return cls(Decimal(units).scaleb(-exponent(currency)), currency)

    def to_minor(self) -> int:
        """The count of minor units; an amount finer than the currency raises ValueError."""
        if not self.is_exact:
            raise ValueError(f"{self} is finer than {self.currency} allows")
        return int(self.amount.scaleb(exponent(self.currency)))

    @property
    def is_exact(self) -> bool:
        """Whether the amount fits the currency's minor unit without rounding."""
        return self.amount == self.rounded().amount

    def rounded(self) -> Money:
        """Half-up to the currency's minor unit."""
        step = Decimal(1).scaleb(-exponent(self.currency))
        return Money(self.amount.quantize(step, ROUND_HALF_UP), self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.amount), self.currency)

    def __mul__(self, factor: int | Decimal) -> Money:
        if isinstance(factor, float):
            raise TypeError("money is never multiplied by a float")
        return Money(self.amount * factor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __bool__(self) -> bool:
        return bool(self.amount)

    def text(self) -> str:
        """The amount alone with the currency's decimals, as the wire and people want it: '12.50', '13'."""
        places = exponent(self.currency)
        if not self.is_exact:
            return format(self.amount.normalize(), "f")
        return f"{self.amount:.{places}f}"

    def __str__(self) -> str:
        return f"{self.text()} {self.currency}"


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, zero of the currency when there is nothing to add."""
    result = Money.zero(currency)
    for amount in amounts:
        result = result + amount
    return result


def split(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """Share an exact amount by weights to the last minor unit (largest remainder, then position).

    Weights must be non-negative; when all are zero the shares are even. The shares add up to the amount.
    """
    if not weights:
        raise ValueError("nothing to split over")
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    if not sum(weights):
        weights = [Decimal(1)] * len(weights)
    units, whole = amount.to_minor(), sum(weights, Decimal(0))
    sign = -1 if units < 0 else 1
    exact = [abs(units) * weight / whole for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[: abs(units) - sum(shares)]:
        shares[i] += 1
    return [Money.from_minor(sign * share, amount.currency) for share in shares]
