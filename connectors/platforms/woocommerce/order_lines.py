"""What is on an order: products, shipping and fees, each with its own taxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from connectors.canonical.money import Money
from connectors.canonical.order import ChargeKind, ChargeLine, LineItem, TaxLine
from connectors.kit.tame import Tame


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate as the order's tax_lines describe it."""

    name: str
    percent: Decimal | None
    code: str
    compound: bool


def read_rates(tax_lines: Tame) -> Mapping[str, Rate]:
    """The order's tax rates by rate id, which is how lines refer to them."""
    return {line["rate_id"].identifier(): _rate(line) for line in tax_lines.items()}


def _rate(line: Tame) -> Rate:
    code, percent = line["rate_code"].text_or(), line.get("rate_percent")
    return Rate(
        name=line["label"].text_or() or code or "Tax",
        percent=None if percent.is_null or percent.value == "" else percent.decimal(),
        code=code,
        compound=line["compound"].boolean(),
    )


def read_lines(lines: Tame, currency: str, rates: Mapping[str, Rate]) -> Iterator[LineItem]:
    """Product lines. The unit price that WooCommerce shows is a float and never read."""
    for line in lines.items():
        total, before = line["total"].money(currency), line["subtotal"].money(currency)
        product, variation = line["product_id"].identifier(), line["variation_id"].identifier()
        sku = line["sku"].text_or().strip()
        yield LineItem(
            id=line["id"].known_identifier(),
            name=line["name"].text_or() or sku or "Unnamed product",
            quantity=line["quantity"].decimal(),
            total=total,
            discount=max(before - total, Money.zero(currency)),
            taxes=tuple(_taxes(line["taxes"], currency, rates)),
            sku=sku,
            product_id=variation or product,
        )


def read_charges(order: Tame, currency: str, rates: Mapping[str, Rate]) -> Iterator[ChargeLine]:
    """Shipping, then fees, which plugins also use for discounts: their total may be negative."""
    for line in order["shipping_lines"].items():
        name = line["method_title"].text_or() or "Shipping"
        yield _charge(line, ChargeKind.SHIPPING, name, line["method_id"].text_or(), currency, rates)
    for line in order["fee_lines"].items():
        yield _charge(line, ChargeKind.FEE, line["name"].text_or() or "Fee", "", currency, rates)


def _charge(line: Tame, kind: ChargeKind, name: str, code: str, currency: str, rates: Mapping[str, Rate]) -> ChargeLine:
    return ChargeLine(
        id=line["id"].known_identifier(),
        kind=kind,
        name=name,
        total=line["total"].money(currency),
        discount=Money.zero(currency),
        taxes=tuple(_taxes(line["taxes"], currency, rates)),
        code=code,
    )


def _taxes(taxes: Tame, currency: str, rates: Mapping[str, Rate]) -> Iterator[TaxLine]:
    """The taxes of one line; a rate that left no amount was not charged, unless it is a rate of zero."""
    for tax in taxes.items():
        rate_id, text = tax["id"].identifier(), tax["total"]
        if text.is_null or text.value == "":
            continue
        rate = rates.get(rate_id) or Rate("Tax", None, rate_id, False)
        amount = text.money(currency)
        if amount or rate.percent == 0:
            yield TaxLine(rate.name, amount, rate.percent, rate.code, rate.compound)
