"""What happens to an order at the shop, each with its webhooks: placed, paid, refunded, edited, cancelled."""

from __future__ import annotations

from decimal import Decimal

from connectors.platforms.shopify.sandbox.bodies import order_body, refund_body, transaction_body
from connectors.platforms.shopify.sandbox.hooks import announce
from connectors.platforms.shopify.sandbox.model import GivenBack, Json, Line, Order, Payment
from connectors.platforms.shopify.sandbox.order_json import figures, financial_status, units_left
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
    back.transactions = [] if back.money == 0 else [shop.next_id("transaction") for _ in _parents(order, back)]
    order.refunds.append(back)
    shop.touch(order)
    announce(shop, "REFUNDS_CREATE", refund_body(shop, order, back))
    for number in back.transactions:
        announce(shop, "ORDER_TRANSACTIONS_CREATE", transaction_body(shop, order, number))
    _changed(shop, order)
    return back


def _parents(order: Order, back: GivenBack) -> list[Payment]:
    """The payments that this refund needs: one where the newest covers it, else all."""
    moved = [payment for payment in order.payments if payment.kind in ("SALE", "CAPTURE") and payment.status == "SUCCESS"]
    return moved if back.note == "over all payments" else moved[:1]


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
    before = figures(order)
    order.lines.append(line)
    order.edited = True
    after = figures(order)
    if before["captured"]:
        for payment in order.payments:
            payment.weight = payment.weight * before["total"] / after["total"]
    _changed(shop, order)


def cancel(shop: Shop, order: Order, *, repay: bool) -> None:
    """Everything that is left goes back on the shelf; the money only if the merchant wants that."""
    order.cancelled = shop.now()
    units = {line.id: left for line in order.lines if (left := units_left(order, line))}
    captured = figures(order)["captured"]
    money = None if repay and captured else Decimal(0)
    back = GivenBack(shop.next_id("refund"), shop.now(), units, bool(order.shipping), money, restock="CANCEL")
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
        "total": f"{found['total']:.{places}f}",
        "captured": f"{found['captured']:.{places}f}",
        "refunded": f"{found['refunded']:.{places}f}",
        "status": financial_status(order).lower(),
        "email": order.email or "",
    }
