"""Takes refunds off an order: off its parts for the invoice, off its payments for the money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from connectors.canonical.money import Money, split, total
from connectors.canonical.order import TaxLine
from connectors.canonical.settlement import Refund, RefundLine, Repaid
from flows.recipes.parts import Part, shrink

SLACK = 2  # minor units by which a refund's lines may exceed its amount (rounded taxes) before they are not believed


def refund_parts(parts: Sequence[Part], refund: Refund) -> tuple[Part, ...]:
    """The parts after one refund: by its lines where it has some, what is left of the amount pro rata.

    In WooCommerce the amount wins over the lines (its API reference), so lines that add up to more than it are not believed.
    """
    left, reduced = refund.lowers, list(parts)
    for line in refund.lines:
        position = next((i for i, part in enumerate(reduced) if part.line_id == line.line_id), None)
        if position is not None:
            before = reduced[position]
            reduced[position] = _less_line(before, line)
            left = left - (before.gross - reduced[position].gross)
    left = left.rounded()
    if left.to_minor() < -SLACK:
        return _pro_rata(parts, refund.lowers)
    return _pro_rata(reduced, left) if left.amount > 0 else tuple(reduced)


def _less_line(part: Part, line: RefundLine) -> Part:
    """The part less a refund line, never below nothing; the quantity shrinks only if the unit price stays the same."""
    net = max(Money.zero(part.net.currency), part.net - abs(line.total).rounded())
    quantity = _less_quantity(part, net, abs(line.quantity))
    return replace(part, net=net, quantity=quantity, taxes=_less_tax(part, abs(line.tax)))


def _less_quantity(part: Part, net: Money, returned: Decimal) -> Decimal:
    kept = part.quantity - returned
    same_price = kept > 0 and net.amount * part.quantity == part.net.amount * kept
    return kept if same_price else part.quantity


def _less_tax(part: Part, taken: Money) -> tuple[TaxLine, ...]:
    if not part.tax.amount:
        return part.taxes
    factor = max(Decimal(0), (part.tax.amount - taken.amount) / part.tax.amount)
    return tuple(replace(tax, amount=tax.amount * factor) for tax in part.taxes)


def _pro_rata(parts: Sequence[Part], amount: Money) -> tuple[Part, ...]:
    """An amount-only refund: the nets give in proportion, so that each percentage stays and the taxes give theirs."""
    gross = total((part.gross for part in parts), amount.currency)
    nets = total((part.net for part in parts), amount.currency)
    if gross.amount <= 0 or nets.amount <= 0 or any(part.net.amount < 0 for part in parts):
        return tuple(parts)
    off = min(Money(amount.amount * nets.amount / gross.amount, amount.currency).rounded(), nets)
    shares = split(off, [part.net.amount for part in parts])
    return tuple(shrink(part, part.net - share) for part, share in zip(parts, shares, strict=True))


def give_back(received: Sequence[tuple[str, Money]], refunds: Sequence[Refund]) -> list[Money]:
    """What is left of each received payment (transaction id, amount): a refund takes from its own transactions, else from the latest.

    More than was received cannot be given back; an unpaid order gives nothing.
    """
    left = [amount for _, amount in received]
    for refund in refunds:
        parts = refund.repaid or (Repaid(refund.transaction_id, refund.amount),)
        for part in (*parts, Repaid("", refund.amount - total((part.amount for part in parts), refund.amount.currency))):
            rest = part.amount
            own = [i for i, (key, _) in enumerate(received) if key == part.transaction_id]
            others = [i for i in reversed(range(len(received))) if i not in own]
            for i in own + others:
                take = min(rest, left[i])
                left[i], rest = left[i] - take, rest - take
    return left
