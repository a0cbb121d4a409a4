"""The ways in which a BigCommerce order is paid, in full, in part or not at all."""

from __future__ import annotations

from decimal import Decimal

from connectors.platforms.bigcommerce.sandbox.model import ZERO, Json, Order
from connectors.platforms.bigcommerce.sandbox.order_life import add_transaction
from connectors.platforms.bigcommerce.sandbox.pricing import rounded
from connectors.platforms.bigcommerce.sandbox.state import Store

CREDIT, CERTIFICATE = ({"method": name, "gateway": name.replace("_", "")} for name in ("store_credit", "gift_certificate"))


def pay(store: Store, order: Order, way: str, percent: int) -> None:
    """Noise first (an attempt that failed, a test); received is what the merchant really has."""
    worth, part = order.total, rounded(order.total * percent / 100, order.currency)
    add_transaction(store, order, "purchase", worth, status="error")
    if way in ("card", "capture", "settled"):
        add_transaction(store, order, "purchase", worth, test=True)
    order.status_id, order.received, order.payment_method = 11, worth, "Credit Card"
    if not worth:
        return
    _WAYS[way](store, order, part)


def _card(store: Store, order: Order, _part: Decimal) -> None:
    add_transaction(store, order, "purchase", order.total)


def _capture(store: Store, order: Order, _part: Decimal) -> None:
    first = add_transaction(store, order, "authorization", order.total)
    add_transaction(store, order, "capture", order.total, reference_transaction_id=first["id"])


def _settled(store: Store, order: Order, _part: Decimal) -> None:
    first = add_transaction(store, order, "purchase", order.total)
    add_transaction(store, order, "settled", order.total, reference_transaction_id=first["id"])


def _bank(store: Store, order: Order, _part: Decimal) -> None:
    order.payment_method = "Bank Deposit"


def _tender(store: Store, order: Order, amount: Decimal, how: Json) -> None:
    """Store credit or a gift certificate, with its transaction."""
    if how is CREDIT:
        order.store_credit = amount
    else:
        order.gift_certificate = amount
    if amount:
        add_transaction(store, order, "purchase", amount, **how)


def _credit(store: Store, order: Order, part: Decimal) -> None:
    _tender(store, order, part, CREDIT)
    if order.total > part:
        add_transaction(store, order, "purchase", order.total - part)


def _credit_and_bank(store: Store, order: Order, part: Decimal) -> None:
    _tender(store, order, part, CREDIT)
    _bank(store, order, part)


def _certificate(store: Store, order: Order, _part: Decimal) -> None:
    _tender(store, order, order.total, CERTIFICATE)


def _both(store: Store, order: Order, part: Decimal) -> None:
    """Both tenders, and a card for the rest."""
    half = rounded(part / 2, order.currency)
    _tender(store, order, half, CREDIT)
    _tender(store, order, part - half, CERTIFICATE)
    if order.total > part:
        add_transaction(store, order, "purchase", order.total - part)


def _credit_untold(store: Store, order: Order, part: Decimal) -> None:
    """Store credit that no transaction tells of."""
    order.store_credit = part
    if order.total > part:
        add_transaction(store, order, "purchase", order.total - part)


def _part(store: Store, order: Order, part: Decimal) -> None:
    """Less than the total came, and the goods were sent all the same."""
    order.received = part
    if part:
        add_transaction(store, order, "purchase", part)
    else:
        order.status_id, order.received = 7, ZERO


def _none(store: Store, order: Order, _part: Decimal) -> None:
    """Only authorised."""
    add_transaction(store, order, "authorization", order.total)
    order.received = ZERO


_WAYS = {
    "card": _card,
    "capture": _capture,
    "settled": _settled,
    "bank": _bank,
    "credit": _credit,
    "credit and bank": _credit_and_bank,
    "certificate": _certificate,
    "both": _both,
    "credit untold": _credit_untold,
    "part": _part,
    "none": _none,
}
PAYING = tuple(_WAYS)
