"""Turns tax amounts into at most two percentages per line, which is all that FreshBooks' invoice lines take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.canonical.ledger import InvoiceTax
from connectors.canonical.money import Money, exponent
from connectors.canonical.order import TaxLine
from connectors.kit.errors import NeedsAttention
from flows.recipes.arithmetic import HUNDRED
from flows.recipes.contract import Context
from flows.recipes.options import text

PLACES = Decimal("0.001")  # FreshBooks keeps three decimals of a percentage
Namer = Callable[[TaxLine], str]


@dataclass(frozen=True, slots=True)
class LineTaxes:
    """The taxes of one line as FreshBooks wants them; compound: the second stands on the first."""

    taxes: tuple[InvoiceTax, ...] = ()
    compound: bool = False


def tax_namer(context: Context) -> Namer:
    """What a tax is called in the books: mapped by code, by name, then by its class; else its own name where the flow allows that."""
    strict = text(context.options, "tax_unmapped", "use") == "attention"

    def name(tax: TaxLine) -> str:
        mapped = context.mappings.value("tax", tax.code, tax.name, tax.category)
        if mapped is None and strict:
            raise NeedsAttention(
                f'The tax "{tax.name}" has no mapping. Choose it under Mappings, Unmapped values.',
                code="tax_unmapped",
                subject=f"tax:{tax.code or tax.name}",
            )
        return mapped or tax.name or "Tax"

    return name


def line_taxes(net: Money, taxes: Sequence[TaxLine], namer: Namer, *, declared: bool) -> LineTaxes:
    """Percentages for a line of this net amount. declared: trust the shop's rates where they explain the amounts; else all
    are amount / net. Taxes of nothing are left out; a third tax and further are added to the second.
    """
    charged = sorted((tax for tax in taxes if tax.amount), key=lambda tax: tax.compound)
    if not charged or not net:
        return LineTaxes()
    if declared and len(charged) == 2 and charged[1].compound:
        stacked = net + charged[0].amount
        second = InvoiceTax(namer(charged[1]), _percent(stacked, charged[1], declared))
        return LineTaxes((InvoiceTax(namer(charged[0]), _percent(net, charged[0], declared)), second), compound=True)
    flat = [InvoiceTax(namer(tax), _percent(net, tax, declared and (not tax.compound or len(charged) == 1))) for tax in charged]
    if len(flat) <= 2:
        return LineTaxes(tuple(flat))
    rest = InvoiceTax(" + ".join(dict.fromkeys(tax.name for tax in flat[1:])), sum((tax.percent for tax in flat[1:]), Decimal(0)))
    return LineTaxes((flat[0], rest))


def explains(base: Money, tax: TaxLine) -> bool:
    """Whether the declared rate gives the amount within a minor unit (shops round before, after, and from gross prices)."""
    if tax.rate is None:
        return False
    step = Decimal(1).scaleb(-exponent(base.currency))
    return abs(base.amount * tax.rate / HUNDRED - tax.amount.amount) <= step


def _percent(base: Money, tax: TaxLine, declared: bool) -> Decimal:
    if declared and tax.rate is not None and explains(base, tax):
        return tidy(tax.rate)
    return tidy(tax.amount.amount * HUNDRED / base.amount)


def tidy(percent: Decimal) -> Decimal:
    """Three decimals at most, no trailing zeros, never an exponent (10, not 1E+1)."""
    short = percent.quantize(PLACES).normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def agree_rates(taxed: Sequence[tuple[Money, tuple[TaxLine, ...]]]) -> list[tuple[TaxLine, ...]]:
    """Fill in rates that the shop does not declare: the roundest one that explains a tax's amount on every line."""
    bases: dict[str, list[tuple[Money, TaxLine]]] = {}
    for net, taxes in taxed:
        for tax in taxes:
            if tax.rate is None and tax.amount and net and not tax.compound:
                bases.setdefault(tax.code or tax.name, []).append((net, tax))
    rates = {key: rate for key, found in bases.items() if (rate := _agreed(found)) is not None}
    return [tuple(_with_rate(tax, rates) for tax in taxes) for _, taxes in taxed]


def _agreed(found: Sequence[tuple[Money, TaxLine]]) -> Decimal | None:
    net = sum((base.amount for base, _ in found), Decimal(0))
    if not net:
        return None
    percent = sum((tax.amount.amount for _, tax in found), Decimal(0)) * HUNDRED / net
    for places in range(4):
        rate = percent.quantize(Decimal(1).scaleb(-places))
        if all(explains(base, replace(tax, rate=rate)) for base, tax in found):
            return rate
    return None


def _with_rate(tax: TaxLine, rates: Mapping[str, Decimal]) -> TaxLine:
    rate = rates.get(tax.code or tax.name)
    return replace(tax, rate=rate) if tax.rate is None and rate is not None else tax
