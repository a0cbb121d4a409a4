"""Amounts in the sandbox: a tree is reckoned once per currency, then both trees are laid over each other as money bags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.canonical.money import Money, split

Json = dict[str, Any]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two currencies of an order, and what a unit of the shop's currency is in it."""

    currency: str
    rate: Decimal = Decimal(1)

    def amount(self, value: Decimal) -> Decimal:
        """An amount of the shop's currency in this one, in whole minor units."""
        return Money(value * self.rate, self.currency).rounded().amount

    def share(self, value: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
        """An amount of this currency shared out to the last minor unit."""
        return [part.amount for part in split(Money(value, self.currency), weights)]


def money(value: Decimal, currency: str) -> Json:
    """MoneyV2. Shopify writes at least one decimal, whatever the currency has."""
    text = f"{value.normalize():f}"
    return {"amount": text if "." in text else f"{text}.0", "currencyCode": currency}


def bag(shop: Decimal, buyer: Decimal, sides: tuple[Side, Side]) -> Json:
    return {"shopMoney": money(shop, sides[0].currency), "presentmentMoney": money(buyer, sides[1].currency)}


def lay_over(shop: Any, buyer: Any, sides: tuple[Side, Side]) -> Any:
    """Two trees of the same form as one: where both hold a Decimal there is a bag."""
    if isinstance(shop, Decimal):
        return bag(shop, buyer, sides)
    if isinstance(shop, dict):
        return {key: lay_over(value, buyer[key], sides) for key, value in shop.items()}
    if isinstance(shop, list):
        return [lay_over(one, other, sides) for one, other in zip(shop, buyer, strict=True)]
    return shop
