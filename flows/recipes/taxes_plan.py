"""Compares the rates that a shop charged with the taxes that the books know, where the flow wants that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceTax
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Change, Context
from flows.recipes.desired_books import DesiredBooks
from flows.recipes.looks import LinkOf, Matches, View
from flows.recipes.options import text
from flows.recipes.parts import Part
from flows.recipes.plain import link_key
from flows.recipes.taxes import tax_namer, tidy


def known_taxes(parts: Sequence[Part], context: Context) -> tuple[InvoiceTax, ...]:
    """The taxes of an order under their names in the books, at the rates that the shop declares; none where the flow takes any."""
    if text(context.options, "tax_rates", "take") == "take":
        return ()
    namer = tax_namer(context)
    charged = [tax for part in parts for tax in part.taxes if tax.amount and tax.rate is not None]
    return tuple(dict.fromkeys(InvoiceTax(namer(tax), tidy(tax.rate)) for tax in charged if tax.rate is not None))


def plan_taxes(desired: DesiredBooks, view: View) -> tuple[Change, ...]:
    """What makes each of them a tax of the books. NeedsAttention where the books have it at another rate, or not at all."""
    changes = (_plan_tax(desired, tax, view) for tax in desired.taxes)
    return tuple(change for change in changes if change is not None)


def _plan_tax(desired: DesiredBooks, tax: InvoiceTax, view: View) -> Change | None:
    key = link_key("tax", f"{tax.name} {tax.percent:f}")
    if view(LinkOf(ObjectType.TAX, key)) is not None:
        return None
    found = cast("tuple[InvoiceTax, ...]", view(Matches(ObjectType.TAX, tax)))
    exact = any(each.percent == tax.percent for each in found)
    if not exact and (found or not desired.make_taxes):
        raise _differs(desired, tax, found)
    title = f"{'Use' if exact else 'Create'} the tax {tax.name} of {tax.percent:f} %"
    return Change("create", ObjectType.TAX, key, title, tax, shared=True, several="first")


def _differs(desired: DesiredBooks, tax: InvoiceTax, found: tuple[InvoiceTax, ...]) -> NeedsAttention:
    held = " and ".join(f"{each.percent.normalize():f} %" for each in found)
    there = f"that tax is {held} in the books" if found else "the books have no tax of that name"
    return NeedsAttention(
        f'Order {desired.number} was charged "{tax.name}" at {tax.percent:f} %, but {there}. Correct the tax in the books or in the shop, '
        "or map it to another one under Value mappings; the order goes on then.",
        code="tax_rate_differs",
        subject=f"tax:{tax.name}",
    )
