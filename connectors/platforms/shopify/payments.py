"""Money that came in for an order, one payment for each sale or capture; gift cards and store credit are ways to pay like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connectors.canonical.money import Money
from connectors.canonical.settlement import Transaction, TransactionKind, TransactionStatus
from connectors.kit.tame import Tame
from connectors.platforms.shopify.ids import number_of
from connectors.platforms.shopify.purse import Purse

# The kinds that say something about money received. REFUND is read with the refunds, CHANGE below.
_KINDS = {
    "SALE": TransactionKind.SALE,
    "CAPTURE": TransactionKind.CAPTURE,
    "AUTHORIZATION": TransactionKind.AUTHORISATION,
    "EMV_AUTHORIZATION": TransactionKind.AUTHORISATION,
    "VOID": TransactionKind.VOID,
}


_CALLED = {"shopify_payments": "Shopify Payments", "shop_pay": "Shop Pay", "paypal": "PayPal", "shopify_store_credit": "Store credit"}


def called(gateway: str) -> str:
    """A way to pay as people call it: Shopify tells its handle ("gift_card"), of some the name that the shop gave."""
    is_handle = gateway == gateway.lower() and " " not in gateway
    return _CALLED.get(gateway) or (gateway.replace("_", " ").capitalize() if is_handle else gateway)


def read_status(transaction: Tame) -> TransactionStatus:
    """What is neither a success nor certain to have failed is still open; statuses of later versions count as open, too."""
    word = transaction["status"].text()
    if word == "SUCCESS":
        return TransactionStatus.SUCCEEDED
    return TransactionStatus.FAILED if word in ("FAILURE", "ERROR") else TransactionStatus.PENDING


def read_transactions(order: Tame, purse: Purse) -> tuple[Transaction, ...]:
    """Payments in the order in which Shopify lists them. Test payments are no money, except on a test order."""
    tests = order["test"].boolean()
    rows = [row for row in order["transactions"].items() if tests or not row["test"].boolean()]
    found = [_read(row, purse) for row in rows if row["kind"].text() in _KINDS]
    received = purse.read(order["totalReceivedSet"])
    found = _rounded(found, rows, received, purse)
    return tuple(_without_change(found, rows, received, purse))


def _read(row: Tame, purse: Purse) -> Transaction:
    moment = row["processedAt"] if not row["processedAt"].is_null else row["createdAt"]
    return Transaction(
        id=number_of(row["id"]),
        kind=_KINDS[row["kind"].text()],
        status=read_status(row),
        gateway=row["gateway"].text_or() or row["formattedGateway"].text_or() or "unknown",
        amount=purse.read(row["amountSet"]),
        occurred_at=moment.time(),
        reference=row["paymentId"].text_or(),
    )


def captured(found: list[Transaction], purse: Purse) -> Money:
    return purse.sum(*(each.amount for each in found if each.is_captured))


def _rounded(found: list[Transaction], rows: list[Tame], received: Money, purse: Purse) -> list[Transaction]:
    """Cash at the till is rounded to coins, and nobody documents whether the amount is before or after: the order's total of what
    was received decides.
    """
    by_id = {number_of(row["id"]): purse.read_or_zero(row["amountRoundingSet"]) for row in rows}
    rounded = [replace(each, amount=each.amount + by_id[each.id]) for each in found]
    return rounded if captured(rounded, purse) == received != captured(found, purse) else found


def _without_change(found: list[Transaction], rows: list[Tame], received: Money, purse: Purse) -> Iterator[Transaction]:
    """Cash handed back comes off the latest payment, where the order's total of what was received says that it counts."""
    back = purse.sum(*(abs(purse.read(row["amountSet"])) for row in _successes(rows, "CHANGE")))
    if not back or captured(found, purse) - back != received:
        yield from found
        return
    for each in reversed(found):
        take = min(back, each.amount) if each.is_captured else purse.zero
        back = back - take
        if each.amount != take:
            yield replace(each, amount=each.amount - take)


def _successes(rows: list[Tame], kind: str) -> Iterator[Tame]:
    return (row for row in rows if row["kind"].text() == kind and row["status"].text() == "SUCCESS")


def refund_rows(order: Tame) -> Iterator[Tame]:
    """Successful refund transactions of the order, whether a refund record names them or not."""
    tests = order["test"].boolean()
    rows = [row for row in order["transactions"].items() if tests or not row["test"].boolean()]
    return _successes(rows, "REFUND")
