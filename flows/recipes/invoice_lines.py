"""Turns parts into invoice lines: names, descriptions, quantities and prices, percentages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.canonical.ledger import InvoiceLine
from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Context
from flows.recipes.fitting import Lines, RoundingPolicy, counted, fit
from flows.recipes.options import number, text
from flows.recipes.parts import Part
from flows.recipes.taxes import Namer, line_taxes, tax_namer


@dataclass(frozen=True, slots=True)
class LineText:
    """What a line is called and what stands under it."""

    name: str
    description: str


def rounding_policy(context: Context) -> RoundingPolicy:
    """The rounding line as the flow wants it; a ledger that once refused a negative line is not asked again."""
    return RoundingPolicy(
        text(context.options, "rounding_name", "Rounding"),
        number(context.options, "rounding_bound", "0.05"),
        negative=context.learned.get("negative_lines") != "refused",
    )


def fit_lines(parts: Sequence[Part], coupons: str, target: Money, context: Context) -> Lines:
    """Lines that come to the target exactly: with the declared tax rates if they can, with the effective ones else."""
    policy = rounding_policy(context)
    if not policy.negative and any(part.net.amount < 0 for part in parts):
        raise NeedsAttention(
            "The discounts exceed the goods, so the invoice would need a negative line, which the books have refused before. "
            "Book this order by hand.",
            code="negative_line",
        )
    namer = tax_namer(context)
    candidates = [_lines(parts, coupons, context, namer, declared) for declared in (True, False)]
    return fit(candidates, target, policy)


def _lines(parts: Sequence[Part], coupons: str, context: Context, namer: Namer, declared: bool) -> Lines:
    lines: list[InvoiceLine] = []
    for part in parts:
        words = line_text(part, coupons, context)
        taxes = line_taxes(part.net, part.taxes, namer, declared=declared)
        quantity, price = quantity_and_price(part)
        name = words.name if quantity == part.quantity else f"{counted(part.quantity)} x {words.name}"
        lines.append(InvoiceLine(name, words.description, quantity, price, taxes.taxes, taxes.compound))
        if not part.net and part.tax.rounded().amount > 0:
            lines.append(_bare_tax(part, words, namer))
    return tuple(lines)


def _bare_tax(part: Part, words: LineText, namer: Namer) -> InvoiceLine:
    """Tax on nothing cannot be a percentage: it stands as an amount of its own."""
    name = " + ".join(dict.fromkeys(namer(tax) for tax in part.taxes if tax.amount))
    return InvoiceLine(name, f"On {words.name}", Decimal(1), part.tax.rounded())


def quantity_and_price(part: Part) -> tuple[Decimal, Money]:
    """Quantity and unit price where the price is whole in the currency's minor unit; else one piece for everything."""
    price = Money(part.net.amount / part.quantity, part.net.currency).rounded()
    if price * part.quantity == part.net:
        return part.quantity, price
    return Decimal(1), part.net


def line_text(part: Part, coupons: str, context: Context) -> LineText:
    """The mapped name and a description with the SKU and what is already taken off."""
    name, said = line_name(part, context), []
    if part.name and part.name != name:
        said.append(part.name)
    if part.sku:
        said.append(f"SKU {part.sku}")
    if part.discount.amount > 0:
        said.append(f"{part.discount.rounded().text()} discount already taken off" + (f" ({coupons})" if coupons else ""))
    said += [f'{share.text()} taken off for "{why}"' for why, share in part.folded if share]
    return LineText(name, "; ".join(said))


def line_name(part: Part, context: Context) -> str:
    """A product's mapped item, what its category is mapped to, the default item if the flow wants that, or its own name; a charge's
    mapped name or its own.
    """
    if part.kind != "product":
        mapped = context.mappings.value("account", part.code, part.name, part.kind)
        return mapped or part.name or part.kind.capitalize()
    if part.sku in context.mappings.items:
        return context.mappings.items[part.sku].name
    if category := context.mappings.value("account", *part.categories):
        return category
    if text(context.options, "unknown_sku", "create") == "default_item":
        return text(context.options, "default_item") or part.name
    return part.name or part.sku or "Item"
