"""Refunds: quoted, then made in exactly the quoted amount, one at a time per order; the provider may decline afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connectors.platforms.bigcommerce.sandbox.deliveries import raise_event
from connectors.platforms.bigcommerce.sandbox.model import ZERO, Json, Line, Order, Taxed
from connectors.platforms.bigcommerce.sandbox.order_life import add_transaction, busy, make_busy, touch
from connectors.platforms.bigcommerce.sandbox.pricing import rounded
from connectors.platforms.bigcommerce.sandbox.state import Store, iso
from connectors.platforms.bigcommerce.sandbox.wire import Refusal


@dataclass(frozen=True)
class Quote:
    """What a refund of these items comes to, tax included."""

    amount: Decimal
    tax: Decimal
    items: list[Json]


def quote(order: Order, items: list[Json]) -> Quote:
    amount, tax, shown = ZERO, ZERO, list[Json]()
    for item in items:
        gross, owed = _worth(order, item)
        amount, tax = amount + gross, tax + owed
        asked = None if item["item_type"] in ("PRODUCT", "GIFT_WRAPPING") else Decimal(str(item["amount"]))
        shown.append(
            {
                "item_type": item["item_type"],
                "item_id": item["item_id"],
                "quantity": item.get("quantity", 1),
                "requested_amount": asked,
                "reason": item.get("reason", ""),
                "adjustments": [],
            }
        )
    if amount <= 0 or amount > order.total - order.refunded:
        raise Refusal(422, "The refund amount is not available on this order.")
    return Quote(amount, tax, shown)


def _worth(order: Order, item: Json) -> tuple[Decimal, Decimal]:
    """(with tax, tax) of one item."""
    kind, item_id = item["item_type"], int(item["item_id"])
    lines = {line.id: line for line in order.lines}
    places = {address.id: address for address in order.addresses}
    fees = {fee.id: fee.cost for fee in order.fees}
    if kind == "PRODUCT" and item_id in lines:
        return _pieces(order, lines[item_id], int(item["quantity"]))
    if kind == "GIFT_WRAPPING" and item_id in lines:
        wrapping, share = lines[item_id].wrapping, Decimal(int(item["quantity"])) / lines[item_id].quantity
        return rounded(wrapping.gross * share, order.currency), rounded(wrapping.tax * share, order.currency)
    if kind == "SHIPPING" and item_id in places:
        return _portion(order, places[item_id].shipping, Decimal(str(item["amount"])))
    if kind == "HANDLING" and item_id in places:
        return _portion(order, places[item_id].handling, Decimal(str(item["amount"])))
    if kind == "FEE" and item_id in fees:
        return _portion(order, fees[item_id], Decimal(str(item["amount"])))
    if kind == "ORDER" and item_id == order.id:
        return Decimal(str(item["amount"])), ZERO  # an amount off the order carries no tax
    raise Refusal(422, f"There is no such {kind} on the order.")


def _pieces(order: Order, line: Line, count: int) -> tuple[Decimal, Decimal]:
    """Pieces of a line; the last ones take what rounding left."""
    if count < 1 or line.refunded + count > line.quantity:
        raise Refusal(422, "More pieces than are left.")
    if line.refunded + count == line.quantity:
        return line.sold.gross - line.refunded_gross, line.sold.tax - line.refunded_tax
    share = Decimal(count) / line.quantity
    return rounded(line.sold.gross * share, order.currency), rounded(line.sold.tax * share, order.currency)


def _portion(order: Order, cost: Taxed, asked: Decimal) -> tuple[Decimal, Decimal]:
    """An amount off a charge: with tax where prices are, else without it."""
    base = cost.gross if order.inclusive else cost.net
    if not base or asked > base:
        raise Refusal(422, "More than it cost.")
    return rounded(cost.gross * asked / base, order.currency), rounded(cost.tax * asked / base, order.currency)


def refund(store: Store, order: Order, items: list[Json], payments: list[Json], reason: str = "") -> Json:
    """Make a refund; 201 means that it is scheduled, not that the provider agreed."""
    if busy(store, order):
        raise Refusal(store.switches.concurrent_status, "Another refund of this order is being processed.")
    found = quote(order, items)
    if sum((Decimal(str(pay["amount"])) for pay in payments), ZERO) != found.amount:
        raise Refusal(422, f"The payments must come to {found.amount}, as quoted.")
    for item in items:
        if item["item_type"] == "PRODUCT":
            _take(order, next(line for line in order.lines if line.id == int(item["item_id"])), int(item["quantity"]))
    made: Json = {
        "id": store.next_id("refund"),
        "order_id": order.id,
        "user_id": 1,
        "created": iso(store.now()),
        "reason": reason,
        "total_amount": found.amount,
        "total_tax": found.tax,
        "uses_merchant_override_values": False,
        "items": found.items,
        "payments": [_payment(store, order, pay) for pay in payments],
    }
    order.refunds.append(made)
    make_busy(store, order)
    raise_event(store, "store/order/refund/created", {"type": "order", "id": order.id, "refund": {"refund_id": made["id"]}})
    if store.switches.refund_touches:
        touch(store, order)
    return made


def _take(order: Order, line: Line, count: int) -> None:
    gross, tax = _pieces(order, line, count)
    line.refunded, line.refunded_gross, line.refunded_tax = line.refunded + count, line.refunded_gross + gross, line.refunded_tax + tax


def _payment(store: Store, order: Order, pay: Json) -> Json:
    """The money goes back over a payment of the order, as a transaction of its own that names it."""
    amount = Decimal(str(pay["amount"]))
    origin = next((one for one in order.transactions if one["event"] in ("purchase", "capture") and one["status"] == "ok"), None)
    made = None
    if origin is not None and not pay.get("offline"):
        same = {name: origin[name] for name in ("method", "gateway", "payment_method_id")}
        made = add_transaction(store, order, "refund", amount, reference_transaction_id=origin["id"], **same)
    return {
        "id": store.next_id("refund payment"),
        "provider_id": pay.get("provider_id", "custom"),
        "amount": amount,
        "offline": bool(pay.get("offline", False)),
        "is_declined": False,
        "declined_message": "",
        "transaction_id": str(made["id"]) if made else "",
    }


def decline(store: Store, order: Order, refund_id: int) -> Json:
    """The provider says no, some time after the 201: seen only by reading again."""
    made: Json = next(one for one in order.refunds if one["id"] == refund_id)
    for pay in made["payments"]:
        pay["is_declined"], pay["declined_message"] = True, "The card has expired."
        for transaction in order.transactions:
            if str(transaction["id"]) == pay["transaction_id"]:
                transaction["status"] = "error"
    touch(store, order)
    return made


def all_that_is_left(order: Order) -> list[Json]:
    return [{"item_type": "ORDER", "item_id": order.id, "amount": order.total - order.refunded}]
