"""What is on an order: product rows counted once, shipping, fixed product taxes, each with its own taxes.

row_total is never read: over REST it is the row less its discount up to 2.4.7, and from 2.4.8 the unit price less the
discount (observed with 2.4.7-p6 and 2.4.8-p1). row_total_incl_tax means the same on all releases seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from connectors.canonical.money import Money, total
from connectors.canonical.order import ChargeKind, ChargeLine, LineItem, TaxLine
from connectors.kit.tame import Tame

ZERO = Decimal(0)
SHIPPING = "shipping"
Applied = Mapping[str, Sequence[Tame]]


def amount(part: Tame, name: str, currency: str) -> Money:
    """An amount that may be left out: Magento leaves null fields out of its JSON, and null is nothing. What is missing although it
    matters shows in the sums.
    """
    return Money(part.get(name).decimal_or(ZERO), currency)


def chosen_rows(order: Tame) -> tuple[Tame, ...]:
    """The rows that carry the money. A parent and its children show it twice: the children count if one of them has a price
    (a bundle of dynamic price), else the parent does (a configurable product, a bundle of fixed price).
    """
    rows = tuple(order["items"].items())
    children: dict[str, list[Tame]] = {}
    for row in rows:
        if parent := row.get("parent_item_id").identifier():
            children.setdefault(parent, []).append(row)
    chosen: list[Tame] = []
    for row in rows:
        if row.get("parent_item_id").identifier():
            continue
        own = children.get(row["item_id"].known_identifier(), [])
        chosen += own if any(child["price"].decimal() > 0 for child in own) else [row]
    return tuple(chosen)


def read_lines(order: Tame, currency: str) -> Iterator[LineItem]:
    """Product lines: net after discount, without tax and without fixed product taxes."""
    applied = _applied_by_row(order)
    sold = _sold_products(order)
    for row in chosen_rows(order):
        item_id, sku = row["item_id"].known_identifier(), row["sku"].text_or().strip()
        tax = amount(row, "tax_amount", currency)
        net = row["row_total_incl_tax"].money(currency) - tax - fixed_tax(row, currency)
        yield LineItem(
            id=item_id,
            name=row["name"].text_or() or sku or "Unnamed product",
            quantity=row["qty_ordered"].decimal(),
            total=net,
            discount=max(amount(row, "discount_amount", currency), Money.zero(currency)),
            taxes=_taxes(applied.get(item_id, ()), tax, row.get("tax_percent")),
            sku=sku,
            product_id=sold.get(item_id) or row.get("product_id").identifier(),
        )


def read_charges(order: Tame, currency: str) -> Iterator[ChargeLine]:
    """Shipping less its discount, then fixed product taxes (eco fees and the like) row by row."""
    if shipping := _shipping(order, currency):
        yield shipping
    for row in chosen_rows(order):
        if fixed := fixed_tax(row, currency):
            line_id = fixed_tax_line(row["item_id"].known_identifier())
            name = f"Fixed product tax on {row['name'].text_or() or 'a product'}"
            yield ChargeLine(line_id, ChargeKind.FEE, name, fixed, Money.zero(currency), code="weee")


def _shipping(order: Tame, currency: str) -> ChargeLine | None:
    """Shipping without tax. Its discount is positive; where prices include tax, a compensation of odd cents comes on top."""
    discount = amount(order, "shipping_discount_amount", currency)
    net = amount(order, "shipping_amount", currency) - discount
    net = net + amount(order, "shipping_discount_tax_compensation_amount", currency)
    tax = amount(order, "shipping_tax_amount", currency)
    name = order.get("shipping_description").text_or()
    if not net and not tax and not name:
        return None
    taxes = _taxes(_applied_by_row(order).get(SHIPPING, ()), tax, Tame(None, "order.shipping_tax_percent"))
    return ChargeLine(SHIPPING, ChargeKind.SHIPPING, name or "Shipping", net, max(discount, Money.zero(currency)), taxes, _method(order))


def shipping_assignment(order: Tame) -> Tame:
    """The first way of shipping, null for orders of virtual products only."""
    assignments = order.get("extension_attributes")
    if assignments.is_null:
        return assignments
    first = next(assignments.get("shipping_assignments").items_or_none(), None)
    return Tame(None, "order.extension_attributes.shipping_assignments") if first is None else first.get("shipping")


def _method(order: Tame) -> str:
    shipping = shipping_assignment(order)
    return "" if shipping.is_null else shipping.get("method").text_or()


def fixed_tax(row: Tame, currency: str) -> Money:
    """The fixed product taxes (eco fees and the like) on a row of an order or of a credit memo."""
    return amount(row, "weee_tax_applied_row_amount", currency)


def fixed_tax_line(item_id: str) -> str:
    """The id of the charge that stands for them."""
    return f"weee-{item_id}"


def _sold_products(order: Tame) -> Mapping[str, str]:
    """The product that a configurable row really sold: its child's."""
    found: dict[str, str] = {}
    for row in order["items"].items():
        if parent := row.get("parent_item_id").identifier():
            found.setdefault(parent, row.get("product_id").identifier())
    return found


def _applied_by_row(order: Tame) -> Applied:
    """The taxes as Magento applied them, by item id, and "shipping"."""
    found: dict[str, list[Tame]] = {}
    extension = order.get("extension_attributes")
    if extension.is_null:
        return found
    for entry in extension.get("item_applied_taxes").items_or_none():
        place = SHIPPING if entry.get("type").text_or() == SHIPPING else entry.get("item_id").identifier()
        found.setdefault(place, []).extend(entry["applied_taxes"].items_or_none())
    return found


def _taxes(applied: Sequence[Tame], amount: Money, percent: Tame) -> tuple[TaxLine, ...]:
    """The taxes of one row. Where the parts do not come to the row's own tax, the row's tax counts, under one name."""
    lines = tuple(_tax(tax, amount.currency) for tax in applied)
    lines = tuple(line for line in lines if line.amount or line.rate == 0)
    if total((line.amount for line in lines), amount.currency) == amount:
        return lines
    names = " + ".join(dict.fromkeys(line.name for line in lines))
    rate = percent.decimal_or(ZERO)
    return (TaxLine(names or "Tax", amount, rate or None, lines[0].code if len(lines) == 1 else ""),)


def _tax(tax: Tame, currency: str) -> TaxLine:
    code = tax["code"].text_or()
    return TaxLine(
        name=tax.get("title").text_or() or code or "Tax",
        amount=tax["amount"].money(currency),
        rate=None if tax.get("percent").is_null else tax["percent"].decimal(),
        code=code,
    )
