"""Money that is not simply one payment for one invoice: attached later, shared, overpaid, in a wrong currency."""

from __future__ import annotations

from typing import Any

from flows.models import Flow
from tests.flows.conftest import connect
from tests.flows.till import LINES, Till


def api(till: Till) -> Any:
    """What a program of the account's owner does."""
    import stripe

    stripe.enable_telemetry = False
    return stripe.StripeClient(till.service.sandbox.state.key, base_addresses={"api": till.service.url}).v1


def paid_by_card(till: Till, amount: int, at: dict[str, Any] | None = None, currency: str = "cad") -> str:
    customer = {"customer": at["customer"]} if at else {}
    made = api(till).payment_intents.create(
        {"amount": amount, "currency": currency, "confirm": True, "payment_method": "pm_card_visa", **customer}
    )
    return str(made.id)


def test_a_sale_that_is_attached_to_its_invoice_later_is_recorded_once(till: Till) -> None:
    invoice, at = till.issued()
    intent = paid_by_card(till, 10000, at)
    assert till.record(intent).state == "done"  # matched by customer and amount
    assert till.recorded(invoice) == ["100.00"]
    api(till).invoices.attach_payment(at["id"], {"payment_intent": intent})
    job = till.record(at["id"])
    assert job.state == "done", job.reason
    assert till.record(intent).reason_code == "part_of"
    assert till.recorded(invoice) == ["100.00"]
    till.ask(till.service, "refund", payment=intent, amount="30.00")
    assert till.record(at["id"]).state == "done"  # the same payment is lowered
    assert till.recorded(invoice) == ["70.00"]
    assert len(till.here(invoice)["payments"]) == 1


def test_a_sale_that_is_attached_to_another_invoice_is_not_recorded_there_as_well(till: Till) -> None:
    first, at = till.issued()
    intent = paid_by_card(till, 10000, at)
    till.record(intent)
    second, there = till.issued()
    api(till).invoices.attach_payment(there["id"], {"payment_intent": intent})
    job = till.record(there["id"])
    assert job.reason_code == "payment_moved", job.reason
    assert (till.recorded(first), till.recorded(second)) == (["100.00"], [])


def test_one_payment_for_two_invoices_is_split_as_the_service_split_it(till: Till) -> None:
    first, at = till.issued()
    second, there = till.issued()
    intent = paid_by_card(till, 17000)
    for each in (at, there):
        api(till).invoices.attach_payment(each["id"], {"payment_intent": intent})
        assert till.record(each["id"]).state == "done"
    assert (till.recorded(first), till.recorded(second)) == (["100.00"], ["70.00"])
    till.ask(till.service, "refund", payment=intent, amount="20.00")
    for each in (at, there):
        job = till.record(each["id"])
        assert job.reason_code == "manual_review", job.reason
        assert "only a part" in job.reason
    assert (till.recorded(first), till.recorded(second)) == (["100.00"], ["70.00"])


def test_refunding_what_was_overpaid_leaves_the_invoice_paid(till: Till) -> None:
    """Whether the service counts the surplus into the invoice's part or not."""
    for counted in (True, False):
        invoice, at = till.issued()
        paid = till.pay(at, "120.00")
        if not counted:
            parts = till.service.sandbox.state.tables["invoice_payments"].values()
            [part] = [part for part in parts if part["invoice"] == at["id"] and part["status"] == "paid"]
            part["amount_paid"] = 10000
        job = till.record(at["id"])
        assert (job.reason_code, "20.00 CAD more" in job.reason) == ("overpaid", True)
        assert till.recorded(invoice) == ["100.00"]
        till.ask(till.service, "refund", payment=paid["payment"], amount="20.00")
        job = till.record(at["id"])
        assert job.state == "done", job.reason
        assert till.recorded(invoice) == ["100.00"]
        till.ask(till.service, "refund", payment=paid["payment"], amount="1.00")
        assert till.record(at["id"]).state == "done"
        assert till.recorded(invoice) == ["99.00"]


def test_a_refund_in_another_currency_is_manual_review(till: Till) -> None:
    invoice, at = till.issued()
    paid = till.pay(at)
    till.record(at["id"])
    refund = till.ask(till.service, "refund", payment=paid["payment"], amount="30.00")
    till.service.sandbox.state.tables["refunds"][refund["id"]]["currency"] = "usd"
    job = till.record(at["id"])
    assert (job.reason_code, "30.00 USD" in job.reason) == ("manual_review", True)
    assert till.recorded(invoice) == ["100.00"]


def test_an_invoice_whose_currency_was_changed_after_money_came_is_a_persons_business(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "40.00")
    row = till.books.sandbox.state.main.tables["invoices"].rows[invoice["id"]]
    row["currency_code"] = "USD"
    for name in ("amount", "outstanding", "paid"):
        row[name] = {**row[name], "code": "USD"}
    before = till.writes(till.service)
    assert till.collect(invoice, force=True).reason_code == "other_currency"
    job = till.record(at["id"])
    assert (job.reason_code, "40.00 CAD" in job.reason) == ("manual_review", True)
    assert (till.writes(till.service), till.recorded(invoice)) == (before, [])


