"""What an order comes to in one currency: discounts, taxes, totals, payments, refunds. Every amount is a Decimal in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from connectors.canonical.money import Money
from connectors.platforms.shopify.sandbox.model import Discount, GivenBack, Line, Order
from connectors.platforms.shopify.sandbox.money import ZERO, Side


@dataclass
class Priced:
    """A line, the shipping or the like in one currency. off: by discount index; taxes: in the order's order of taxes."""

    full: Decimal
    off: dict[int, Decimal] = field(default_factory=dict)
    taxes: list[Decimal] = field(default_factory=list)

    @property
    def paid(self) -> Decimal:
        return self.full - sum(self.off.values(), ZERO)

    @property
    def tax(self) -> Decimal:
        return sum(self.taxes, ZERO)


@dataclass
class Reckoned:
    """The whole order in one currency."""

    side: Side
    lines: dict[int, Priced]
    duties: dict[int, Decimal]
    shipping: Priced | None
    tip: Decimal
    fees: list[Decimal]
    total: Decimal
    tax: Decimal


def reckon(order: Order, side: Side) -> Reckoned:
    lines = {line.id: Priced(side.amount(line.price) * line.quantity) for line in order.lines}
    shipping = Priced(side.amount(order.shipping[2])) if order.shipping else None
    for index, discount in enumerate(order.discounts):
        _take_off(order, discount, index, lines, shipping, side)
    for line in order.lines:
        if line.taxable:
            lines[line.id].taxes = taxes_on(lines[line.id].paid, order, side)
    if shipping and order.shipping_taxed:
        shipping.taxes = taxes_on(shipping.paid, order, side)
    duties = {line.duty_id: side.amount(line.duty) for line in order.lines if line.duty}
    tip, fees = side.amount(order.tip), [side.amount(price) for _, _, price in order.fees]
    priced = [*lines.values(), *([shipping] if shipping else [])]
    tax = sum((each.tax for each in priced), ZERO)
    total = sum((each.paid for each in priced), ZERO) + (ZERO if order.included else tax)
    total += sum(duties.values(), ZERO) + tip + sum(fees, ZERO)
    return Reckoned(side, lines, duties, shipping, tip, fees, total, tax)


def _take_off(order: Order, discount: Discount, index: int, lines: dict[int, Priced], shipping: Priced | None, side: Side) -> None:
    """A percentage comes off each line, an amount is shared among them; sold gift cards are never reduced."""
    if discount.shipping:
        if shipping:
            shipping.off[index] = min(shipping.paid, _worth(discount, shipping.paid, side))
        return
    chosen = [lines[line.id] for line in order.lines if not line.gift_card]
    paid = [each.paid for each in chosen]
    whole = min(sum(paid, ZERO), _worth(discount, sum(paid, ZERO), side))
    for each, share in zip(chosen, side.share(whole, paid) if whole else paid, strict=True):
        each.off[index] = share if whole else ZERO


def _worth(discount: Discount, of: Decimal, side: Side) -> Decimal:
    return Money(of * discount.percent / 100, side.currency).rounded().amount + side.amount(discount.amount)


def taxes_on(amount: Decimal, order: Order, side: Side) -> list[Decimal]:
    rates = sum((rate for _, rate in order.taxes), ZERO)
    base = amount / (1 + rates) if order.included else amount
    return [Money(base * rate, side.currency).rounded().amount for _, rate in order.taxes]


# ---- refunds -----------------------------------------------------------------------------------------------


@dataclass
class Returned:
    """A refund record in one currency: (subtotal, tax) by line id, that of the shipping, duties by their ids, what went back, what
    explains a gap.
    """

    lines: dict[int, tuple[Decimal, Decimal]]
    shipping: tuple[Decimal, Decimal] | None
    duties: dict[int, Decimal]
    money: Decimal
    adjustment: Decimal
    worth: Decimal


def give_back(order: Order, found: Reckoned) -> dict[int, Returned]:
    """All refund records in their order: the last unit of a line takes what rounding left."""
    gone: dict[int, int] = {}
    result, held = {}, _received(order, found)
    for back in order.refunds:
        one = _returned(order, back, found, gone)
        one.money = held if back.everything else one.money
        held -= one.money if back.status == "SUCCESS" else ZERO
        result[back.id] = one
    return result


def _returned(order: Order, back: GivenBack, found: Reckoned, gone: dict[int, int]) -> Returned:
    by_id = {line.id: line for line in order.lines}
    lines: dict[int, tuple[Decimal, Decimal]] = {}
    for line_id, units in back.units.items():
        line, priced, before = by_id[line_id], found.lines[line_id], gone.get(line_id, 0)
        lines[line_id] = (_slice(priced.paid, line, before, units, found), _slice(priced.tax, line, before, units, found))
        gone[line_id] = before + units
    shipping = (found.shipping.paid, found.shipping.tax) if back.shipping and found.shipping else None
    parts = [*lines.values(), *([shipping] if shipping else [])]
    duties = {by_id[line_id].duty_id: found.duties[by_id[line_id].duty_id] for line_id in back.units if back.duties and by_id[line_id].duty}
    worth = sum((amount + (ZERO if order.included else tax) for amount, tax in parts), sum(duties.values(), ZERO))
    money = worth if back.money is None else found.side.amount(back.money)
    return Returned(lines, shipping, duties, money, money - worth if back.adjusted else ZERO, worth)


def _slice(amount: Decimal, line: Line, before: int, units: int, found: Reckoned) -> Decimal:
    def upto(count: int) -> Decimal:
        return Money(amount * count / line.quantity, found.side.currency).rounded().amount

    return upto(before + units) - upto(before)


@dataclass(frozen=True)
class Standing:
    """What was received, what went back, how much of that lowered the order, and what it is worth now, in one currency."""

    received: Decimal
    refunded: Decimal
    lowered: Decimal
    worth: Decimal


def standing(order: Order, found: Reckoned, returned: dict[int, Returned]) -> Standing:
    """One refund after the other. Money beyond what left the order settles first what the buyer is owed (an edit took away what was
    paid, or too much came in); only the rest lowers the order's worth.
    """
    received, refunded, lowered, worth = _received(order, found), ZERO, ZERO, found.total
    for back in order.refunds:
        one = returned[back.id]
        if back.status != "SUCCESS":
            continue
        owed = max(ZERO, received - refunded - worth)
        settles = min(owed, max(ZERO, one.money - one.worth))
        worth -= one.money if back.adjusted else max(one.worth, one.money - settles)
        refunded += one.money
        lowered += one.money - settles
    return Standing(received, refunded, lowered, worth)


def _received(order: Order, found: Reckoned) -> Decimal:
    parts = captured_parts(order, found.total, found.side)
    return sum((parts[payment.id] for payment in order.payments if payment.moved), ZERO)


def captured_parts(order: Order, owed: Decimal, side: Side) -> dict[int, Decimal]:
    """What each payment moved: they share what was to be paid by their weights; together over 1, too much was paid."""
    moving = [payment for payment in order.payments if payment.moved]
    rest = 1 - sum((payment.weight for payment in moving), ZERO)
    shares = side.share(owed, [*(payment.weight for payment in moving), rest]) if moving and rest >= 0 else []
    found = {payment.id: share for payment, share in zip(moving, shares, strict=False)}
    for payment in order.payments:
        found.setdefault(payment.id, Money(owed * payment.weight, side.currency).rounded().amount)
    return found
