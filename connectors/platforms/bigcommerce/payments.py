"""The money that came in for an order: transactions first, the status only where no transaction tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.canonical.money import Money, total
from connectors.canonical.order import Tender
from connectors.canonical.settlement import Transaction, TransactionKind, TransactionStatus
from connectors.kit.tame import Tame
from connectors.platforms.bigcommerce.statuses import Status

_RECEIVED = {"purchase": TransactionKind.SALE, "capture": TransactionKind.CAPTURE, "settled": TransactionKind.CAPTURE}
_OTHERS = {"authorization": TransactionKind.AUTHORISATION, "pending": TransactionKind.AUTHORISATION, "void": TransactionKind.VOID}
_OPEN = ("authorization", "pending")
_OFFLINE = ("offline", "custom")  # bank deposit, cheque, cash: recorded when the order is placed, whether the money has come or not
_TENDERS = (("store_credit", "store_credit_amount"), ("gift_certificate", "gift_certificate_amount"))
_TENDER_METHODS = tuple(method for method, _ in _TENDERS)  # they pay a part; how the rest was paid is another question


@dataclass(frozen=True, slots=True)
class Movement:
    """A transaction as read. of: the transaction that it refers to, "" for none."""

    id: str
    event: str
    method: str
    gateway: str
    amount: Money
    at: datetime
    ok: bool
    test: bool
    of: str
    reference: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """What came in. paid: whether the order counts as paid; real: whether any transaction of real money says so; test: only test money."""

    transactions: tuple[Transaction, ...]
    tenders: tuple[Tender, ...]
    paid: bool
    real: bool
    test: bool


def read_movements(transactions: Tame) -> tuple[Movement, ...]:
    return tuple(_movement(row) for row in transactions.items())


def _movement(row: Tame) -> Movement:
    """reference_transaction_id comes as a number, null or an empty object (all in BigCommerce's own samples)."""
    reference = row.get("reference_transaction_id")
    return Movement(
        id=row["id"].known_identifier(),
        event=row["event"].text(),
        method=row["method"].text(),
        gateway=_gateway(row),
        amount=row["amount"].money(row["currency"].currency()),
        at=row["date_created"].time(),
        ok=row["status"].text() == "ok",
        test=row.get("test").value is not None and row["test"].boolean(),
        of="" if reference.value == {} else reference.identifier(),
        reference=row.get("gateway_transaction_id").text_or(),
    )


def _gateway(row: Tame) -> str:
    """Free text: gateways outside the documented list are seen ("squarev2")."""
    return row["gateway"].text_or() or row["method"].text()


def is_money(movement: Movement) -> bool:
    """Whether this transaction says that real money came in."""
    return movement.event in _RECEIVED and movement.ok and not movement.test and movement.method not in _OFFLINE


def read_receipts(order: Tame, movements: Sequence[Movement], status: Status, worth: Money, moment: datetime) -> Receipts:
    """moment: the order's last change, which dates a payment that only the status tells of.

    Paid is what was received in full. Else the status decides, but an authorisation without its capture is no payment.
    """
    real = [one for one in movements if not one.test]
    voided = {one.of for one in real if one.event == "void" and one.ok and one.of}
    online = [one for one in _received(real) if one.method not in _OFFLINE and one.id not in voided]
    offline = [one for one in _received(real) if one.method in _OFFLINE and one.id not in voided]
    tenders = _tenders(order, movements, worth.currency)
    came = total((one.amount for one in online if one.amount.currency == worth.currency), worth.currency)
    came = came + total((tender.amount for tender in tenders), worth.currency)
    waiting = _waiting(real, [*online, *offline], voided)
    paid = (bool(online) and came >= worth) or (status.paid and not waiting)
    counted = [*online, *offline] if paid and status.paid else online
    only_test = any(one.test and one.event in _RECEIVED for one in movements) and not counted
    transactions = tuple(_transaction(one) for one in counted) + tuple(_noise(one) for one in real if one not in counted)
    if paid and not only_test and all(one.method in _TENDER_METHODS for one in counted):
        transactions += _by_status(order, worth - came, moment)
    return Receipts(transactions, tenders, paid, bool(online), only_test)


def _received(movements: Sequence[Movement]) -> list[Movement]:
    """Purchases and captures that went well, and settlements of something that was not counted yet. One that names nothing settles what
    its gateway took: money is rather missing, where a person sees it, than counted twice.
    """
    good = [one for one in movements if one.event in _RECEIVED and one.ok]
    taken = [one for one in good if one.event != "settled"]
    ids, gateways = {one.id for one in taken}, {one.gateway for one in taken}
    return [*taken, *(one for one in good if one.event == "settled" and not (one.of in ids if one.of else one.gateway in gateways))]


def _waiting(movements: Sequence[Movement], received: Sequence[Movement], voided: set[str]) -> list[Movement]:
    """Authorisations and pending payments of which nothing has come. A capture names its authorisation, or covers its gateway's."""
    done = {one.of for one in received} | voided
    covered = {one.gateway for one in received if not one.of}
    open_ones = [one for one in movements if one.event in _OPEN and one.ok and one.method not in _OFFLINE]
    return [one for one in open_ones if one.id not in done and one.gateway not in covered]


def _tenders(order: Tame, movements: Sequence[Movement], currency: str) -> tuple[Tender, ...]:
    """Store credit and gift certificates paid part of the order. Where they have transactions of their own, those count instead."""
    methods = {one.method for one in movements if one.ok and one.event in _RECEIVED}
    found = [(kind, order[name].money(currency)) for kind, name in _TENDERS if kind not in methods]
    return tuple(Tender(kind, kind, amount) for kind, amount in found if amount.amount > 0)


def _transaction(one: Movement) -> Transaction:
    return Transaction(one.id, _RECEIVED[one.event], TransactionStatus.SUCCEEDED, one.gateway, one.amount, one.at, one.reference)


def _noise(one: Movement) -> Transaction:
    """What is no money received, for the record: authorisations, failures, voids, offline payments that are still to come."""
    kind = _OTHERS.get(one.event) or _RECEIVED.get(one.event) or TransactionKind.VOID
    status = TransactionStatus.SUCCEEDED if one.ok and one.event in _OTHERS else TransactionStatus.PENDING
    return Transaction(one.id, kind, status if one.ok else TransactionStatus.FAILED, one.gateway, one.amount, one.at, one.reference)


def _by_status(order: Tame, amount: Money, moment: datetime) -> tuple[Transaction, ...]:
    """Paid by hand or offline: no transaction tells of it, so the status does, over what store credit and gift certificates left."""
    if amount.amount <= 0:
        return ()
    paid = Transaction(
        "status",
        TransactionKind.SALE,
        TransactionStatus.SUCCEEDED,
        gateway=order["payment_method"].text_or() or "offline",
        amount=amount.rounded(),
        occurred_at=moment,
        reference=order.get("payment_provider_id").identifier(),
        assumed=True,
        undated=True,
    )
    return (paid,)
