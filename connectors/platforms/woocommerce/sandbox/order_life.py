"""The life of an order: creation, statuses, payment, stock, trash, and the events that each step raises."""

from __future__ import annotations

from decimal import Decimal

from connectors.platforms.woocommerce.sandbox.deliveries import raise_event
from connectors.platforms.woocommerce.sandbox.model import Json, Note, Order, Product
from connectors.platforms.woocommerce.sandbox.order_fields import apply_fields, check_fields
from connectors.platforms.woocommerce.sandbox.order_json import needs_payment, needs_processing
from connectors.platforms.woocommerce.sandbox.refund_making import refund_the_rest
from connectors.platforms.woocommerce.sandbox.state import Shop, drop_order, note_change, touch_order

STATUS_NAMES = {
    "pending": "Pending payment", "processing": "Processing", "on-hold": "On hold", "completed": "Completed",
    "cancelled": "Cancelled", "refunded": "Refunded", "failed": "Failed", "checkout-draft": "Draft",
}  # fmt: skip
_TAKES_STOCK = ("processing", "completed", "on-hold")
_GIVES_STOCK_BACK = ("cancelled", "pending")
_PAYABLE = ("on-hold", "pending", "failed", "cancelled")


def create_order(shop: Shop, fields: Json, *, decimals: int | None = None, inclusive: bool | None = None) -> Order:
    """A new order from REST fields. decimals and inclusive default to the store's settings."""
    check_fields(shop, fields)
    order_id, now = shop.next_id("post"), shop.now()
    order = Order(
        id=order_id,
        number=shop.switches.number_format.format(id=order_id),
        currency=shop.switches.currency,
        decimals=shop.decimals if decimals is None else decimals,
        prices_include_tax=shop.switches.prices_include_tax if inclusive is None else inclusive,
        created=now,
        modified=now,
        order_key=f"wc_order_{shop.random.getrandbits(64):013x}"[:22],
    )
    apply_fields(shop, order, fields, creating=True)
    shop.orders[order_id] = order
    set_status(shop, order, str(fields.get("status", "pending")), quietly=True)
    if fields.get("set_paid") is True:
        pay_order(shop, order)
    note_change(shop, order)
    _announce(shop, order)
    return order


def _announce(shop: Shop, order: Order) -> None:
    """A new order raises created and updated; from the checkout updated often comes first (observed with 11.0.1)."""
    topics = ["order.created", "order.updated"]
    if order.created_via != "rest-api" and shop.random.random() < 0.6:
        topics.reverse()
    for topic in topics:
        raise_event(shop, topic, order.id)


def update_order(shop: Shop, order: Order, fields: Json) -> None:
    """What a PUT does. Even an empty one moves date_modified and raises order.updated (observed with 11.0.1)."""
    check_fields(shop, fields)
    before, trashed = order.status, order.status == "trash"
    apply_fields(shop, order, fields)
    if "status" in fields:
        set_status(shop, order, str(fields["status"]))
    if fields.get("set_paid") is True and needs_payment(order):
        pay_order(shop, order)
    touch_order(shop, order)
    if trashed and shop.switches.storage == "hpos":
        return  # leaving the trash this way raises nothing with the order tables
    left_draft = before == "checkout-draft" and order.status != before
    raise_event(shop, "order.created" if left_draft else "order.updated", order.id)


def set_status(shop: Shop, order: Order, status: str, *, quietly: bool = False) -> None:
    """Move to a status with all that hangs on it: dates, stock, a refund of the rest, a note."""
    before = order.status
    if status == before:
        return
    order.status = status
    if before != "trash":
        _stamp_dates(shop, order)
        _move_stock(shop, order)
    if status == "refunded":
        refund_the_rest(shop, order)
    if status == "completed":
        mark_paying(shop, order)
    if not quietly:
        names = (STATUS_NAMES.get(before, before), STATUS_NAMES.get(status, status))
        add_note(shop, order, f"Order status changed from {names[0]} to {names[1]}.")


def _paid_status(shop: Shop, order: Order) -> str:
    """Where payment takes an order; cash on delivery counts as paid only when completed."""
    if order.payment_method == "cod":
        return "completed"
    return "processing" if needs_processing(shop, order) else "completed"


def _stamp_dates(shop: Shop, order: Order) -> None:
    reached = order.status in (_paid_status(shop, order), "completed")
    if order.paid is None and reached:
        order.paid = shop.now()
    if order.status == "completed":
        order.completed = shop.now()


def pay_order(shop: Shop, order: Order) -> None:
    """WooCommerce's payment_complete; it does nothing to an order in another status than these."""
    if order.status not in _PAYABLE:
        return
    order.paid = order.paid or shop.now()
    set_status(shop, order, _paid_status(shop, order), quietly=True)
    mark_paying(shop, order)
    reference = f" ({order.transaction_id})" if order.transaction_id else ""
    add_note(shop, order, f"Payment via {order.payment_method_title}{reference}.")


def mark_paying(shop: Shop, order: Order) -> None:
    """A registered buyer who paid becomes a paying customer; saving that raises customer.updated each time."""
    customer = shop.customers.get(order.customer_id)
    if customer:
        customer.is_paying_customer, customer.modified = True, shop.now()
        raise_event(shop, "customer.updated", customer.id)


def _stocked(shop: Shop, order: Order) -> list[tuple[Product, int, list[Json]]]:
    found = []
    for line in order.lines:
        product = shop.products.get(line.variation_id or line.product_id)
        if product and product.manage_stock and product.stock_quantity is not None:
            found.append((product, line.quantity, line.meta))
    return found


def _move_stock(shop: Shop, order: Order) -> None:
    """Stock goes when the order is booked and comes back when it is called off; product.updated for each product."""
    taking = order.status in _TAKES_STOCK and not order.stock_reduced
    returning = order.status in _GIVES_STOCK_BACK and order.stock_reduced
    if not taking and not returning:
        return
    order.stock_reduced = taking
    for product, quantity, meta in _stocked(shop, order):
        product.stock_quantity = (product.stock_quantity or 0) + (-quantity if taking else quantity)
        product.modified = shop.now()
        meta[:] = [entry for entry in meta if entry["key"] != "_reduced_stock"]
        if taking:
            meta.append(shop.new_meta("_reduced_stock", str(quantity)))
        raise_event(shop, "product.updated", product.id)


def add_note(shop: Shop, order: Order, text: str, *, for_customer: bool = False, author: str = "WooCommerce") -> Note:
    """A note neither moves date_modified nor raises an event (observed with 11.0.1)."""
    note = Note(shop.next_id("note"), author, shop.now(), text, for_customer)
    order.notes.append(note)
    return note


def trash_order(shop: Shop, order: Order) -> None:
    """Into the trash: date_modified moves, order.deleted is raised; with post storage product.deleted too, with the order's id."""
    order.status = "trash"
    touch_order(shop, order)
    if shop.switches.storage != "hpos":
        raise_event(shop, "product.deleted", order.id)
    raise_event(shop, "order.deleted", order.id)


def destroy_order(shop: Shop, order: Order) -> None:
    """Deleting for good raises nothing."""
    drop_order(shop, order)


def captured(order: Order) -> Decimal:
    """What was really received."""
    return order.total if order.paid else Decimal(0)
