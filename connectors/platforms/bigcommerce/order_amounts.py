"""How what an order is worth is shared over its lines and charges, so that they always come to the total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.canonical.money import Money, split, total
from connectors.canonical.order import ChargeKind
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.order_worth import Sources, Worth, off_shipping


@dataclass(frozen=True, slots=True)
class Place:
    """Something on the order that costs money: a product line (kind None) or a charge. gross: after every discount, with tax.

    listed: before discounts, with tax. weight: what its tax is shared by where the order does not tell tax by line.
    """

    id: str
    kind: ChargeKind | None
    name: str
    gross: Money
    tax: Money
    listed: Money
    weight: Decimal
    code: str = ""


def read_places(found: Sources, worth: Worth) -> tuple[Place, ...]:
    """Lines, then shipping, handling, wrapping and fees. Where the order adds up, so do they, to the last minor unit."""
    shipping, others = _shipping(found), [*_handling(found), *_wrapping(found), *_fees(found)]
    charges = [place for place in (*_shipped_for_less(found, worth, shipping, others), *others) if place.gross or place.tax]
    return (*_lines(found, worth, charges), *charges)


# ---- product lines -----------------------------------------------------------------------------------------


def _lines(found: Sources, worth: Worth, charges: Sequence[Place]) -> list[Place]:
    """discounted_total_inc_tax has every discount in it (BigCommerce calls it the figure for accounting): never take any off again."""
    after = [_after_discounts(found, product) for product in found.products]
    listed = [found.money(product["total_inc_tax"]) for product in found.products]
    gross = [Money(amount, found.currency).rounded() for amount in after]
    if worth.adds_up and found.products:
        left = worth.total.rounded() - total((place.gross for place in charges), found.currency)
        if total(gross, found.currency) != left:
            gross = split(left, after if any(after) else [amount.amount for amount in listed])
    return [
        Place(
            id=product["id"].known_identifier(),
            kind=None,
            name=_name(product),
            gross=amount,
            tax=Money.zero(found.currency),
            listed=before.rounded(),
            weight=max(product["total_tax"].decimal(), Decimal(0)),
        )
        for product, amount, before in zip(found.products, gross, listed, strict=True)
    ]


def _after_discounts(found: Sources, product: Tame) -> Decimal:
    """The line with tax after every discount; older orders do not tell it, or tell 0 for it."""
    told = product.get("discounted_total_inc_tax").decimal_or(Decimal(0))
    before = product["total_inc_tax"].decimal()
    if told > 0:
        return told
    off = sum((discount["amount"].decimal() for discount in product.get("applied_discounts").items_or_none()), Decimal(0))
    return max(before - off, Decimal(0))


def _name(product: Tame) -> str:
    """The product with its chosen options: "Towel (Size: L)"."""
    name = product.get("name").text_or() or product["sku"].text_or() or "Unnamed product"
    options = [
        f"{option.get('display_name').text_or()}: {option.get('display_value').text_or()}"
        for option in product.get("product_options").items_or_none()
    ]
    return f"{name} ({', '.join(options)})" if options else name


# ---- charges -----------------------------------------------------------------------------------------------


def _shipping(found: Sources) -> list[Place]:
    """One per shipping address, for that is what refunds of shipping name."""
    return _shared(found, "shipping_cost", "cost", ChargeKind.SHIPPING, "Shipping", found.addresses)


def _shipped_for_less(found: Sources, worth: Worth, shipping: list[Place], others: list[Place]) -> list[Place]:
    """Shipping less its coupons where the order shows it before them: then lines without their own discounts do not leave enough room
    for it in the total.
    """
    lines = Money(sum((_after_discounts(found, product) for product in found.products), Decimal(0)), found.currency)
    before = total((place.gross for place in shipping), found.currency)
    over = (lines + before + total((place.gross for place in others), found.currency) - worth.total).rounded()
    if not worth.adds_up or not 0 < over.amount <= min(before, off_shipping(found)).amount:
        return shipping
    left = split(before - over, [max(place.gross.amount, Decimal(0)) for place in shipping])
    return [
        replace(place, gross=gross, tax=(place.tax * (gross.amount / place.gross.amount)).rounded()) if place.gross else place
        for place, gross in zip(shipping, left, strict=True)
    ]


def _handling(found: Sources) -> list[Place]:
    return _shared(found, "handling_cost", "handling_cost", ChargeKind.FEE, "Handling", found.addresses)


def _wrapping(found: Sources) -> list[Place]:
    """One per wrapped product line, for that is what refunds of wrapping name."""
    return _shared(found, "wrapping_cost", "wrapping_cost", ChargeKind.WRAPPING, "Gift wrapping", found.products)


def _shared(found: Sources, whole: str, part: str, kind: ChargeKind, name: str, rows: Sequence[Tame]) -> list[Place]:
    """An amount of the order shared over the rows that it belongs to, by what they say of it; all on the first where they say nothing."""
    gross, tax = (found.money(found.order[f"{whole}_{side}"]).rounded() for side in ("inc_tax", "tax"))
    if not gross and not tax:
        return []
    prefix = name.lower().removeprefix("gift ")
    if not rows:
        return [Place(f"{prefix}:", kind, name, gross, tax, gross, tax.amount, code=prefix)]
    weights = [max(row[f"{part}_inc_tax"].decimal(), Decimal(0)) for row in rows]
    taxes = [max(row[f"{part}_tax"].decimal(), Decimal(0)) for row in rows]
    weights = weights if any(weights) else [Decimal(position == 0) for position in range(len(rows))]
    shares = zip(rows, split(gross, weights), split(tax, taxes if any(taxes) else weights), strict=True)
    return [
        Place(f"{prefix}:{row['id'].known_identifier()}", kind, _called(row, name, prefix), amount, owed, amount, owed.amount, code=prefix)
        for row, amount, owed in shares
    ]


def _called(row: Tame, name: str, prefix: str) -> str:
    if prefix == "shipping":
        return row.get("shipping_method").text_or() or name
    wrapping = row.get("wrapping_name").text_or() if prefix == "wrapping" else ""
    return f"{name}: {wrapping}" if wrapping else name


def _fees(found: Sources) -> list[Place]:
    return [
        Place(
            id=f"fee:{fee['id'].known_identifier()}",
            kind=ChargeKind.FEE,
            name=fee.get("display_name_customer").text_or() or "Fee",
            gross=found.money(fee["cost_inc_tax"]).rounded(),
            tax=found.money(fee["cost_tax"]).rounded(),
            listed=found.money(fee["cost_inc_tax"]).rounded(),
            weight=fee["cost_tax"].decimal(),
        )
        for fee in found.fees
    ]
