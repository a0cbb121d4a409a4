"""The demo's verdict: exact only when the books really say so."""

from __future__ import annotations

from typing import Any

import pytest

from config.demo.comparison import OrderResult, compare_order, sort_invoices
from config.demo.report import table
from config.demo.scenario import Outcome, Return

ORDER = {"id": 7, "number": "7", "currency": "EUR", "total": "30.00", "captured": "30.00", "refunded": "0.00", "status": "processing"}


def invoice(**fields: Any) -> dict[str, Any]:
    payments = [{"id": 1, "amount": "30.00", "vis_state": 0}]
    kept = {"id": 91, "number": "WOO-7", "currency": "EUR", "amount": "30.00", "paid": "30.00", "vis_state": 0, "payments": payments}
    return {**kept, **fields}


def compare(*invoices: dict[str, Any], **order: Any) -> OrderResult:
    return compare_order("shop", {**ORDER, **order}, invoices, 12)


def test_an_order_that_ties_out_is_exact() -> None:
    result = compare(invoice())
    assert result.as_json() == {
        "platform": "shop",
        "order": "7",
        "currency": "EUR",
        "order_total": "30.00",
        "invoice_number": "WOO-7",
        "invoice_amount": "30.00",
        "captured": "30.00",
        "paid": "30.00",
        "exact": True,
        "latency_ms": 12,
    }


@pytest.mark.parametrize(
    ("invoices", "problem"),
    [
        ([], "there is no invoice"),
        ([invoice(), invoice(id=92)], "there are 2 invoices"),
        ([invoice(currency="USD")], "the invoice is in USD"),
        ([invoice(amount="30.01")], "the invoice is over 30.01"),
        ([invoice(paid="0.00", payments=[])], "0 is paid on the invoice"),
        ([invoice(paid="29.99", payments=[{"amount": "29.99", "vis_state": 0}])], "29.99 is paid on the invoice"),
        ([invoice(payments=[{"amount": "30.00", "vis_state": 1}])], "0 is paid on the invoice"),
        ([invoice(payments=[{"amount": "30.00", "vis_state": 0}, {"amount": "30.00", "vis_state": 0}])], "60.00 is paid on the invoice"),
        ([invoice(paid="29.00")], "30.00 is paid on the invoice"),
    ],
)
def test_one_cent_or_one_copy_is_not_exact(invoices: list[dict[str, Any]], problem: str) -> None:
    result = compare(*invoices)
    assert (result.exact, result.problem, result.as_json()["problem"]) == (False, problem, problem)


def test_what_was_refunded_is_neither_owed_nor_paid() -> None:
    left = invoice(amount="20.00", paid="20.00", payments=[{"amount": "20.00", "vis_state": 0}])
    result = compare(left, refunded="10.00")
    assert (result.exact, result.order_total, result.captured) == (True, "20.00", "20.00")
    assert not compare(invoice(), refunded="10.00").exact


def test_an_unpaid_order_has_an_unpaid_invoice() -> None:
    assert compare(invoice(paid="0.00", payments=[]), captured="0.00").exact
    assert compare(invoice(), captured="0.00").problem == "30.00 is paid on the invoice"


@pytest.mark.parametrize("worth", [{"total": "0.00", "captured": "0.00"}, {"refunded": "30.00"}])
def test_an_order_that_is_worth_nothing_has_no_invoice(worth: dict[str, str]) -> None:
    result = compare(**worth)
    assert (result.exact, result.order_total, result.invoice_number, result.invoice_amount, result.paid) == (
        True,
        "0.00",
        "",
        "0.00",
        "0.00",
    )
    assert compare(invoice(), **worth).problem == "the invoice is over 30.00"


def test_money_without_an_invoice_is_not_exact() -> None:
    assert compare(total="0.00").problem == "there is no invoice"


def test_currencies_without_decimals_stay_without() -> None:
    yen = invoice(currency="JPY", amount="3000", paid="3000", payments=[{"amount": "3000", "vis_state": 0}])
    result = compare(yen, currency="JPY", total="3000", captured="3000", refunded="0")
    assert (result.exact, result.order_total, result.paid) == (True, "3000", "3000")


def test_invoices_are_sorted_by_their_number_and_strangers_are_named() -> None:
    rows = [invoice(), invoice(id=92), invoice(id=93, number="0001"), invoice(id=94, vis_state=1), invoice(id=95, number="WOO-8")]
    found, strangers = sort_invoices(rows, {"shop 7": "WOO-7", "shop 9": "WOO-9"})
    assert {order: [row["id"] for row in rows] for order, rows in found.items()} == {"shop 7": [91, 92], "shop 9": []}
    assert strangers == ["0001", "WOO-8"]


GOOD = compare(invoice())
BACK = Return("shop", "7", "WOO-7", "30.00", "EUR", "processing", 1, True)


def outcome(**fields: Any) -> Outcome:
    given = {"orders": (GOOD,), "returns": (BACK,), "waiting": 0, "failed": 0, "unexplained": ()}
    return Outcome(**{**given, "ledger_calls": 4, "seconds": 1.5, "ledger": "freshbooks", **fields})


def test_a_good_outcome_is_exact_and_told_as_json() -> None:
    document = outcome().as_json()
    assert (document["exact"], document["freshbooks_calls"], document["seconds"]) == (True, 4, 1.5)
    assert document["returns"][0]["ok"] is True


@pytest.mark.parametrize(
    "fields",
    [
        {"orders": ()},
        {"orders": (GOOD, compare())},
        {"returns": (BACK, Return("shop", "8", "WOO-8", "1.00", "EUR", "on-hold", 0, False))},
        {"waiting": 1},
        {"failed": 1},
        {"unexplained": ("0001",)},
    ],
)
def test_anything_missing_or_too_much_spoils_the_outcome(fields: dict[str, Any]) -> None:
    assert not outcome(**fields).exact


def test_the_table_shows_the_troubled_orders_first() -> None:
    lines = table(outcome(orders=(GOOD, compare(invoice(amount="30.01"))), unexplained=("0001",))).splitlines()
    assert lines[0].split() == ["platform", "order", "order", "total", "invoice", "invoice", "amount", "payments", "exact", "ms"]
    assert "NO: the invoice is over 30.01" in lines[2]
    assert lines[3].split() == ["shop", "7", "30.00", "EUR", "WOO-7", "30.00", "EUR", "30.00", "(1)", "yes", "12"]
    assert "30.00 EUR paid on WOO-7: order 7 in shop is now processing, 1 note" in lines
    assert "This invoice belongs to no order: 0001" in lines
    assert lines[-1].startswith("1 of 2 orders are exact to the cent in 1.5 s, median 12 ms from webhook to invoice, 2.0 ledger calls")
