"""Invoices of the FreshBooks sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from fb_sandbox_driver import INVOICES, get, put, running, statuses, sums

KEYS = """
    accountid accounting_systemid address amount attach_pdf_to_email auto_bill autobill_status basecampid city code country create_date
    created_at currency_code current_organization customerid date_paid deposit_amount deposit_percentage deposit_status description discount
    discount_description discount_total discount_value display_status dispute_status due_date due_offset_days estimateid ext_archive fname
    fulfillment_date generation_date gmail id invoice_number invoiceid language last_order_status lname lock_status net_paid_amount notes
    organization outstanding ownerid paid parent payment_details payment_status po_number province return_uri sender_address sentid series
    show_attachments status street street2 template terms updated uuid v3_status vat_name vat_number version vis_state"""
ALL_INVOICE_KEYS = set(KEYS.split())


def test_a_new_invoice_is_a_draft_with_every_key() -> None:
    with running() as books:
        client = books.client(organization="Pots", p_city="Halifax")["id"]
        made = books.invoice(client, "10.00", "2.50", due_offset_days=14, po_number="77", status=2)
        assert set(made) == ALL_INVOICE_KEYS
        assert sums(made) == ("12.50", "0.00", "12.50")
        assert statuses(made) == (1, "draft", "unpaid", "draft")
        assert (made["due_date"], made["po_number"], made["invoice_number"]) == ("2026-07-15", "77", "0000001")
        assert (made["city"], made["organization"], made["current_organization"]) == ("Halifax", "Pots", "Pots")
        books.ok("PUT", f"users/clients/{client}", {"client": {"organization": "Bowls"}})
        again = get(books, made["id"])
        assert (again["organization"], again["current_organization"]) == ("Pots", "Bowls")


def test_lines_come_by_include_on_every_call() -> None:
    with running() as books:
        client = books.client()["id"]
        line = {
            "name": "Bowl",
            "description": "SKU B-1",
            "qty": 3,
            "unit_cost": {"amount": 4, "code": "USD"},
            "taxName1": "GST",
            "taxAmount1": 5,
        }
        body = {"invoice": {"customerid": client, "create_date": "2026-07-01", "lines": [line]}}
        made = books.ok("POST", INVOICES, body, include="lines")["invoice"]
        shown = made["lines"][0]
        assert (shown["lineid"], shown["taskno"], shown["type"], shown["qty"]) == (1, 1, 0, "3")
        assert (shown["amount"], shown["unit_cost"]) == ({"amount": "12.00", "code": "USD"}, {"amount": "4.00", "code": "USD"})
        assert (shown["taxName1"], shown["taxAmount1"], shown["taxName2"], shown["taxAmount2"]) == ("GST", "5", None, None)
        assert (made["amount"]["amount"], made["description"]) == ("12.60", "SKU B-1")
        assert get(books, made["id"], include="lines")["lines"] == made["lines"]
        assert books.ok("GET", INVOICES, include="lines")["invoices"][0]["lines"] == made["lines"]
        changed = books.ok("PUT", f"{INVOICES}/{made['id']}", {"invoice": {"notes": "x"}}, include="lines")["invoice"]
        assert [each["lineid"] for each in changed["lines"]] == [1]
        assert "lines" not in get(books, made["id"])


def test_lines_of_an_update_replace_the_set() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00", "2.50")
        kept = {"lineid": 2, "name": "Bowl", "qty": "2", "unit_cost": {"amount": "2.50"}}
        lines = [kept, {"lineid": 77, "name": "New", "unit_cost": {"amount": "1"}}]
        body = {"invoice": {"lines": lines}}
        changed = books.ok("PUT", f"{INVOICES}/{made['id']}", body, include="lines")["invoice"]
        assert [(each["lineid"], each["taskno"], each["qty"]) for each in changed["lines"]] == [(2, 1, "2"), (3, 2, "1")]
        assert sums(changed) == ("6.00", "0.00", "6.00")


def test_the_discount_is_a_percentage_before_tax() -> None:
    with running() as books:
        taxed = {"name": "A", "unit_cost": {"amount": "30.00"}, "taxName1": "HST", "taxAmount1": "15"}
        plain = {"name": "B", "qty": "2", "unit_cost": {"amount": "10.00"}}
        body = {"customerid": books.client()["id"], "create_date": "2026-07-01", "discount_value": "20", "lines": [taxed, plain]}
        made = books.ok("POST", INVOICES, {"invoice": body})["invoice"]
        assert (made["amount"]["amount"], made["discount_total"]["amount"]) == ("43.60", "-10.00")
        assert made["discount"] == {"amount": {"amount": "10.00", "code": "USD"}, "rate": "20", "type": "percent"}


@pytest.mark.parametrize(("rounding", "amount"), [("bucket", "0.32"), ("line", "0.33")])
def test_the_rounding_of_taxes_can_be_switched(rounding: str, amount: str) -> None:
    with running(rounding=rounding) as books:
        line = {"name": "A", "unit_cost": {"amount": "0.10"}, "taxName1": "GST", "taxAmount1": "5"}
        assert books.invoice(books.client()["id"], lines=[line] * 3)["amount"]["amount"] == amount


@pytest.mark.parametrize(
    ("currency", "price", "amount"), [("JPY", "101.5", "107"), ("USD", "101.51", "106.59"), ("KWD", "101.51", "106.586")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, price: str, amount: str) -> None:
    with running() as books:
        line = {"name": "A", "unit_cost": {"amount": price, "code": currency}, "taxName1": "T", "taxAmount1": "5"}
        assert books.invoice(books.client()["id"], lines=[line], currency_code=currency)["amount"] == {"amount": amount, "code": currency}


def test_negative_lines_are_taken_or_refused_by_switch() -> None:
    with running() as books:
        client = books.client()["id"]
        assert books.invoice(client, "10.00", "-4.00")["amount"]["amount"] == "6.00"
        body = {"customerid": client, "create_date": "2026-07-01", "lines": [{"name": "Off", "unit_cost": {"amount": "-1"}}]}
        assert books.refused("POST", INVOICES, {"invoice": body}) == (422, 1004, "amount")
        books.admin("switch", negative_lines="refuse")
        assert books.refused("POST", INVOICES, {"invoice": body}) == (422, 1004, "unit_cost")
        assert len(books.admin("books")["invoices"]) == 1


LINE = {"name": "A", "unit_cost": {"amount": "1"}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"customerid": None}, (422, 1001, "customerid")),
        ({"create_date": ""}, (422, 1001, "create_date")),
        ({"customerid": 999}, (422, 1012, "customerid")),
        ({"create_date": "01/07/2026"}, (422, 1033, "create_date")),
        ({"due_date": "2026-08-01"}, (403, 1038, "due_date")),
        ({"create_date": "9999-12-31", "due_offset_days": 1}, (422, 1004, "due_offset_days")),
        ({"status": "sent"}, (422, 1015, "status")),
        ({"status": 4}, (422, 1004, "status")),
        ({"discount_value": "101"}, (422, 1018, "discount_value")),
        ({"currency_code": "DOLLAR"}, (422, 1004, "currency_code")),
        ({"invoice_number": "9" * 51}, (422, 1017, "invoice_number")),
        ({"lines": {"name": "A"}}, (422, 1006, "lines")),
        ({"lines": ["A"]}, (422, 1006, "lines")),
        ({"lines": [LINE | {"unit_cost": "1.00"}]}, (422, 1006, "unit_cost")),
        ({"lines": [LINE | {"unit_cost": {"amount": "1", "code": "EUR"}}]}, (422, 1004, "unit_cost")),
        ({"lines": [LINE | {"unit_cost": {"amount": "NaN"}}]}, (422, 1004, "unit_cost")),
        ({"lines": [LINE | {"qty": "1e400"}]}, (422, 1004, "qty")),
        ({"lines": [LINE | {"taxName1": "T", "taxAmount1": "5.1234"}]}, (422, 1018, "taxAmount1")),
        ({"lines": [LINE | {"taxAmount1": "5"}]}, (422, 1001, "taxName1")),
        ({"lines": [LINE | {"type": 1}]}, (422, 1001, "expenseid")),
    ],
)
def test_what_is_refused_leaves_nothing_behind(fields: dict[str, Any], expected: tuple[int, int, str]) -> None:
    with running() as books:
        body = {"customerid": books.client()["id"], "create_date": "2026-07-01", "lines": [LINE], **fields}
        assert books.refused("POST", INVOICES, {"invoice": body}) == expected
        assert books.admin("books")["invoices"] == []
        assert books.invoice(books.client()["id"], "1.00")["invoice_number"] == "0000001"


def test_a_refused_update_changes_nothing() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00")
        path = f"{INVOICES}/{made['id']}"
        bad_line = {"name": "B", "unit_cost": {"amount": "x"}}
        assert books.refused("PUT", path, {"invoice": {"notes": "new", "lines": [bad_line]}}) == (422, 1015, "unit_cost")
        assert books.refused("PUT", path, {"invoice": {"notes": "new", "due_date": "2026-01-01"}}) == (403, 1038, "due_date")
        assert [books.refused("PUT", path, {"invoice": {"status": value}})[1] for value in (4, 8, "sent", "2")] == [1004, 1004, 1015, 1015]
        assert get(books, made["id"]) == made


def test_a_deleted_client_cannot_be_invoiced() -> None:
    with running() as books:
        client = books.client()["id"]
        books.ok("PUT", f"users/clients/{client}", {"client": {"vis_state": 1}})
        body = {"invoice": {"customerid": client, "create_date": "2026-07-01"}}
        assert books.refused("POST", INVOICES, body) == (422, 1011, "customerid")


def test_numbers_follow_each_other_and_are_never_doubled() -> None:
    with running() as books:
        client = books.client()["id"]
        numbers = [books.invoice(client, "1", **fields)["invoice_number"] for fields in ({}, {}, {"invoice_number": "TB-9"}, {}, {})]
        assert numbers == ["0000001", "0000002", "TB-9", "TB-10", "TB-11"]
        body = {"customerid": client, "create_date": "2026-07-01", "invoice_number": "TB-9"}
        assert books.refused("POST", INVOICES, {"invoice": body}) == (409, 409, "invoice_number")
        second = books.ok("GET", INVOICES, search__invoice_number="0000002")["invoices"][0]["id"]
        assert books.refused("PUT", f"{INVOICES}/{second}", {"invoice": {"invoice_number": "TB-10"}}) == (409, 409, "invoice_number")
        assert put(books, second, invoice_number="0000002")["invoice_number"] == "0000002"
        assert len(books.admin("books")["invoices"]) == 5
        books.admin("switch", collide_numbers=1)
        assert books.refused("POST", INVOICES, {"invoice": body | {"invoice_number": ""}}) == (409, 409, "invoice_number")
        assert books.invoice(client, "1")["invoice_number"] == "TB-12"


def test_the_number_of_a_deleted_invoice_is_free_again_but_not_twice() -> None:
    with running() as books:
        client = books.client()["id"]
        first = books.invoice(client, "1", invoice_number="TB-1")["id"]
        assert books.call("DELETE", f"{INVOICES}/{first}").json() == {"response": {}}
        assert get(books, first)["vis_state"] == 1
        books.invoice(client, "1", invoice_number="TB-1")
        assert books.refused("PUT", f"{INVOICES}/{first}", {"invoice": {"vis_state": 0}}) == (409, 409, "invoice_number")
        assert get(books, first)["vis_state"] == 1


def test_mark_as_sent_is_done_alone() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00", due_offset_days=20000)
        sent = put(books, made["id"], action_mark_as_sent=True, notes="ignored")
        assert statuses(sent) == (2, "sent", "unpaid", "sent")
        assert sent["notes"] == ""
        assert sent["fulfillment_date"] == sent["updated"][:10]
        assert statuses(put(books, made["id"], status=3)) == (3, "viewed", "unpaid", "viewed")
        put(books, made["id"], action_email=True, email_recipients=["ida@shop.example"])
        assert books.admin("books")["mails"] == [{"invoice_id": made["id"], "to": ["ida@shop.example"]}]


def test_overdue_is_only_in_v3_status() -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "10.00", create_date="2020-01-01")
        assert made["v3_status"] == "draft"
        assert statuses(put(books, made["id"], action_mark_as_sent=True)) == (2, "overdue", "unpaid", "sent")
        assert books.ok("GET", INVOICES, search__v3_status="overdue")["total"] == 1
        assert books.ok("GET", INVOICES, search__v3_status="sent")["total"] == 0
        assert books.ok("GET", INVOICES, search__status="4")["total"] == 1  # not a filter
