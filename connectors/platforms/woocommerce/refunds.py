"""Refunds of an order: what was given back, and for which of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connectors.canonical.money import Money
from connectors.canonical.settlement import Refund, RefundLine
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.api import V3, path_id
from connectors.platforms.woocommerce.paging import Cursor, turn_page

_ORIGINAL = "_refunded_item_id"


def fetch_refunds(api: Api, order_id: str) -> list[Any]:
    """All refunds of an order with their lines, oldest first."""
    found: dict[str, Any] = {}
    cursor: Cursor | None = Cursor("any")
    while cursor:
        leaf = turn_page(api, f"{V3}/orders/{path_id(order_id)}/refunds", cursor, (), "refunds")
        found.update((row["id"].known_identifier(), row.value) for row in leaf.rows)
        cursor = leaf.next
    return list(found.values())


def read_refunds(refunds: Tame, currency: str) -> Iterator[Refund]:
    """Refunds with an amount; one without lines and amount exists too and reads "" or "0.00" (observed)."""
    for refund in refunds.items():
        amount = Money(refund["amount"].decimal_or(Decimal(0)), currency)
        if not amount:
            continue
        yield Refund(
            id=refund["id"].known_identifier(),
            amount=abs(amount),
            occurred_at=refund["date_created_gmt"].time(),
            reason=refund["reason"].text_or(),
            lines=_lines(refund, currency),
        )


def _lines(refund: Tame, currency: str) -> tuple[RefundLine, ...]:
    """What was refunded by line. If one of them does not say to which line it belongs, only the amount counts."""
    lines = [
        *(_line(line, line["quantity"].decimal(), currency) for line in refund["line_items"].items()),
        *(_line(line, Decimal(-1), currency) for line in refund["shipping_lines"].items()),
        *(_line(line, Decimal(-1), currency) for line in refund["fee_lines"].items()),
    ]
    if any(not line.line_id for line in lines):
        return ()
    return tuple(line for line in lines if line.quantity or line.total or line.tax)


def _line(line: Tame, quantity: Decimal, currency: str) -> RefundLine:
    """WooCommerce writes refunds as negative lines; here they are positive. A refunded fee of negative amount turns
    round the same way, so the signs stay consistent.
    """
    return RefundLine(
        line_id=_original(line),
        quantity=-quantity,
        total=-line["total"].money(currency),
        tax=-line["total_tax"].money(currency),
    )


def _original(line: Tame) -> str:
    for entry in line["meta_data"].items():
        if entry["key"].text() == _ORIGINAL:
            return entry["value"].identifier()
    return ""
