"""Payments and credits of the FreshBooks sandbox, and what they do to their invoice."""

from __future__ import annotations

from typing import Any

import pytest
from fb_sandbox_driver import INVOICES, get, put, running, statuses, sums

LINE = {"name": "A", "unit_cost": {"amount": "1"}}


def test_payments_move_the_invoice_and_deleting_them_moves_it_back() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00", due_offset_days=20000)["id"]
        put(books, made, action_mark_as_sent=True)
        first = books.pay(made, "4.00")
        assert (first["id"], first["clientid"], first["gateway"]) == (first["logid"], get(books, made)["customerid"], None)
        part = get(books, made)
        assert (sums(part), statuses(part), part["date_paid"]) == (("10.00", "4.00", "6.00"), (2, "partial", "partial", "sent"), None)
        second = books.pay(made, "6.00", date="2026-07-05")
        full = get(books, made)
        assert (sums(full), statuses(full), full["date_paid"]) == (("10.00", "10.00", "0.00"), (4, "paid", "paid", "sent"), "2026-07-05")
        books.ok("PUT", f"payments/payments/{second['id']}", {"payment": {"vis_state": 1}})
        assert sums(get(books, made)) == ("10.00", "4.00", "6.00")
        assert books.ok("GET", "payments/payments", search__invoiceid=made)["total"] == 1
        assert books.ok("GET", f"payments/payments/{second['id']}")["payment"]["vis_state"] == 1
        books.ok("PUT", f"payments/payments/{second['id']}", {"payment": {"vis_state": 0}})
        assert sums(get(books, made)) == ("10.00", "10.00", "0.00")
        books.ok("PUT", f"payments/payments/{second['id']}", {"payment": {"amount": {"amount": "0.00"}, "note": "given back"}})
        assert sums(get(books, made)) == ("10.00", "4.00", "6.00")


def test_an_overpayment_becomes_a_credit() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00")["id"]
        paid = books.pay(made, "12.50")
        assert paid["amount"]["amount"] == "10.00"
        credit = books.ok("GET", f"credit_notes/credit_notes/{paid['overpaymentid']}")["credit_note"]
        assert (credit["amount"]["amount"], credit["credit_type"]) == ("2.50", "overpayment")
        again = books.pay(made, "3.00")
        assert (again["amount"]["amount"], again["overpaymentid"] is not None) == ("0.00", True)
        assert sums(get(books, made)) == ("10.00", "10.00", "0.00")
        for payment in (paid, again):
            books.ok("PUT", f"payments/payments/{payment['id']}", {"payment": {"vis_state": 1}})
        assert [each["vis_state"] for each in books.admin("books")["credits"]] == [1, 1]
        assert sums(get(books, made)) == ("10.00", "0.00", "10.00")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"invoiceid": None}, (422, 1001, "invoiceid")),
        ({"amount": None}, (422, 1001, "amount")),
        ({"amount": {}}, (422, 1001, "amount")),
        ({"date": ""}, (422, 1001, "date")),
        ({"invoiceid": 5}, (422, 1012, "invoiceid")),
        ({"type": "Stripe"}, (422, 1004, "type")),
        ({"type": "cash"}, (422, 1004, "type")),
        ({"amount": {"amount": "1", "code": "EUR"}}, (422, 1004, "amount")),
        ({"amount": {"amount": "-1"}}, (422, 1004, "amount")),
        ({"amount": {"amount": True}}, (422, 1015, "amount")),
        ({"date": "2026-02-30"}, (422, 1033, "date")),
    ],
)
def test_payments_that_are_refused(fields: dict[str, Any], expected: tuple[int, int, str]) -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00")["id"]
        body = {"invoiceid": made, "amount": {"amount": "1"}, "date": "2026-07-02", **fields}
        assert books.refused("POST", "payments/payments", {"payment": body}) == expected
        assert sums(get(books, made)) == ("10.00", "0.00", "10.00")
        assert books.ok("GET", "payments/payments")["total"] == 0


def test_a_deleted_invoice_takes_no_payment() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00")["id"]
        put(books, made, vis_state=1)
        body = {"invoiceid": made, "amount": {"amount": "1"}, "date": "2026-07-02"}
        assert books.refused("POST", "payments/payments", {"payment": body}) == (422, 1011, "invoiceid")
        assert books.refused("PUT", f"{INVOICES}/{made}", {"invoice": {"notes": "x"}}) == (422, 1011, "invoiceid")


def test_payment_filters() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00", invoice_number="TB-5")["id"]
        other = books.invoice(books.client()["id"], "9.00")["id"]
        mine, _ = books.pay(made, "1.00", note="TB-5/tx-1"), books.pay(other, "2.00", type="Check")

        def found(**params: Any) -> list[int]:
            return [row["id"] for row in books.ok("GET", "payments/payments", **params)["payments"]]

        assert found(search__invoiceid=made) == found(search__number="TB-5") == found(search__notes="tx-1") == [mine["id"]]
        assert found(search__type="Cash") == found(search__amount_max="2") == [mine["id"]]
        assert len(found(search__note="tx-1")) == 2  # not a filter
        assert len(found(search__date_min="2026-07-02")) == 2
        assert found(search__date_max="2026-07-02") == []
        assert books.refused("GET", "payments/payments", search__date_min="soon") == (422, 1033, "date_min")


def test_credit_notes_take_the_singular_wrapper_only() -> None:
    with running() as books:
        client = books.client()["id"]
        body = {"clientid": client, "create_date": "2026-07-03", "credit_number": "TB-5-R1", "lines": [LINE], "notes": "refund"}
        assert books.refused("POST", "credit_notes/credit_notes", {"credit_notes": body}) == (422, 1001, "clientid")
        assert books.refused("POST", "credit_notes/credit_notes", {"credit_note": body | {"credit_type": "overpayment"}}) == (
            422,
            1004,
            "credit_type",
        )
        made = books.ok("POST", "credit_notes/credit_notes", {"credit_note": body}, include="lines")["credit_note"]
        assert (made["amount"]["amount"], made["credit_number"], made["lines"][0]["name"]) == ("1.00", "TB-5-R1", "A")
        assert "updated" not in made
        books.ok("PUT", f"credit_notes/credit_notes/{made['id']}", {"credit_note": {"vis_state": 1}})
        assert books.ok("GET", "credit_notes/credit_notes", search__clientid=client)["credit_notes"] == []
        assert [(each["number"], each["vis_state"]) for each in books.admin("books")["credits"]] == [("TB-5-R1", 1)]


def test_a_locked_invoice_is_not_edited_but_can_be_paid() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00")["id"]
        assert books.admin("lock_invoice", invoice_id=made)["invoice"]["locked"] is True
        assert get(books, made)["lock_status"] == "locked"
        for body in ({"notes": "x"}, {"vis_state": 1}, {"action_mark_as_sent": True}):
            assert books.refused("PUT", f"{INVOICES}/{made}", {"invoice": body}) == (403, 1003, "lock_status")
        assert statuses(get(books, made))[0] == 1
        books.pay(made, "10.00")
        assert sums(get(books, made)) == ("10.00", "10.00", "0.00")
