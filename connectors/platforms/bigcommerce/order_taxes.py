"""Which taxes are in each line and charge: the order's total tax, shared as its tax rows say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.canonical.money import Money, split, total
from connectors.canonical.order import TaxLine
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.order_amounts import Place
from connectors.platforms.bigcommerce.order_worth import Worth

_KINDS = {"shipping": "shipping", "handling": "handling", "gift-wrapping": "wrapping"}


@dataclass(frozen=True, slots=True)
class Row:
    """One tax of one place ("" where the order does not say which). rate is a percentage; a later priority stands on the earlier ones."""

    place: str
    name: str
    tax_class: str
    rate: Decimal
    priority: Decimal
    amount: Decimal

    @property
    def code(self) -> str:
        """Tells taxes of one line apart; the class alone would not, for GST and PST of one class stand side by side."""
        return f"{self.tax_class}/{self.name}" if self.tax_class else self.name


def read_rows(taxes: Tame) -> tuple[Row, ...]:
    """The rows of /taxes?details=true; without details they name no place."""
    return tuple(_row(tax) for tax in taxes.items())


def _row(tax: Tame) -> Row:
    return Row(
        place=_place(tax),
        name=tax["name"].text_or() or "Tax",
        tax_class=tax.get("class").text_or(),
        rate=tax["rate"].decimal(),
        priority=tax.get("priority").decimal_or(Decimal(0)),
        amount=tax["line_amount"].decimal(),
    )


def _place(tax: Tame) -> str:
    kind, product = tax.get("line_item_type").text_or(), tax.get("order_product_id").identifier()
    if kind == "item":
        return product
    of = product if kind == "gift-wrapping" else tax.get("order_address_id").identifier()
    return f"{_KINDS[kind]}:{of}" if kind in _KINDS and of else ""


def share_tax(places: Sequence[Place], worth: Worth, rows: Sequence[Row]) -> tuple[Place, ...]:
    """The places with their tax: charges say theirs, product lines share the rest by their rows, else by their listed tax."""
    lines = [place for place in places if place.kind is None]
    charges = [place for place in places if place.kind is not None]
    if not lines:
        return tuple(places)
    rest = worth.tax.rounded() - total((place.tax for place in charges), worth.tax.currency)
    told = [max(sum((row.amount for row in rows if row.place == place.id), Decimal(0)), Decimal(0)) for place in lines]
    weights = next(
        (found for found in (told, [place.weight for place in lines], [place.gross.amount for place in lines]) if any(found)), told
    )
    shares = split(rest, [max(weight, Decimal(0)) for weight in weights])
    return (*(replace(place, tax=tax) for place, tax in zip(lines, shares, strict=True)), *charges)


def tax_lines(place: Place, rows: Sequence[Row]) -> tuple[TaxLine, ...]:
    """The taxes of one place, each with its share of the place's tax."""
    if not place.tax:
        return ()
    own = [row for row in rows if row.place == place.id and row.amount]
    chosen = _merged(own) or _anywhere(rows)
    if not chosen:
        return (TaxLine("Tax", place.tax),)
    weights = [max(row.amount, Decimal(0)) for row in chosen]
    shares = split(place.tax, weights if any(weights) else [Decimal(1)] * len(chosen))
    net = place.gross - place.tax
    first = min(row.priority for row in chosen)
    below = total((share for row, share in zip(chosen, shares, strict=True) if row.priority == first), net.currency)
    return tuple(
        TaxLine(row.name, share, row.rate, row.code, row.priority > first and _stacked(net, below, row.rate, share), row.tax_class)
        for row, share in zip(chosen, shares, strict=True)
    )


def _merged(rows: Sequence[Row]) -> list[Row]:
    """One row per tax; the same tax twice on one place adds up."""
    found: dict[str, Row] = {}
    for row in rows:
        known = found.get(row.code)
        found[row.code] = replace(known, amount=known.amount + row.amount) if known else row
    return list(found.values())


def _anywhere(rows: Sequence[Row]) -> list[Row]:
    """All taxes of the order, weighed by their rates: what is on a place that no row names (fees, orders without details)."""
    taxes: dict[tuple[str, Decimal], Row] = {}
    for row in rows:
        if row.rate > 0:
            taxes.setdefault((row.name, row.rate), row)
    return [replace(row, amount=row.rate) for row in taxes.values()]


def _stacked(net: Money, below: Money, rate: Decimal, amount: Money) -> bool:
    """Whether a tax of later priority stands on the earlier taxes: whichever base explains its amount better."""
    flat, on_top = net.amount * rate / 100, (net + below).amount * rate / 100
    return abs(on_top - amount.amount) < abs(flat - amount.amount)
