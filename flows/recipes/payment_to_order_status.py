"""The way back: a payment that a person recorded in the books moves the shop's order on and leaves a note there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, OrderNote, OrderStatusChange, Payment
from connectors.canonical.money import Money
from connectors.canonical.order import Order
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.contract import Change, Context, Plan, Recipe
from flows.recipes.looks import Link, LinkOf, LinksUnder, Now, OpenOrders, OwnerOf, View, WrittenBy
from flows.recipes.options import PAYMENT_TO_ORDER_STATUS, names, number, text
from flows.recipes.plain import short_name

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DesiredStatus:
    """What a payment means for its order. waiting: the statuses that it may move; marker: what the note starts with."""

    payment: Payment
    invoice: Invoice
    status: str
    waiting: tuple[str, ...]
    since: datetime
    until: datetime
    ask_unmatched: bool
    marker: str

    @property
    def settled(self) -> bool:
        """Whether the invoice is paid in full; a part moves nothing."""
        return bool(self.invoice.amount) and self.invoice.outstanding is not None and self.invoice.outstanding.amount <= 0


def desire(payment: Payment, context: Context) -> DesiredStatus:
    """What to tell the shop. A payment without an invoice concerns no order."""
    if payment.invoice is None:
        raise NothingToDo("The payment belongs to no invoice.", code="no_invoice")
    days = int(number(context.options, "match_days", "30"))
    midnight = datetime.combine(payment.received_on, time(), UTC)
    return DesiredStatus(
        payment,
        payment.invoice,
        status=context.mappings.value("status", "paid") or text(context.options, "paid_status", "processing"),
        waiting=names(context.options, "waiting_statuses") or ("pending", "on-hold"),
        since=midnight - days * DAY,
        until=max(context.now, midnight + DAY),
        ask_unmatched=text(context.options, "unmatched", "attention") == "attention",
        marker=f"{context.source_label} {short_name(context.source_key)}:{payment.id}",
    )


def plan(desired: DesiredStatus, view: View) -> Plan:
    """Status first, then one note. Our own payments echo back as events and end here.

    The invoice's owner is asked for first: that look waits while the order's own job is at work, whose payment may be
    confirmed only after its event came.
    """
    owner = cast("str | None", view(OwnerOf(ObjectType.INVOICE, desired.invoice.id)))
    if view(OwnerOf(ObjectType.PAYMENT, desired.payment.id)) is not None:
        raise NothingToDo("This payment was recorded from the shop's own order; there is nothing to tell the shop.", code="echo")
    other = None if owner else cast("str | None", view(WrittenBy(ObjectType.INVOICE, desired.invoice.id)))
    if other:
        raise NothingToDo(f"Invoice {desired.invoice.number} came from {other}; this shop knows nothing of it.", code="other_shop")
    told = _told(desired, view)
    if desired.payment.void:
        return _taken_back(desired, told, view)
    order_id = owner or told or _matched(desired, view)
    return Plan((*_move(desired, order_id, view), *_note(desired, order_id, _sentence(desired), view)))


def _told(desired: DesiredStatus, view: View) -> str | None:
    """The order that has our note about this payment: a matched order that was moved on does not match again."""
    links = cast("tuple[Link, ...]", view(LinksUnder(ObjectType.ORDER_NOTE, f"{desired.payment.id}:")))
    return next((link.key.split(":")[1] for link in links), None)


def _matched(desired: DesiredStatus, view: View) -> str:
    """The one waiting order of this amount placed before the payment. Several or none are a person's to judge.

    What a payment service collected for an invoice of the books' own is no order's payment.
    """
    other = cast("str | None", view(WrittenBy(ObjectType.PAYMENT, desired.payment.id)))
    if other:
        raise NothingToDo(f"{other} collected this payment for an invoice that came from no order.", code="collected_elsewhere")
    orders = cast("tuple[Order, ...]", view(OpenOrders(desired.since, desired.until, desired.waiting)))
    fitting = [order for order in orders if _fits(desired, order)]
    named = [order for order in fitting if order.number == desired.invoice.reference]
    if len(named) == 1 or len(fitting) == 1:
        return (named or fitting)[0].id
    if not fitting and not desired.ask_unmatched:
        raise NothingToDo(f"No waiting order matches the payment of {desired.payment.amount}.", code="unmatched")
    found = ", ".join(f"{order.number} ({order.customer.name}, {order.total})" for order in fitting) or "none"
    raise NeedsAttention(
        f"Manual review: the payment of {desired.payment.amount} on invoice {desired.invoice.number} came from no order that we know. "
        f"Waiting orders of that amount: {found}. Set the right order's status in the shop.",
        code="manual_review",
        subject=f"payment:{desired.payment.id}",
    )


def _fits(desired: DesiredStatus, order: Order) -> bool:
    worth = desired.invoice.amount or desired.payment.amount
    placed = desired.since <= order.placed_at < datetime.combine(desired.payment.received_on, time(), UTC) + 2 * DAY
    return order.total == worth and placed


def _move(desired: DesiredStatus, order_id: str, view: View) -> list[Change]:
    """The status change, if the invoice is settled and the order still waits. Later and final statuses stay as they are."""
    key = f"{order_id}:{desired.payment.id}"
    if not desired.settled or view(LinkOf(ObjectType.ORDER_STATUS, key)) is not None:
        return []
    now = cast("OrderStatusChange | None", view(Now(ObjectType.ORDER_STATUS, order_id)))
    if now is None:
        raise NothingToDo(f"Order {order_id} is no longer in the shop.", code="order_gone")
    if now.status not in desired.waiting:
        return []
    change = OrderStatusChange(order_id, desired.status, f"{desired.invoice.number}/{desired.payment.id}")
    return [Change("create", ObjectType.ORDER_STATUS, key, f"Set order {order_id} to {desired.status}", change)]


def _note(desired: DesiredStatus, order_id: str, sentence: str, view: View, event: str = "") -> list[Change]:
    """One note per payment and event; the link keeps it from being written twice."""
    key = ":".join(filter(None, (desired.payment.id, order_id, event)))
    if view(LinkOf(ObjectType.ORDER_NOTE, key)) is not None:
        return []
    marker = f"{desired.marker} {event}".strip()
    note = OrderNote(order_id, f"{marker}: {sentence}", marker)
    return [Change("create", ObjectType.ORDER_NOTE, key, f"Note on order {order_id}: {sentence}", note)]


def _sentence(desired: DesiredStatus) -> str:
    payment, invoice = desired.payment, desired.invoice
    paid = f"Payment of {payment.amount} ({payment.method}, {payment.received_on}) was recorded on invoice {invoice.number}"
    if desired.settled:
        return f"{paid}, which is now paid in full."
    return f"{paid}; {invoice.outstanding} is still outstanding." if invoice.outstanding is not None else f"{paid}."


def _taken_back(desired: DesiredStatus, told: str | None, view: View) -> Plan:
    """A deleted payment moves no status back (goods may be on their way): the order that was told of it is told again."""
    if told is None:
        raise NothingToDo("The payment was deleted before the shop was told of it.", code="deleted")
    gone = f"The payment of {desired.payment.amount} was deleted from invoice {desired.invoice.number}."
    sentence = f"{gone} Check whether the order is paid."
    return Plan(tuple(_note(desired, told, sentence, view, "deleted")))


def describe(payment: Payment) -> tuple[str, Money | None]:
    """For lists: the invoice's number and the amount."""
    return (payment.invoice.number if payment.invoice else payment.id), payment.amount


RECIPE: Recipe[Payment, DesiredStatus] = Recipe(
    name="payment_to_order_status",
    label="Payments in the books move orders on",
    source=ObjectType.PAYMENT,
    writes=(ObjectType.ORDER_STATUS, ObjectType.ORDER_NOTE),
    options=PAYMENT_TO_ORDER_STATUS,
    desire=desire,
    plan=plan,
    describe=describe,
    from_books=True,
    own_is_echo=True,
    in_words="When somebody records a payment in the books, the order that it pays moves on, and gets one private note."
    " An order is never moved back.",
    maps=("status",),
)
