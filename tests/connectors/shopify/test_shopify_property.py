"""Whatever happens to an order at Shopify, the books come to it in either of its currencies, whenever they looked."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from shopify_orders import Teas, happen, orders

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceStatus
from connectors.kit.errors import NothingToDo
from flows.recipes.order_to_invoice import RECIPE
from tests.recipes.recipe_books import Books, context

STATUSES = ["pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided", "expired"]
FAST = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


def prove(books: Books, teas: Teas, currency: str) -> None:
    """Sync until nothing is missing, compare with what the shop itself reckons, and sync again without a write."""
    order, (worth, paid, code) = teas.read(currency), teas.books(currency)
    ctx = context({"negative_lines": "refused"}, statuses=STATUSES)
    assert order.currency == code
    try:
        books.sync(RECIPE, order, ctx)
    except NothingToDo:
        assert not worth
        assert not books.all(ObjectType.INVOICE)
        return
    invoice = books.the(ObjectType.INVOICE)
    if worth:
        assert (invoice.amount.amount, invoice.paid.amount) == (worth, paid)
        assert invoice.amount.currency == code
        assert invoice.status is not InvoiceStatus.VOID
    else:
        assert invoice.status is InvoiceStatus.VOID
        assert not books.payments(invoice.id)
    before = len(books.writes)
    assert books.sync(RECIPE, order, ctx)[0].changes == ()
    assert len(books.writes) == before


@settings(max_examples=300, **FAST)
@given(st.data(), st.sampled_from(["shop", "presentment"]), st.booleans(), st.booleans())
def test_the_books_come_to_what_the_shop_reckons(data: st.DataObject, currency: str, per_line: bool, followed: bool) -> None:
    teas, books = Teas(data.draw(orders())), Books(per_line=per_line, negative_lines=False)
    for _ in range(data.draw(st.integers(0, 4))):
        if followed:
            prove(books, teas, currency)
        event(happen(data.draw, teas))
    prove(books, teas, currency)
    assert teas.read(currency).total.amount >= Decimal(0)
