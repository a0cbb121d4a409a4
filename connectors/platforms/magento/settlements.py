"""Money that moved for an order: its paid invoices are payments, its credit memos are refunds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from connectors.canonical.money import Money, total
from connectors.canonical.settlement import Refund, RefundLine, Transaction, TransactionKind, TransactionStatus
from connectors.kit.tame import Tame
from connectors.platforms.magento.order_lines import SHIPPING, amount, fixed_tax, fixed_tax_line

ZERO = Decimal(0)
PAID, OPEN = 2, 1  # states of an invoice; 3 is cancelled
REFUNDED = 2  # state of a credit memo; 1 is open, 3 cancelled


def read_payments(order: Tame, invoices: Tame, transactions: Tame, currency: str) -> Iterator[Transaction]:
    """One payment for each invoice. Magento's gateway transactions carry neither amount nor currency (observed), so the amount
    is the invoice's, and the transaction lends its reference and its time. An open invoice is money still to come.
    """
    captures, others = _gateway_transactions(transactions)
    gateway, last = _gateway(order), _last_transaction(order)
    fallback = next(iter(captures)) if len(captures) == 1 else last if last not in others else ""
    for invoice in invoices.items():
        state, invoiced = invoice["state"].integer(), invoice["grand_total"].money(currency)
        if state not in (PAID, OPEN) or not invoiced:
            continue
        reference = invoice.get("transaction_id").text_or() or (fallback if state == PAID else "")
        yield Transaction(
            id=invoice["entity_id"].known_identifier(),
            kind=TransactionKind.CAPTURE,
            status=TransactionStatus.SUCCEEDED if state == PAID else TransactionStatus.PENDING,
            gateway=gateway,
            amount=invoiced,
            occurred_at=captures.get(reference) or invoice["created_at"].time(),
            reference=reference,
        )


def _gateway_transactions(transactions: Tame) -> tuple[dict[str, datetime], frozenset[str]]:
    """When what was captured, and the ids of all that is no capture: after a refund the order's last transaction is that one, and an
    authorisation is no money. Children are listed nested and once more at the top (observed), so the top is enough.
    """
    rows = [(row["txn_type"].text_or(), row["txn_id"].text_or(), row["created_at"].time()) for row in transactions.items()]
    captures = {reference: at for kind, reference, at in rows if kind == "capture"}
    return captures, frozenset(reference for _kind, reference, _at in rows if reference not in captures)


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
        given = memo["grand_total"].money(currency)
        if memo["state"].integer() != REFUNDED or not given:
            continue
        yield Refund(
            id=memo["entity_id"].known_identifier(),
            amount=given,
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
        discount, tax = amount(row, "discount_amount", currency), amount(row, "tax_amount", currency)
        discounts.append(discount)
        net = amount(row, "row_total", currency) - discount + amount(row, "discount_tax_compensation_amount", currency)
        quantity = row["qty"].decimal()
        if quantity or net or tax:
            yield RefundLine(line_id, quantity, net, tax)
        if fixed := fixed_tax(row, currency):
            yield RefundLine(fixed_tax_line(line_id), Decimal(1), fixed, Money.zero(currency))
    if shipping := _shipping(memo, total(discounts, currency), currency):
        yield shipping


def _shipping(memo: Tame, off_rows: Money, currency: str) -> RefundLine | None:
    """Shipping given back. The memo's discount holds that of the rows and that of shipping together."""
    off = -amount(memo, "discount_amount", currency) - off_rows
    net, tax = amount(memo, "shipping_amount", currency), amount(memo, "shipping_tax_amount", currency)
    net = net - max(off, Money.zero(currency)) if net else net
    net = net + amount(memo, "shipping_discount_tax_compensation_amount", currency)
    return RefundLine(SHIPPING, Decimal(1), net, tax) if net.amount > 0 or tax.amount > 0 else None
