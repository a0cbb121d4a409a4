"""Refunds, from the v3 endpoint alone: the order's own refunded_amount is always 0 (BigCommerce documentation)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connectors.canonical.money import Money, total
from connectors.canonical.settlement import Refund, RefundLine
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.order_amounts import Place
from connectors.platforms.bigcommerce.payments import Movement, Receipts
from connectors.platforms.bigcommerce.statuses import REFUNDED, Status

SLACK = 5  # minor units by which a refund's items may miss its amount before only the amount is believed
_PLACES = {"GIFT_WRAPPING": "wrapping:", "SHIPPING": "shipping:", "HANDLING": "handling:", "FEE": "fee:", "PRODUCT": ""}


@dataclass(frozen=True, slots=True)
class Sold:
    """What refunds refer to: places by id, quantities of product lines, and whether amounts include tax."""

    places: Mapping[str, Place]
    quantities: Mapping[str, Decimal]
    inclusive: bool
    currency: str


def read_refunds(refunds: Tame, sold: Sold, movements: Sequence[Movement], moment: datetime) -> Iterator[Refund]:
    """Refunds of money that really went back, oldest first; moment dates those that do not say when."""
    origins = {one.id: one.of for one in movements if one.event == "refund"}
    for refund in sorted(refunds.items(), key=lambda refund: refund["id"].integer()):
        accepted = [payment for payment in refund["payments"].items() if not _is_declined(payment)]
        amount = total((payment["amount"].money(sold.currency) for payment in accepted), sold.currency)
        if amount.amount <= 0:
            continue
        whole = amount == refund["total_amount"].money(sold.currency)
        own = {origins.get(key) or key for key in (payment.get("transaction_id").identifier() for payment in accepted)}
        yield Refund(
            id=refund["id"].known_identifier(),
            amount=amount,
            occurred_at=refund["created"].time_or_none() or moment,
            reason=refund.get("reason").text_or(),
            lines=_lines(refund, sold, amount) if whole else (),
            transaction_id=own.pop() if len(own) == 1 else "",
        )


def _is_declined(payment: Tame) -> bool:
    """The provider is asked after the answer 201, so a refund that was accepted may be declined later."""
    return payment["is_declined"].boolean()


def _lines(refund: Tame, sold: Sold, amount: Money) -> tuple[RefundLine, ...]:
    """What was refunded by line. If that misses the amount (a merchant's own figure, a tax adjustment), the amount counts alone."""
    found = [_line(item, sold) for item in refund["items"].items_or_none()]
    lines = [line for line in found if line is not None]
    if len(lines) < len(found):
        return ()
    sum_of_lines = total((line.total + line.tax for line in lines), sold.currency)
    return tuple(lines) if abs((sum_of_lines - amount).rounded().to_minor()) <= SLACK else ()


def _line(item: Tame, sold: Sold) -> RefundLine | None:
    """One refunded item; None for an amount off the whole order (which carries no tax) and for what is not on it."""
    prefix = _PLACES.get(item["item_type"].text())
    place = None if prefix is None else sold.places.get(f"{prefix}{item['item_id'].identifier()}")
    if place is None:
        return None
    net, quantity = place.gross - place.tax, item["quantity"].decimal_or(Decimal(1))
    if item.get("requested_amount").is_null:
        pieces = sold.quantities.get(item["item_id"].identifier(), Decimal(1))
        portion = min(quantity / pieces, Decimal(1)) if pieces else Decimal(1)
    else:
        base = place.gross if sold.inclusive else net
        asked = item["requested_amount"].money(sold.currency)
        portion = min(asked.amount / base.amount, Decimal(1)) if base else Decimal(1)
    return RefundLine(place.id, quantity if place.kind is None else Decimal(1), (net * portion).rounded(), (place.tax * portion).rounded())


def refunds_besides(records: Tame, receipts: Receipts, movements: Sequence[Movement], status: Status, moment: datetime) -> Iterator[Refund]:
    """Where no refund record says that money went back: refunds that only transactions show, or a status Refunded that a person gave an
    order paid by hand. A transaction that a record names is what became of that record: it was declined.
    """
    if not receipts.paid:
        return
    named = {payment.get("transaction_id").identifier() for record in records.items() for payment in record["payments"].items()}
    given = [one for one in movements if one.event == "refund" and one.ok and not one.test and one.amount.amount and one.id not in named]
    for one in given:
        yield Refund(f"t{one.id}", abs(one.amount), one.at, transaction_id=one.of)
    if not given and not receipts.real and status.id == REFUNDED:
        for transaction in receipts.transactions:
            if transaction.is_captured:
                yield Refund("status", transaction.amount, moment, status.label, transaction_id=transaction.id)
