"""An order's lines and charges as parts that refunds and discounts can take from, before they become invoice lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.canonical.money import Money, split, total
from connectors.canonical.order import ChargeLine, LineItem, Order, TaxLine
from flows.recipes.taxes import agree_rates


@dataclass(frozen=True, slots=True)
class Part:
    """What one invoice line will say. net: for the whole quantity, after discount, without tax, in whole minor units.

    kind: "product", or the kind of charge. discount: what is already off. folded: what a negative charge took off, and its name.
    categories: of the product, for mappings.
    """

    line_id: str
    kind: str
    name: str
    quantity: Decimal
    net: Money
    discount: Money
    taxes: tuple[TaxLine, ...] = ()
    sku: str = ""
    code: str = ""
    folded: tuple[tuple[str, Money], ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def tax(self) -> Money:
        return total((tax.amount for tax in self.taxes), self.net.currency)

    @property
    def gross(self) -> Money:
        return self.net + self.tax

    @property
    def taxed_as(self) -> frozenset[str]:
        """Which taxes are on it, for telling like from like."""
        return frozenset(tax.code or tax.name for tax in self.taxes if tax.amount)


def parts_of(order: Order) -> tuple[Part, ...]:
    """Lines, then charges; free charges (shipping of 0.00) are left out, free products are not."""
    parts = [_product(line) for line in order.lines]
    parts += [_charge(charge) for charge in order.charges if charge.total or any(tax.amount for tax in charge.taxes)]
    agreed = agree_rates([(part.net, part.taxes) for part in parts])
    return tuple(replace(part, taxes=taxes) for part, taxes in zip(parts, agreed, strict=True))


def _product(line: LineItem) -> Part:
    quantity = line.quantity if line.quantity > 0 else Decimal(1)
    net = line.total.rounded()
    return Part(line.id, "product", line.name, quantity, net, line.discount, line.taxes, line.sku, categories=line.categories)


def _charge(charge: ChargeLine) -> Part:
    return Part(
        charge.id, charge.kind.value, charge.name, Decimal(1), charge.total.rounded(), charge.discount, charge.taxes, code=charge.code
    )


def fold_negatives(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Take negative parts off the others pro rata, those with the same taxes first: FreshBooks may not accept negative lines.

    A tax amount stays what it was in the sum, so the total is unchanged. What is more than everything else together stays negative.
    """
    positive = [part for part in parts if part.net.amount >= 0]
    left: list[Part] = []
    for negative in (part for part in parts if part.net.amount < 0):
        alike = [i for i, part in enumerate(positive) if part.net and part.taxed_as == negative.taxed_as]
        rest = _fold(positive, negative, alike)
        rest = _fold(positive, rest, [i for i, part in enumerate(positive) if part.net])
        left += [rest] if rest.net else []
    return (*_without_negative_taxes(positive), *left)


def _fold(positive: list[Part], negative: Part, chosen: Sequence[int]) -> Part:
    """Fold as much of the negative part as the chosen ones can bear; what is left of it."""
    room = total((positive[i].net for i in chosen), negative.net.currency)
    take = min(room, -negative.net)
    if not take:
        return negative
    portion = take.amount / -negative.net.amount
    for i, share in zip(chosen, split(take, [positive[i].net.amount for i in chosen]), strict=True):
        taxes = [_scaled(tax, portion * share.amount / take.amount) for tax in negative.taxes]
        positive[i] = _lessen(positive[i], share, taxes, negative.name)
    left_taxes = tuple(_scaled(tax, 1 - portion) for tax in negative.taxes)
    return replace(negative, net=negative.net + take, taxes=left_taxes)


def _lessen(part: Part, share: Money, taxes: Sequence[TaxLine], why: str) -> Part:
    """Take a share of a negative part off; its (negative) taxes join the part's own."""
    own = {tax.code or tax.name: tax for tax in part.taxes}
    for tax in taxes:
        key = tax.code or tax.name
        own[key] = replace(own[key], amount=own[key].amount + tax.amount) if key in own else tax
    return replace(part, net=part.net - share, taxes=tuple(own.values()), folded=(*part.folded, (why, share)))


def _without_negative_taxes(positive: Sequence[Part]) -> list[Part]:
    """A taxed discount that had to go to a part with other taxes: what it saved in tax comes off that price, or others'."""
    cleaned, saved = [], Decimal(0)
    for part in positive:
        negative = sum((tax.amount.amount for tax in part.taxes if tax.amount.amount < 0), Decimal(0))
        off = max(negative, -part.net.amount)
        saved += negative - off
        net = Money(part.net.amount + off, part.net.currency).rounded()
        cleaned.append(replace(part, net=net, taxes=tuple(tax for tax in part.taxes if tax.amount.amount >= 0)))
    rest = Money(saved, cleaned[0].net.currency).rounded() if cleaned else None
    if rest:
        share = Part("", "fee", "tax saved", Decimal(1), rest, Money.zero(rest.currency))
        _fold(cleaned, share, [i for i, part in enumerate(cleaned) if part.net])
    return cleaned


def _scaled(tax: TaxLine, factor: Decimal) -> TaxLine:
    return replace(tax, amount=tax.amount * factor)


def shrink(part: Part, net: Money) -> Part:
    """The part with a smaller net and proportionally smaller taxes, so that its percentages stay."""
    if not part.net:
        return part
    factor = net.amount / part.net.amount
    return replace(part, net=net, taxes=tuple(_scaled(tax, factor) for tax in part.taxes))
