"""Ways in which orders are paid, or not: by card, captured later, offline, with store credit, refunded, declined, only tested."""

from __future__ import annotations

import random

from connectors.platforms.bigcommerce.sandbox.model import ZERO, Json, Order
from connectors.platforms.bigcommerce.sandbox.order_life import add_transaction, set_status, touch
from connectors.platforms.bigcommerce.sandbox.refunding import all_that_is_left, decline, quote, refund
from connectors.platforms.bigcommerce.sandbox.scenario import part_of
from connectors.platforms.bigcommerce.sandbox.state import Store

# way, weight
PAID = (("card", 36), ("capture", 14), ("paypal", 10), ("offline", 14), ("credit", 10), ("certificate", 8), ("review", 8))
UNPAID = ("abandoned", "authorised", "awaiting", "declined", "tested")
_CREDIT = {"method": "store_credit", "gateway": "storecredit", "payment_method_id": "storecredit", "gateway_transaction_id": ""}
_CERTIFICATE = {"method": "gift_certificate", "gateway": "giftcertificate", "payment_method_id": "giftcertificate"}


def pay(store: Store, dice: random.Random, order: Order) -> None:
    """Pay the order in one of the ways, by weight."""
    way = dice.choices([way for way, _ in PAID], [weight for _, weight in PAID])[0] if order.total else "card"
    _PAY[way](store, order)
    order.received = order.total
    if dice.random() < 0.15 and order.total:
        give_back(store, dice, order)


def _by_card(store: Store, order: Order) -> None:
    order.payment_method, order.payment_status = "Credit Card", "captured"
    if order.total:
        add_transaction(store, order, "purchase", order.total)
    set_status(store, order, 11 if order.addresses else 10)


def _captured(store: Store, order: Order) -> None:
    """Authorised at the checkout, captured later: the money came once."""
    order.payment_method, order.payment_status = "Credit Card", "captured"
    first = add_transaction(store, order, "authorization", order.total)
    set_status(store, order, 7)
    add_transaction(store, order, "capture", order.total, reference_transaction_id=first["id"])
    set_status(store, order, 11)


def _by_paypal(store: Store, order: Order) -> None:
    """A failed attempt first; reference_transaction_id comes as {} from some gateways."""
    order.payment_method, order.payment_status = "PayPal", "captured"
    wallet = {"method": "electronic_wallet", "gateway": "paypalexpress", "payment_method_id": "paypal"}
    add_transaction(store, order, "purchase", order.total, **wallet, status="error")
    add_transaction(store, order, "purchase", order.total, **wallet, reference_transaction_id={})
    set_status(store, order, 2)


def _offline(store: Store, order: Order) -> None:
    """No transaction at all: a person moves the order on when the money is there."""
    order.payment_method = "Bank Deposit"
    set_status(store, order, 7)
    set_status(store, order, 9)


def _with_credit(store: Store, order: Order) -> None:
    order.store_credit = part_of(order, "0.3")
    order.payment_method, order.payment_status = "Credit Card", "captured"
    if order.store_credit:
        add_transaction(store, order, "purchase", order.store_credit, **_CREDIT)
    add_transaction(store, order, "purchase", order.total - order.store_credit)
    set_status(store, order, 11)


def _with_certificate(store: Store, order: Order) -> None:
    """All of it from a gift certificate."""
    order.gift_certificate = order.total
    order.payment_method = "Gift Certificate"
    add_transaction(store, order, "purchase", order.total, **_CERTIFICATE, gateway_transaction_id="")
    set_status(store, order, 11)


def _in_review(store: Store, order: Order) -> None:
    """Paid, but held for a look: the status says unpaid, the transaction knows better."""
    order.payment_method, order.payment_status = "Credit Card", "held for review"
    add_transaction(store, order, "purchase", order.total, fraud_review=True)
    set_status(store, order, 12)


_PAY = {
    "card": _by_card,
    "capture": _captured,
    "paypal": _by_paypal,
    "offline": _offline,
    "credit": _with_credit,
    "certificate": _with_certificate,
    "review": _in_review,
}


def give_back(store: Store, dice: random.Random, order: Order) -> None:
    """Refund a piece or an amount; one in four is declined by the provider afterwards."""
    line = dice.choice(order.lines)
    item: Json = {"item_type": "PRODUCT", "item_id": line.id, "quantity": 1}
    if dice.random() < 0.4 or not line.sold.gross or order.total <= line.sold.gross:
        item = {"item_type": "ORDER", "item_id": order.id, "amount": part_of(order, "0.25")}
    if item.get("amount") == ZERO:
        return
    made = refund(store, order, [item], [{"provider_id": "stripe", "amount": quote(order, [item]).amount}], "Came back")
    set_status(store, order, 14)
    if dice.random() < 0.25:
        decline(store, order, made["id"])


def leave_unpaid(store: Store, order: Order, way: str) -> None:
    """What must not be booked."""
    if way == "authorised":
        order.payment_method, order.payment_status = "Credit Card", "authorized"
        add_transaction(store, order, "authorization", order.total)
        set_status(store, order, 11)
    elif way == "awaiting":
        order.payment_method = "Bank Deposit"
        set_status(store, order, 7)
    elif way == "declined":
        order.payment_method, order.payment_status = "Credit Card", "declined"
        add_transaction(store, order, "purchase", order.total, status="error")
        set_status(store, order, 6)
    elif way == "tested":
        order.payment_method = "Test Payment Gateway"
        add_transaction(store, order, "purchase", order.total, test=True, gateway="testgateway")
        set_status(store, order, 11)
    else:
        touch(store, order)


def refund_all(store: Store, order: Order) -> Json:
    """Give back all that is left, and say so."""
    items = all_that_is_left(order)
    made = refund(store, order, items, [{"provider_id": "stripe", "amount": items[0]["amount"]}])
    set_status(store, order, 4)
    return made