def test_the_note_names_the_payment_and_its_charge(till: Till) -> None:
    invoice, at = till.issued()
    paid = till.pay(at)
    till.record(at["id"])
    [payment] = till.here(invoice)["payments"]
    assert payment["note"] == f"{paid['payment']} | {till.back.source.label} {paid['charge']}"


def test_each_fee_stands_on_the_day_on_which_it_was_taken(till: Till) -> None:
    till.option(till.back, fees="expense")
    _invoice, at = till.issued()
    paid = till.pay(at)
    till.ask(till.service, "refund", payment=paid["payment"], amount="10.00", fee=25)
    dispute = till.ask(till.service, "dispute", payment=paid["payment"], amount="20.00")
    till.ask(till.service, "close_dispute", id=dispute["id"], status="lost")
    movements = till.service.sandbox.state.tables["balance_transactions"].values()
    for place, row in enumerate(row for row in movements if row["fee"]):
        row["created"] = 1_780_000_000 + place * 40 * 86400
    job = till.record(at["id"])
    assert job.state == "done", job.reason
    expenses = till.ask(till.books, "books")["expenses"]
    assert sorted((row["date"], row["amount"]["amount"]) for row in expenses) == [
        ("2026-05-28", "3.20"),
        ("2026-07-07", "0.25"),
        ("2026-08-16", "15.00"),
    ]
    assert till.record(at["id"], force=True).state == "done"
    assert len(till.ask(till.books, "books")["expenses"]) == 3


def test_money_of_a_test_account_stays_out_of_the_books_unless_the_flow_says_so(till: Till) -> None:
    till.option(till.back, test_money="skip", pay_link=True, fees="expense")
    invoice, at = till.issued()
    till.pay(at)
    before = till.writes(till.books)
    job = till.record(at["id"])
    assert (job.reason_code, "test account" in job.reason) == ("left_out", True)
    assert (till.writes(till.books), till.recorded(invoice)) == (before, [])
    till.option(till.back, test_money="book")
    assert till.record(at["id"]).state == "done"
    assert till.recorded(invoice) == ["100.00"]


def test_two_connections_to_one_account_record_its_money_once(till: Till) -> None:
    other = connect(till.service, "stripe", till.back.organization)
    again = Flow.objects.create(
        organization=other.organization, label="again", source=other, destination=till.back.destination,
        recipe=till.back.recipe, options={"test_money": "book"},
    )  # fmt: skip
    invoice, at = till.issued()
    till.pay(at, "40.00")
    till.record(at["id"])
    job = till.run(again, at["id"])
    assert (job.state, job.reason_code) == ("attention", "number_taken")
    assert till.recorded(invoice) == ["40.00"]


def test_an_invoice_that_is_issued_anew_shows_its_new_payment_page_only(till: Till) -> None:
    till.option(till.back, pay_link=True)
    invoice, at = till.issued(notes="Thank you")
    till.record(at["id"])
    till.ask(till.books, "edit_invoice", invoice_id=invoice["id"], fields={"lines": LINES[:1]})
    assert till.collect(invoice).state == "done"
    [new] = [each for each in till.there(invoice) if each["status"] == "open"]
    assert till.record(new["id"]).state == "done"
    assert till.here(invoice)["notes"] == f"Thank you\nPay online: {new['url']}"
    assert till.collect(invoice).state == "nothing"
    assert till.record(at["id"]).state == "nothing"
    assert till.here(invoice)["notes"] == f"Thank you\nPay online: {new['url']}"


def test_a_sale_whose_fee_was_booked_keeps_it_when_it_is_attached_to_its_invoice(till: Till) -> None:
    till.option(till.back, fees="expense")
    invoice, at = till.issued()
    intent = paid_by_card(till, 10000, at)
    assert till.record(intent).state == "done"
    api(till).invoices.attach_payment(at["id"], {"payment_intent": intent})
    till.ask(till.service, "refund", payment=intent, amount="30.00", fee=25)
    job = till.record(at["id"])
    assert job.state == "done", job.reason
    assert till.recorded(invoice) == ["70.00"]
    assert [row["amount"]["amount"] for row in till.ask(till.books, "books")["expenses"]] == ["3.20", "0.25"]


def test_the_fee_of_a_dispute_that_was_won_is_taken_off_again(till: Till) -> None:
    till.option(till.back, fees="expense")
    for seen_before in (True, False):
        _invoice, at = till.issued()
        paid = till.pay(at)
        dispute = till.ask(till.service, "dispute", payment=paid["payment"], amount="20.00")
        if seen_before:
            till.record(at["id"])
            assert fees_in_the_books(till) == ["3.20", "15.00"]
        till.ask(till.service, "close_dispute", id=dispute["id"], status="won")
        job = till.record(at["id"])
        assert job.state == "done", job.reason
        assert fees_in_the_books(till) == (["3.20"] if seen_before else ["3.20", "3.20"])
    before = till.writes(till.books)
    assert till.record(at["id"], force=True).state == "done"
    assert till.writes(till.books) == before


def fees_in_the_books(till: Till) -> list[str]:
    return [row["amount"]["amount"] for row in till.ask(till.books, "books")["expenses"] if row["vis_state"] == 0]
