"""One order in the books, and small verbs for what happens to it there."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from recipe_books import Books, context
from recipe_shop import PLACED, charge, line, money, order, sale, tax

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Payment
from connectors.canonical.order import Order
from connectors.canonical.settlement import Refund, RefundLine
from connectors.kit.errors import NeedsAttention
from flows.recipes.order_to_invoice import RECIPE

MUGS = line("1", "30.00", tax("HST", "3.90", "13"), quantity="3", sku="MUG-1")
PLATE = line("2", "10.00", tax("HST", "1.30", "13"), name="Plate")
SHIP = charge("3", "5.00")
ORDER = order("50.20", MUGS, PLATE, charges=(SHIP,), transactions=(sale("50.20"),))


def refund(amount: str, *lines: RefundLine, id: str = "901", **fields: Any) -> Refund:
    return Refund(id, money(amount), PLACED + timedelta(days=2), fields.pop("reason", ""), lines, **fields)


def refund_line(id: str, quantity: str, net: str, tax_: str) -> RefundLine:
    return RefundLine(id, Decimal(quantity), money(net), money(tax_))


def booked(placed: Order = ORDER, **options: Any) -> Books:
    books = Books()
    books.sync(RECIPE, placed, context(**options))
    books.writes.clear()
    return books


def sync(books: Books, placed: Order, **options: Any) -> list[str]:
    """The writes of a sync, and the proof that it tied out."""
    books.writes.clear()
    plans = books.sync(RECIPE, placed, context(**options))
    assert plans[-1].tie_out is not None
    assert plans[-1].tie_out.exact
    return books.verbs()


def stopped(books: Books, placed: Order, code: str, **options: Any) -> str:
    books.writes.clear()
    before = dict(books.things)
    with pytest.raises(NeedsAttention) as raised:
        books.sync(RECIPE, placed, context(**options))
    assert raised.value.code == code
    assert books.writes == []
    assert books.things == before
    return raised.value.message


def lines_of(books: Books) -> list[tuple[str, str, str]]:
    return [(one.name, str(one.quantity), one.unit_price.text()) for one in books.the(ObjectType.INVOICE).lines]


def by_hand(books: Books, amount: str) -> None:
    invoice = books.the(ObjectType.INVOICE)
    books.things[ObjectType.PAYMENT, "p-hand"] = Payment(invoice.id, money(amount), PLACED.date(), "Cash", "by hand", "p-hand")
