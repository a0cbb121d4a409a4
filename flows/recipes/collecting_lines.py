"""An invoice of the books as lines of whole amounts that come to exactly what the books say: taxes and discounts are lines of their own."""

from __future__ import annotations

from decimal import Decimal

from connectors.canonical.ledger import Invoice, InvoiceLine
from connectors.canonical.money import Money, total
from connectors.kit.errors import NeedsAttention


def amount_line(name: str, amount: Money, description: str = "") -> InvoiceLine:
    """A line that says nothing but its amount."""
    return InvoiceLine(name, description, Decimal(1), amount)


def exact_lines(invoice: Invoice, amount: Money, bound: Decimal) -> tuple[InvoiceLine, ...]:
    """The lines, whose sum is the amount. What the books' rounding adds is a line too, within the bound (in the currency's unit, but at
    least five of its smallest units). NeedsAttention beyond it.
    """
    if any(line.unit_price.currency != invoice.currency for line in invoice.lines):
        raise NeedsAttention(
            f"Invoice {invoice.number} is in {invoice.currency}, and some of its lines are not. Correct it in the books, then retry.",
            code="mixed_currencies",
        )
    lines = [_line(line) for line in invoice.lines]
    net = total((line.unit_price for line in lines), invoice.currency)
    discount = (net * (invoice.discount_percent / 100)).rounded()
    if discount:
        lines.append(amount_line(f"Discount ({_number(invoice.discount_percent)} %)", -discount))
    lines += _taxes(invoice)
    rest = amount - total((line.unit_price for line in lines), invoice.currency)
    if not rest:
        return tuple(lines)
    if abs(rest).amount > max(bound, Money.from_minor(5, invoice.currency).amount):
        raise NeedsAttention(
            f"The lines of invoice {invoice.number} come to {amount - rest}, but the invoice says {amount}. It is not "
            "collected before that is "
            "understood: look at its lines, taxes and discount in the books.",
            code="not_exact",
        )
    return (*lines, amount_line("Rounding", rest))


def _line(line: InvoiceLine) -> InvoiceLine:
    net = (line.unit_price * line.quantity).rounded()
    counted = "" if line.quantity == 1 else f"{_number(line.quantity)} x {line.unit_price}"
    return amount_line(line.name, net, ", ".join(filter(None, (line.description.strip(), counted))))


def _taxes(invoice: Invoice) -> list[InvoiceLine]:
    """One line for each tax, on what the discount leaves of the lines."""
    left = 1 - invoice.discount_percent / 100
    owed: dict[tuple[str, Decimal], Decimal] = {}
    for line in invoice.lines:
        base = (line.unit_price * line.quantity).rounded().amount * left
        below = Decimal(0)
        for place, tax in enumerate(line.taxes):
            share = (base + (below if line.compound and place else 0)) * tax.percent / 100
            owed[tax.name, tax.percent] = owed.get((tax.name, tax.percent), Decimal(0)) + share
            below += share
    amounts = ((name, percent, Money(share, invoice.currency).rounded()) for (name, percent), share in owed.items())
    return [amount_line(f"{name} ({_number(percent)} %)", amount) for name, percent, amount in amounts if amount]


def _number(value: Decimal) -> str:
    return format(value.normalize(), "f")
