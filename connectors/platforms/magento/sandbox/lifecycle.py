"""What becomes of an order: invoices, credit memos, cancellation, comments, partial saves, in the way of the shop's release."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.platforms.magento.sandbox.announcing import announce
from connectors.platforms.magento.sandbox.pricing import ZERO
from connectors.platforms.magento.sandbox.selling import money_rows
from connectors.platforms.magento.sandbox.state import Shop
from connectors.platforms.magento.sandbox.wire import NO_ORDER, Json, Refusal

DEFAULT_STATUSES = {
    "new": ("pending",),
    "pending_payment": ("pending_payment",),
    "payment_review": ("payment_review", "fraud"),
    "processing": ("processing", "fraud"),
    "complete": ("complete",),
    "closed": ("closed",),
    "canceled": ("canceled",),
    "holded": ("holded",),
}
_STATUS_OF = {state: statuses[0] for state, statuses in DEFAULT_STATUSES.items()}
CENT = Decimal("0.01")


def find_order(shop: Shop, order_id: int) -> Json:
    if order_id not in shop.orders:
        raise NO_ORDER
    return shop.orders[order_id]


def touch(shop: Shop, order: Json) -> None:
    order["updated_at"] = shop.stamp()
    announce(shop, "orders/updated", order["entity_id"])


def move(shop: Shop, order: Json, state: str) -> None:
    order["state"], order["status"] = state, _STATUS_OF[state]
    touch(shop, order)


def pay(shop: Shop, order: Json, part: Decimal | None = None, txn: str = "") -> Json:
    """A paid invoice over everything that is left, or over a part of it (then without rows: a deposit)."""
    left = order["grand_total"] - (order.get("total_invoiced") or ZERO)
    if left <= 0:
        raise Refusal(400, "Invoice Document Validation Error(s):\nThe invoice can't be created without products.")
    amount = left if part is None else part
    invoice: Json = {
        "entity_id": shop.next_id("invoice"),
        "order_id": order["entity_id"],
        "increment_id": f"{shop.ids['invoice']:09d}",
        "state": 2,
        "grand_total": amount,
        "order_currency_code": order["order_currency_code"],
        "created_at": shop.stamp(),
        "updated_at": shop.stamp(),
        "transaction_id": txn or None,
        "items": [],
        "comments": [],
    }
    shop.invoices[invoice["entity_id"]] = invoice
    order["total_invoiced"] = (order.get("total_invoiced") or ZERO) + amount
    order["total_paid"] = (order.get("total_paid") or ZERO) + amount
    order["total_due"] = order["grand_total"] - order["total_paid"]
    if txn:
        order["payment"]["last_trans_id"] = txn
        _transaction(shop, order, txn)
    move(shop, order, "complete" if order["is_virtual"] and not order["total_due"] else "processing")
    return invoice


def _transaction(shop: Shop, order: Json, txn: str) -> None:
    number = shop.next_id("transaction")
    shop.transactions[number] = {
        "transaction_id": number,
        "order_id": order["entity_id"],
        "payment_id": order["entity_id"],
        "txn_id": txn,
        "parent_txn_id": None,
        "txn_type": "capture",
        "is_closed": 1,
        "additional_information": [],
        "created_at": shop.stamp(),
        "child_transactions": [],
    }


def refund(shop: Shop, order: Json, rows: Mapping[int, int], shipping: bool, positive: Decimal, negative: Decimal) -> Json:
    """A credit memo over so many of each row, shipping or not, with an extra refund and a fee that is kept."""
    items = [_memo_row(row, Decimal(rows[row["item_id"]])) for row in money_rows(order) if row["item_id"] in rows]
    back = [order["shipping_amount"], order["shipping_tax_amount"]] if shipping else [ZERO, ZERO]
    off = order["shipping_discount_amount"] if shipping else ZERO
    compensation = order["shipping_discount_tax_compensation_amount"] if shipping else ZERO

    def whole(name: str) -> Decimal:
        return sum((item[name] for item in items), ZERO)

    parts = {
        "subtotal": whole("row_total"),
        "tax_amount": whole("tax_amount") + back[1],
        "shipping_amount": back[0],
        "discount_amount": -(whole("discount_amount") + off),
        "discount_tax_compensation_amount": whole("discount_tax_compensation_amount"),
    }
    amount = sum(parts.values(), ZERO) + whole("weee_tax_applied_row_amount") + compensation + positive - negative
    refunded, paid = order.get("total_refunded") or ZERO, order.get("total_paid") or ZERO
    if amount > paid - refunded:
        raise Refusal(400, f"Creditmemo Document Validation Error(s):\nThe most money available to refund is {paid - refunded}.")
    memo: Json = {
        "entity_id": shop.next_id("memo"),
        "order_id": order["entity_id"],
        "increment_id": f"{shop.ids['memo']:09d}",
        "state": 2,
        **parts,
        "shipping_tax_amount": back[1],
        "shipping_discount_tax_compensation_amount": compensation,
        "adjustment_positive": positive,
        "adjustment_negative": negative,
        "adjustment": positive - negative,
        "grand_total": amount,
        "order_currency_code": order["order_currency_code"],
        "created_at": shop.stamp(),
        "updated_at": shop.stamp(),
        "items": items,
        "comments": [],
    }
    shop.memos[memo["entity_id"]] = memo
    order["total_refunded"] = refunded + amount
    for row in order["items"]:
        row["qty_refunded"] += rows.get(row["item_id"], 0)
    if order["total_refunded"] == order["grand_total"]:
        move(shop, order, "closed")
    touch(shop, order)
    return memo


def _memo_row(row: Json, quantity: Decimal) -> Json:
    """A row's share; unlike on orders, row_total is before discount."""

    def share(name: str) -> Decimal:
        whole = row.get(name) or ZERO
        return whole if quantity == row["qty_ordered"] else Decimal(whole * quantity / row["qty_ordered"]).quantize(CENT, ROUND_HALF_UP)

    return {
        "order_item_id": row["item_id"],
        "product_id": row["product_id"],
        "sku": row["sku"],
        "name": row["name"],
        "qty": quantity,
        "row_total": share("stored_row_total"),
        "discount_amount": share("discount_amount"),
        "tax_amount": share("tax_amount"),
        "discount_tax_compensation_amount": share("discount_tax_compensation_amount"),
        "weee_tax_applied_row_amount": share("weee_tax_applied_row_amount"),
    }


