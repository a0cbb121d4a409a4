"""Which orders are booked at all, as sentences why not."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.canonical.money import Money
from connectors.canonical.order import ChargeLine, LineItem, Order, OrderState
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.contract import Context
from flows.recipes.options import day, names, number, text
from flows.recipes.times import shop_date


def refuse_never_booked(order: Order, context: Context) -> None:
    """Raise NothingToDo for what is no order, whatever happened before."""
    if order.state is OrderState.DRAFT:
        raise NothingToDo(f"Order {order.number} is still a basket.", code="draft")
    if order.test and text(context.options, "test_orders", "skip") == "skip":
        raise NothingToDo(f"Order {order.number} is a test order; the flow leaves those out.", code="test_order")


def why_skipped(order: Order, context: Context) -> str:
    """Why the flow leaves this order out ("" when it does not). Once booked, an order is followed all the same."""
    options = context.options
    chosen = names(options, "statuses")
    if not chosen and order.paid is False:
        return f"Order {order.number} is not paid yet; in the shop it is {order.status}. It is looked at again when that changes."
    counted = chosen or (() if order.paid else names(options, "paid_statuses"))
    if counted and order.status not in counted:
        return f"The status {order.status} of order {order.number} does not count ({', '.join(counted)} do)."
    start, placed = day(options, "start_date"), shop_date(order.placed_at, order.time_zone)
    if start and placed < start:
        return f"Order {order.number} was placed on {placed}, before the flow's start on {start}."
    method = next((name for name in names(options, "skip_methods") if name in (order.payment_method, order.payment_method_title)), "")
    if method:
        return f"Order {order.number} was paid with {method}, which the flow leaves out."
    minimum = number(options, "minimum", "0")
    if minimum > 0 and order.total.amount < minimum:
        return f"Order {order.number} is worth {order.total}, less than the flow's minimum of {minimum}."
    return ""


def check_amounts(order: Order) -> None:
    """NeedsAttention where an order's money cannot be booked as it is: mixed currencies, parts of a cent, less than nothing."""
    strange = next((amount for amount in _amounts(order) if amount.currency != order.currency), None)
    if strange is not None:
        raise NeedsAttention(
            f"Order {order.number} is in {order.currency} but has an amount in {strange.currency} ({strange}). "
            "Correct the order in the shop, then retry.",
            code="currency_mismatch",
        )
    fine = next((amount for amount in _settled(order) if not amount.is_exact), None)
    if fine is not None:
        raise NeedsAttention(
            f"Order {order.number} has an amount of {fine}, finer than {order.currency} can be paid or booked. "
            "Set the shop's number of decimals to the currency's, then retry.",
            code="too_fine",
        )
    if order.total.amount < 0:
        raise NeedsAttention(f"Order {order.number} is worth {order.total}, less than nothing. Book it by hand.", code="negative_total")


def check_currency(order: Order, context: Context) -> None:
    """NeedsAttention where the books do not take the order's currency."""
    taken = [code.upper() for code in names(context.options, "currencies")]
    if taken and order.currency not in taken:
        raise NeedsAttention(
            f"Order {order.number} is in {order.currency}, but the books take {', '.join(taken)} only. Add the currency on the flow's page "
            "if they do, or book the order by hand.",
            code="currency_not_taken",
            subject=f"currency:{order.currency}",
        )


def _amounts(order: Order) -> Iterator[Money]:
    yield from _settled(order)
    parts: tuple[LineItem | ChargeLine, ...] = (*order.lines, *order.charges)
    for part in parts:
        yield from (part.total, part.discount, *(tax.amount for tax in part.taxes))


def _settled(order: Order) -> Iterator[Money]:
    """What was really asked, paid and given back; prices and taxes of single lines may be finer than the currency."""
    yield order.total
    yield from (tender.amount for tender in order.tenders)
    yield from (payment.amount for payment in order.transactions if payment.is_captured)
    yield from (refund.amount for refund in order.refunds)
