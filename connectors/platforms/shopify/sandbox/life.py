"""What happens to an order at the shop, each with its webhooks: placed, paid, refunded, edited, cancelled."""

from __future__ import annotations

from decimal import Decimal

from connectors.platforms.shopify.sandbox.bodies import order_body, refund_body, transaction_body
from connectors.platforms.shopify.sandbox.hooks import announce
from connectors.platforms.shopify.sandbox.model import GivenBack, Json, Line, Order, Payment
from connectors.platforms.shopify.sandbox.order_json import figures, financial_status, payments_for, units_left
from connectors.platforms.shopify.sandbox.reckoning import reckon
from connectors.platforms.shopify.sandbox.state import Shop


def place(shop: Shop, order: Order) -> None:
    """A new order with its payments. Shopify promises no order among the topics: orders/paid comes first here at times."""
    shop.orders[order.id] = order
    topics = ["ORDERS_CREATE", "ORDERS_UPDATED"]
    if financial_status(order) == "PAID":
        topics.insert(shop.random.randrange(3), "ORDERS_PAID")
    for topic in topics:
        announce(shop, topic, order_body(shop, order))
    for payment in order.payments:
        announce(shop, "ORDER_TRANSACTIONS_CREATE", transaction_body(shop, order, payment.id))


def _changed(shop: Shop, order: Order, *topics: str) -> None:
    shop.touch(order)
    for topic in (*topics, "ORDERS_UPDATED"):
        announce(shop, topic, order_body(shop, order))


def capture(shop: Shop, order: Order, weight: Decimal, gateway: str, *, kind: str = "CAPTURE") -> None:
    """Take (a part of) the money, after an authorisation or by hand."""
    payment = Payment(shop.next_id("transaction"), kind, "SUCCESS", gateway, weight, shop.now(), order.test)
    order.payments.append(payment)
    shop.touch(order)
    announce(shop, "ORDER_TRANSACTIONS_CREATE", transaction_body(shop, order, payment.id))
    _changed(shop, order, *(["ORDERS_PAID"] if financial_status(order) == "PAID" else []))


def refund(shop: Shop, order: Order, back: GivenBack) -> GivenBack:
    """Give back units, the shipping, an amount; the money goes over the payments that there are, newest first."""
    order.refunds.append(back)
    back.transactions = {shop.next_id("transaction"): payment for payment in payments_for(order, back)}
    shop.touch(order)
    announce(shop, "REFUNDS_CREATE", refund_body(shop, order, back))
    for number in back.transactions:
        announce(shop, "ORDER_TRANSACTIONS_CREATE", transaction_body(shop, order, number))
    _changed(shop, order)
    return back


def settle_refund(shop: Shop, order: Order, status: str) -> None:
    """What became of the money of the last refund."""
    back = order.refunds[-1]
    back.status = status
    shop.touch(order)
    for number in back.transactions:
        announce(shop, "ORDER_TRANSACTIONS_CREATE", transaction_body(shop, order, number))
    _changed(shop, order)


def remove_units(shop: Shop, order: Order, units: dict[int, int]) -> None:
    """An edit takes units away: Shopify writes a refund record without money."""
    order.edited = True
    refund(shop, order, GivenBack(shop.next_id("refund"), shop.now(), units, money=Decimal(0), restock="CANCEL"))


def add_line(shop: Shop, order: Order, line: Line) -> None:
    """An edit adds a line; what was paid stays what it was."""
    before = reckon(order, order.sides[0]).total
    order.lines.append(line)
    order.edited = True
    after = reckon(order, order.sides[0]).total
    for payment in order.payments if after else ():
        payment.weight = payment.weight * before / after
    _changed(shop, order)


def cancel(shop: Shop, order: Order, *, repay: bool) -> None:
    """Everything that is left goes back on the shelf; the money only if the merchant wants that."""
    order.cancelled = shop.now()
    units = {line.id: left for line in order.lines if (left := units_left(order, line))}
    now = figures(order)
    everything = repay and now.received > now.refunded
    back = GivenBack(shop.next_id("refund"), shop.now(), units, bool(order.shipping), None if everything else Decimal(0), restock="CANCEL")
    back.everything = everything
    refund(shop, order, back)
    _changed(shop, order, "ORDERS_CANCELLED")


def delete(shop: Shop, order: Order) -> None:
    del shop.orders[order.id]
    announce(shop, "ORDERS_DELETE", {"id": order.id})


def summary(order: Order) -> Json:
    """An order in short, in the shop's currency; number as on the invoice."""
    found, currency = figures(order), order.sides[0].currency
    places = 0 if currency == "JPY" else 2
    return {
        "id": str(order.id),
        "number": str(order.number),
        "currency": currency,
        "total": f"{found.worth + found.refunded:.{places}f}",
        "captured": f"{found.received:.{places}f}",
        "refunded": f"{found.refunded:.{places}f}",
        "status": financial_status(order).lower(),
        "email": order.email or "",
    }
