"""The payments that an order's captured transactions and tenders make in the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.canonical.ledger import Payment
from connectors.canonical.money import Money, total
from connectors.canonical.order import Order
from connectors.canonical.settlement import Refund
from flows.recipes.contract import Context
from flows.recipes.desired_books import PaymentWanted
from flows.recipes.options import text
from flows.recipes.plain import digest, short_name
from flows.recipes.proof import Concern
from flows.recipes.refunds import give_back
from flows.recipes.times import shop_date


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in: a captured transaction or a tender (gift card, store credit)."""

    id: str
    gateway: str
    amount: Money
    moment: datetime
    reference: str
    assumed: bool = False
    undated: bool = False


def receipts(order: Order) -> list[Receipt]:
    """Tenders first, as the till takes them; then what was captured. Authorisations and failures are no money."""
    tenders = [
        Receipt(f"tender-{tender.reference or position}", tender.kind, tender.amount, order.placed_at, tender.reference)
        for position, tender in enumerate(order.tenders)
    ]
    captured = [
        Receipt(payment.id, payment.gateway, payment.amount, payment.occurred_at, payment.reference, payment.assumed, payment.undated)
        for payment in order.transactions
        if payment.is_captured
    ]
    return [receipt for receipt in (*tenders, *captured) if receipt.amount.amount > 0]


def wanted_payments(
    order: Order, refunds: Sequence[Refund], worth: Money, context: Context
) -> tuple[tuple[PaymentWanted, ...], Concern | None]:
    """The payments less what was given back, at most what the invoice is worth, and a concern about what was clamped."""
    received = receipts(order)
    amounts = give_back([(receipt.id, receipt.amount) for receipt in received], refunds)
    over = total(amounts, order.currency) - worth
    concern = None
    if over.amount > 0:
        concern = money_held(order.id, f"The shop holds {over} more than order {order.number} is worth; that part is not recorded.")
        amounts = _clamped(amounts, over)
    wanted = (_payment(order, receipt, amount, context) for receipt, amount in zip(received, amounts, strict=True))
    return tuple(wanted), concern


def money_held(order_id: str, message: str) -> Concern:
    """Money that the shop has and the books do not show."""
    return Concern("money_held", f"order:{order_id}", message)


def still_held(order: Order) -> Concern | None:
    """A concern when an order that leaves the books was paid and not given back: the books will not show that money any more."""
    came = total((receipt.amount for receipt in receipts(order) if receipt.amount.currency == order.currency), order.currency)
    gone = total((refund.amount for refund in order.refunds if refund.amount.currency == order.currency), order.currency)
    if came <= gone:
        return None
    return money_held(
        order.id,
        f"By the shop's records {came - gone} of order {order.number} was received and not given back. "
        "Refund it there, or record by hand what becomes of it.",
    )


def payment_marker(number: str, context: Context) -> str:
    """What the notes of all our payments of the order with this number start with; the id of what was received follows."""
    return f"{short_name(context.source_key)}:{number}:"


def _clamped(amounts: Sequence[Money], over: Money) -> list[Money]:
    """Take the excess off the latest payments."""
    left = list(amounts)
    for i in reversed(range(len(left))):
        take = min(over, left[i])
        left[i], over = left[i] - take, over - take
    return left


def _payment(order: Order, receipt: Receipt, amount: Money, context: Context) -> PaymentWanted:
    mapped = context.mappings.value("gateway", receipt.gateway, order.payment_method_title if not receipt.id.startswith("tender-") else "")
    note = f"{payment_marker(order.number, context)}{receipt.id}"
    if receipt.reference and receipt.reference != receipt.id:
        note = f"{note} | {receipt.reference}"
    payment = Payment(
        "",
        amount,
        shop_date(receipt.moment, order.time_zone),
        mapped or text(context.options, "default_payment_type", "Other"),
        note,
    )
    key = f"{order.id}:{receipt.id}"
    if not receipt.assumed:
        return PaymentWanted(key, payment)
    which = digest("" if receipt.undated else receipt.moment, receipt.reference)[:16]
    return PaymentWanted(key, payment, receipt.amount, f"{receipt.amount.text()} {which}")
