"""Money that moved for an order: its paid invoices are payments, its credit memos are refunds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from connectors.canonical.money import Money, total
from connectors.canonical.settlement import Refund, RefundLine, Transaction, TransactionKind, TransactionStatus
from connectors.kit.tame import Tame
from connectors.platforms.magento.order_lines import SHIPPING

ZERO = Decimal(0)
PAID, OPEN = 2, 1  # states of an invoice; 3 is cancelled
REFUNDED = 2  # state of a credit memo; 1 is open, 3 cancelled


def read_payments(order: Tame, invoices: Tame, transactions: Tame, currency: str) -> Iterator[Transaction]:
    """One payment for each invoice. Magento's gateway transactions carry neither amount nor currency (observed), so the amount
    is the invoice's, and the transaction lends its reference and its time. An open invoice is money still to come.
    """
    captures = dict(_captures(transactions))
    gateway = _gateway(order)
    for invoice in invoices.items():
        state, amount = invoice["state"].integer(), invoice["grand_total"].money(currency)
        if state not in (PAID, OPEN) or not amount:
            continue
        reference = invoice.get("transaction_id").text_or() or (_last_transaction(order) if state == PAID else "")
        yield Transaction(
            id=invoice["entity_id"].known_identifier(),
            kind=TransactionKind.CAPTURE,
            status=TransactionStatus.SUCCEEDED if state == PAID else TransactionStatus.PENDING,
            gateway=gateway,
            amount=amount,
            occurred_at=captures.get(reference) or invoice["created_at"].time(),
            reference=reference,
        )


def _captures(transactions: Tame) -> Iterator[tuple[str, datetime]]:
    """When what was captured. Children are listed nested and once more at the top (observed), so the top is enough."""
    for row in transactions.items():
        if row["txn_type"].text_or() == "capture":
            yield row["txn_id"].text_or(), row["created_at"].time()


def _payment(order: Tame) -> Tame:
    return order.get("payment")


def _gateway(order: Tame) -> str:
    payment = _payment(order)
    return "" if payment.is_null else payment.get("method").text_or()


def _last_transaction(order: Tame) -> str:
    payment = _payment(order)
    return "" if payment.is_null else payment.get("last_trans_id").text_or()


def gateway_title(order: Tame) -> str:
    """What the shop calls the way to pay. additional_information has lost its keys, so the extension attribute tells."""
    extension = order.get("extension_attributes")
    if extension.is_null:
        return ""
    for entry in extension.get("payment_additional_info").items_or_none():
        if entry.get("key").text_or() == "method_title":
            return entry.get("value").text_or()
    return ""


def read_refunds(memos: Tame, currency: str, rows: frozenset[str]) -> Iterator[Refund]:
    """Credit memos that were really refunded. What adjustments add or keep back is in the amount and in no line.

    rows: the order's rows that carry the money; the others repeat it.
    """
    for memo in memos.items():
        amount = memo["grand_total"].money(currency)
        if memo["state"].integer() != REFUNDED or not amount:
            continue
        yield Refund(
            id=memo["entity_id"].known_identifier(),
            amount=amount,
            occurred_at=memo["created_at"].time(),
            reason=_reason(memo),
            lines=tuple(_lines(memo, currency, rows)),
            transaction_id=memo.get("invoice_id").identifier(),
        )


def _reason(memo: Tame) -> str:
    first = next(memo.get("comments").items_or_none(), None)
    return "" if first is None else first.get("comment").text_or()


def _lines(memo: Tame, currency: str, rows: frozenset[str]) -> Iterator[RefundLine]:
    """Rows of the credit memo. Unlike those of orders, their row_total is before discount (observed)."""
    discounts = [Money.zero(currency)]
    for row in memo["items"].items_or_none():
        line_id = row["order_item_id"].known_identifier()
        if line_id not in rows:
            continue
        discount = Money(row.get("discount_amount").decimal_or(ZERO), currency)
        discounts.append(discount)
        net = Money(row.get("row_total").decimal_or(ZERO), currency) - discount + _compensation(row, "", currency)
        tax = Money(row.get("tax_amount").decimal_or(ZERO), currency)
        quantity = row["qty"].decimal()
        if quantity or net or tax:
            yield RefundLine(line_id, quantity, net, tax)
    if shipping := _shipping(memo, total(discounts, currency), currency):
        yield shipping


def _compensation(part: Tame, prefix: str, currency: str) -> Money:
    return Money(part.get(f"{prefix}discount_tax_compensation_amount").decimal_or(ZERO), currency)


def _shipping(memo: Tame, off_rows: Money, currency: str) -> RefundLine | None:
    """Shipping given back. The memo's discount holds that of the rows and that of shipping together."""
    off = Money(-memo.get("discount_amount").decimal_or(ZERO), currency) - off_rows
    net = Money(memo.get("shipping_amount").decimal_or(ZERO), currency)
    net = net - max(off, Money.zero(currency)) if net else net
    net = net + _compensation(memo, "shipping_", currency)
    tax = Money(memo.get("shipping_tax_amount").decimal_or(ZERO), currency)
    return RefundLine(SHIPPING, Decimal(1), net, tax) if net.amount > 0 or tax.amount > 0 else None


def received(payments: Mapping[str, Transaction] | tuple[Transaction, ...], currency: str) -> Money:
    """What was really captured."""
    found = payments.values() if isinstance(payments, Mapping) else payments
    return total((payment.amount for payment in found if payment.is_captured), currency)
