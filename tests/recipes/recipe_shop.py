"""Orders in memory, with the arithmetic of a shop: prices with or without tax, rounding by line or by subtotal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.canonical.money import Money, exponent
from connectors.canonical.order import ChargeKind, ChargeLine, LineItem, Order, OrderState, TaxLine
from connectors.canonical.party import Address, Customer
from connectors.canonical.settlement import Transaction, TransactionKind, TransactionStatus

PLACED = datetime(2026, 7, 2, 2, 30, tzinfo=UTC)  # the evening before in Toronto
BUYER = Customer(
    id="31",
    email="Bea@Example.test",
    given_name="Bea",
    family_name="Buyer",
    billing=Address("Bea", "Buyer", "", "1 Mug St", "", "Toronto", "ON", "M5J 2N8", "CA", ""),
)


@dataclass(frozen=True)
class Rate:
    name: str
    percent: Decimal
    compound: bool = False
    declared: bool = True


@dataclass(frozen=True)
class Basket:
    """amounts: for each taxable thing (name, quantity, amount as the shop prices it, discount)."""

    currency: str
    inclusive: bool
    by_subtotal: bool
    rates: tuple[Rate, ...]


def money(amount: str | int | Decimal, currency: str = "CAD") -> Money:
    return Money.of(amount, currency)


def rounded(value: Decimal, currency: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def taxes_on(basket: Basket, amount: Decimal) -> tuple[Decimal, list[Decimal]]:
    """Net and unrounded taxes of an amount; compound rates stand on all before them, from gross they come off first."""
    flat = [rate for rate in basket.rates if not rate.compound]
    stacked = [rate for rate in basket.rates if rate.compound]
    factor = 1 + sum((rate.percent for rate in flat), Decimal(0)) / 100
    for rate in stacked:
        factor *= 1 + rate.percent / 100
    net = amount / factor if basket.inclusive else amount
    owed: dict[Rate, Decimal] = {rate: net * rate.percent / 100 for rate in flat}
    for rate in stacked:
        owed[rate] = (net + sum(owed.values(), Decimal(0))) * rate.percent / 100
    return net, [owed[rate] for rate in basket.rates]


@dataclass(frozen=True)
class Priced:
    """One taxable thing as the shop shows it, and what it really reckoned with."""

    net: Decimal
    shown_taxes: tuple[TaxLine, ...]
    exact_net: Decimal
    exact_taxes: tuple[Decimal, ...]


def price(basket: Basket, amount: Decimal) -> Priced:
    cur = basket.currency
    net, owed = taxes_on(basket, amount)
    if not basket.by_subtotal:
        owed = [rounded(tax, cur) for tax in owed]
        net = amount - sum(owed, Decimal(0)) if basket.inclusive else rounded(net, cur)
    taxes = tuple(
        TaxLine(rate.name, Money(rounded(tax, cur), cur), rate.percent if rate.declared else None, f"R-{rate.name}", rate.compound)
        for rate, tax in zip(basket.rates, owed, strict=True)
    )
    return Priced(rounded(net, cur), taxes, net, tuple(owed))


def order_total(basket: Basket, priced: Sequence[Priced]) -> tuple[Money, Money]:
    """Total and tax: nets and each rate's taxes summed before they are rounded (by line they are rounded already)."""
    cur = basket.currency
    nets = rounded(sum((one.exact_net for one in priced), Decimal(0)), cur)
    taxes = [rounded(sum((one.exact_taxes[i] for one in priced), Decimal(0)), cur) for i in range(len(basket.rates))]
    tax = sum(taxes, Decimal(0))
    return Money(nets + tax, cur), Money(tax, cur)


def tax(name: str, amount: str, rate: str | None = None, *, currency: str = "CAD", compound: bool = False, code: str = "") -> TaxLine:
    return TaxLine(name, money(amount, currency), Decimal(rate) if rate else None, code, compound)


def line(id: str, amount: str, *taxes: TaxLine, quantity: str = "1", name: str = "Mug", **fields: Any) -> LineItem:
    currency = fields.pop("currency", "CAD")
    discount = money(fields.pop("discount", "0"), currency)
    return LineItem(id, name, Decimal(quantity), money(amount, currency), discount, taxes, **fields)


def charge(
    id: str, amount: str, *taxes: TaxLine, kind: ChargeKind = ChargeKind.SHIPPING, name: str = "Flat rate", **fields: Any
) -> ChargeLine:
    currency = fields.pop("currency", "CAD")
    return ChargeLine(id, kind, name, money(amount, currency), money(0, currency), taxes, **fields)


def sale(amount: str, id: str = "paid", currency: str = "CAD", **fields: Any) -> Transaction:
    fields.setdefault("reference", "ch_9")
    return Transaction(
        id,
        fields.pop("kind", TransactionKind.SALE),
        fields.pop("status", TransactionStatus.SUCCEEDED),
        fields.pop("gateway", "stripe"),
        money(amount, currency),
        fields.pop("at", PLACED),
        **fields,
    )


def order(total: str, *lines: LineItem, **fields: Any) -> Order:
    currency = fields.setdefault("currency", "CAD")
    fields.setdefault("transactions", ())
    return Order(
        id=fields.pop("id", "727"),
        number=fields.pop("number", "1042"),
        status=fields.pop("status", "processing"),
        state=fields.pop("state", OrderState.OPEN),
        placed_at=fields.pop("placed_at", PLACED),
        updated_at=PLACED,
        customer=fields.pop("customer", BUYER),
        lines=lines,
        charges=fields.pop("charges", ()),
        total=money(total, currency),
        total_tax=money(fields.pop("total_tax", "0"), currency),
        time_zone=fields.pop("time_zone", "America/Toronto"),
        **fields,
    )