def cancel(shop: Shop, order: Json) -> bool:
    """Cancelling twice answers false."""
    if order["state"] in ("canceled", "closed", "complete") or order.get("total_paid"):
        return False
    order["total_canceled"] = order["grand_total"]
    move(shop, order, "canceled")
    return True


def comment(shop: Shop, order: Json, history: Mapping[str, Any]) -> bool:
    """The two eras that this sandbox plays: 2.4.7 takes no other status, 2.4.8 one of the order's present state."""
    status = history.get("status")
    allowed = {order["status"]} if shop.switches.release < "2.4.8" else {order["status"], *DEFAULT_STATUSES.get(order["state"], ())}
    if status is not None and status not in allowed:
        text = 'Unable to add comment: The status "%1" is not part of the order\n                 status history.'
        raise Refusal(400, text, [status])
    if status is not None and status != order["status"]:
        order["status"] = status
        touch(shop, order)  # a comment alone moves no time of change (observed)
    _append(shop, order, history)
    return True


def _append(shop: Shop, order: Json, history: Mapping[str, Any]) -> None:
    shop.comments[order["entity_id"]].append(
        {
            "entity_id": shop.next_id("comment"),
            "parent_id": order["entity_id"],
            "comment": history.get("comment"),
            "status": order["status"],
            "created_at": shop.stamp(),
            "entity_name": "order",
            "is_customer_notified": int(history.get("is_customer_notified") or 0),
            "is_visible_on_front": int(history.get("is_visible_on_front") or 0),
        }
    )


def save(shop: Shop, entity: Mapping[str, Any]) -> Json:
    """A partial save: unchecked status, ext_order_id silently cut to 32 letters, the rest untouched (observed)."""
    order = shop.orders.get(int(entity.get("entity_id") or 0))
    if order is None:
        raise Refusal(400, "Please provide payment for the order.")
    attributes = dict(entity.get("extension_attributes") or {})
    for name in attributes:  # the body is checked before anything is stored
        if name not in shop.attributes:
            raise Refusal(400, '"%fieldName" is not supported. Correct the field name and try again.', {"fieldName": name})
    order["extension_attributes"] |= attributes
    for name in ("status", "state", "ext_customer_id"):
        if name in entity:
            order[name] = entity[name]
    if "ext_order_id" in entity:
        order["ext_order_id"] = str(entity["ext_order_id"])[:32]
    for history in entity.get("status_histories") or ():
        _append(shop, order, history)
    if set(entity) - {"entity_id", "status_histories"}:
        touch(shop, order)
    return {"entity_id": order["entity_id"], "base_grand_total": None, "grand_total": None, "total_due": 0, "items": []}
