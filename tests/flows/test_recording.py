"""What the payment service collected, in the books: to the cent, never twice, never more than the invoice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Alert, AuditRecord
from flows.models import SyncRecord
from flows.reconcile import reconcile
from tests.flows.till import CLIENT, LINES, Till


def test_two_partial_payments_settle_the_invoice(till: Till) -> None:
    invoice, at = till.issued()
    first = till.pay(at, "40.00")
    assert till.record(at["id"]).state == "done"
    assert (till.recorded(invoice), till.here(invoice)["outstanding"]) == (["40.00"], "60.00")
    assert till.collect(invoice).state == "done"  # our own payment changes nothing there
    assert [(each["status"], each["amount_remaining"]) for each in till.there(invoice)] == [("open", "60.00")]
    till.pay(at)
    job = till.record(at["id"])
    assert (job.state, job.reason) == ("done", f"100.00 CAD was collected on invoice {at['number']}.")
    payments = till.here(invoice)["payments"]
    assert [payment["amount"] for payment in payments] == ["40.00", "60.00"]
    assert [payment["type"] for payment in payments] == ["Credit Card", "Credit Card"]
    assert first["payment"] in payments[0]["note"]
    assert till.record(at["id"]).reason_code == "unchanged"
    assert till.collect(invoice).state == "done"
    proof = SyncRecord.objects.get(flow=till.back, source_id=at["id"])
    assert (proof.exact, str(proof.captured), str(proof.paid)) == (True, "100.000", "100.000")


def test_a_charge_is_looked_at_as_part_of_its_invoice(till: Till) -> None:
    invoice, at = till.issued()
    made = till.pay(at)
    refund = till.ask(till.service, "refund", payment=made["payment"], amount="30.00")
    for part in (made["charge"], made["payment"], refund["id"]):
        job = till.record(part)
        assert (job.state, job.reason_code) == ("nothing", "part_of")
    assert till.recorded(invoice) == ["70.00"]
    assert SyncRecord.objects.get(flow=till.back, source_id=at["id"]).exact


def test_a_refund_lowers_the_payment_and_a_full_one_takes_it_off(till: Till) -> None:
    invoice, at = till.issued()
    made = till.pay(at)
    till.record(at["id"])
    till.ask(till.service, "refund", payment=made["payment"], amount="25.00")
    assert till.record(at["id"]).state == "done"
    assert (till.recorded(invoice), till.here(invoice)["outstanding"]) == (["75.00"], "25.00")
    till.ask(till.service, "refund", payment=made["payment"])
    assert till.record(at["id"]).state == "done"
    assert (till.recorded(invoice), till.here(invoice)["outstanding"]) == ([], "100.00")
    assert till.collect(invoice, force=True).state == "done"  # paid at the service: it is not collected anew
    assert len(till.there(invoice)) == 1


def test_a_refund_on_its_way_waits_and_a_failed_one_is_put_back(till: Till) -> None:
    invoice, at = till.issued()
    made = till.pay(at)
    refund = till.ask(till.service, "refund", payment=made["payment"], amount="25.00", status="pending")
    till.record(at["id"])
    assert till.recorded(invoice) == ["100.00"]
    till.option(till.back, pending_refunds="at_once")
    till.record(at["id"], force=True)
    assert till.recorded(invoice) == ["75.00"]
    till.ask(till.service, "finish_refund", id=refund["id"], status="failed")
    till.record(at["id"])
    assert till.recorded(invoice) == ["100.00"]


def test_a_whole_refund_that_failed_restores_the_payment(till: Till) -> None:
    invoice, at = till.issued()
    till.option(till.back, pending_refunds="at_once")
    made = till.pay(at)
    till.record(at["id"])
    refund = till.ask(till.service, "refund", payment=made["payment"], status="pending")
    till.record(at["id"])
    assert till.recorded(invoice) == []
    till.ask(till.service, "finish_refund", id=refund["id"], status="failed")
    assert till.record(at["id"]).state == "done"
    assert till.recorded(invoice) == ["100.00"]
    assert len(till.here(invoice)["payments"]) == 1


def test_refunds_are_left_to_a_person_when_the_flow_says_so(till: Till) -> None:
    till.option(till.back, refunds="attention")
    invoice, at = till.issued()
    made = till.pay(at)
    till.record(at["id"])
    till.ask(till.service, "refund", payment=made["payment"], amount="25.00")
    job = till.record(at["id"])
    assert (job.reason_code, "25.00 CAD" in job.reason) == ("refund_review", True)
    assert till.recorded(invoice) == ["100.00"]
    payment = till.here(invoice)["payments"][0]
    till.ask(till.books, "edit_payment", payment_id=payment["id"], fields={"amount": {"amount": "75.00", "code": "CAD"}})
    assert till.record(at["id"], force=True).state == "done"
    till.option(till.back, refunds="ignore")
    assert till.record(at["id"], force=True).state == "done"
    assert till.recorded(invoice) == ["100.00"]


@pytest.mark.parametrize(("ending", "recorded"), [("lost", ["60.00"]), ("won", ["100.00"])])
def test_a_dispute_counts_once_it_is_lost(till: Till, ending: str, recorded: list[str]) -> None:
    invoice, at = till.issued()
    made = till.pay(at)
    dispute = till.ask(till.service, "dispute", payment=made["payment"], amount="40.00")
    till.record(at["id"])
    assert till.recorded(invoice) == ["100.00"]
    till.ask(till.service, "close_dispute", id=dispute["id"], status=ending)
    assert till.record(at["id"], force=True).state == "done"
    assert till.recorded(invoice) == recorded


def test_more_than_the_invoice_is_never_recorded_and_is_told(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "130.00")
    job = till.record(at["id"])
    assert (job.state, job.reason_code) == ("attention", "overpaid")
    assert job.reason.startswith("30.00 CAD more")
    here = till.here(invoice)
    assert ([each["amount"] for each in here["payments"]], here["payments"][0]["overpayment_id"]) == (["100.00"], None)
    till.option(till.back, overpaid="ignore")
    assert till.record(at["id"], force=True).state == "done"
    assert till.recorded(invoice) == ["100.00"]


def test_a_cheque_leaves_less_room(till: Till) -> None:
    invoice, at = till.issued()
    till.ask(till.books, "pay", invoice_id=invoice["id"], amount="80.00")
    till.pay(at)
    assert till.record(at["id"]).reason_code == "overpaid"
    assert till.recorded(invoice) == ["80.00", "20.00"]
    assert till.here(invoice)["outstanding"] == "0.00"


def test_a_payment_that_a_person_deleted_is_asked_about_and_not_made_again(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at)
    till.record(at["id"])
    till.ask(till.books, "edit_payment", payment_id=till.here(invoice)["payments"][0]["id"], fields={"vis_state": 1})
    till.books.sandbox.command("forget", {})
    assert till.record(at["id"], force=True).reason_code == "payment_deleted"
    assert till.writes(till.books) == {}


def test_what_a_person_marked_as_paid_at_the_service_is_told(till: Till) -> None:
    invoice, at = till.issued()
    till.service.sandbox.command("act", {"invoice": at["id"], "action": "pay"})
    assert till.record(at["id"]).reason_code == "paid_elsewhere"
    assert till.recorded(invoice) == []


# ---- which invoice -----------------------------------------------------------------------------------------


def test_the_mark_finds_the_invoice_when_the_link_is_lost(till: Till) -> None:
    from flows.models import ExternalLink

    invoice, at = till.issued()
    ExternalLink.objects.filter(object_type="invoice").delete()
    till.pay(at)
    assert till.record(at["id"]).state == "done"
    assert till.recorded(invoice) == ["100.00"]


def test_the_mark_of_other_books_is_left_alone(till: Till) -> None:
    [at] = till.ask(till.service, "place_invoices", count=1)["invoices"]
    till.service.sandbox.state.tables["invoices"][at["id"]]["metadata"] = {"tillbridge": "abc123:830001"}
    till.pay(at)
    assert till.record(at["id"]).reason_code == "other_books"
    assert till.writes(till.books) == {}


def test_a_sale_goes_to_the_payers_only_open_invoice_of_that_amount(till: Till) -> None:
    invoice = till.bill()
    till.bill([{"name": "Other", "qty": "1", "unit_cost": {"amount": "55.00", "code": "CAD"}}], client_id=invoice["client_id"])
    sale = till.ask(till.service, "sell", amount="100.00", email="Ida@Stroem.example")
    assert till.record(sale["payment"]).state == "done"
    assert till.recorded(invoice) == ["100.00"]
    till.ask(till.service, "refund", payment=sale["payment"], amount="10.00")
    assert till.record(sale["payment"]).state == "done"  # found again, though the invoice was no longer open
    assert till.recorded(invoice) == ["90.00"]


def test_several_or_no_matches_are_a_persons_to_judge(till: Till) -> None:
    first = till.bill()
    second = till.bill(client_id=first["client_id"])
    for sale in (
        till.ask(till.service, "sell", amount="100.00", email=CLIENT["email"]),
        till.ask(till.service, "sell", amount="99.00", email=CLIENT["email"]),
        till.ask(till.service, "sell", amount="100.00", email="nobody@else.example"),
    ):
        job = till.record(sale["payment"])
        assert (job.state, job.reason_code) == ("attention", "manual_review")
    assert till.recorded(first) == till.recorded(second) == []
    assert till.writes(till.books) == {}
    till.option(till.back, unmatched="ignore")
    assert till.record(sale["payment"], force=True).reason_code == "unmatched"


def test_another_currency_is_shown_converted_and_not_recorded(till: Till) -> None:
    invoice = till.bill()
    sale = till.ask(till.service, "sell", amount="50.00", currency="eur", email=CLIENT["email"], metadata={})
    job = till.record(sale["payment"])
    assert job.reason_code == "manual_review"
    assert "50.00 EUR = 74.00 CAD at 1.48" in job.reason
    assert till.recorded(invoice) == []


# ---- fees and the payment page ------------------------------------------------------------------------------


def test_fees_become_one_expense_each(till: Till) -> None:
    till.option(till.back, fees="expense")
    _invoice, at = till.issued()
    first = till.pay(at, "40.00")
    till.record(at["id"])
    till.pay(at, fee_later=True)
    till.record(at["id"])
    expenses = till.ask(till.books, "books")["expenses"]
    assert [(row["amount"]["amount"], row["vendor"]) for row in expenses] == [("1.46", "stripe 1")]
    assert first["payment"] in expenses[0]["notes"]
    late = till.ask(till.service, "everything")["charges"][-1]
    till.ask(till.service, "settle_charge", payment=late["id"])
    till.record(at["id"])
    till.record(at["id"], force=True)
    expenses = till.ask(till.books, "books")["expenses"]
    assert [row["amount"] for row in expenses] == [{"amount": "1.46", "code": "CAD"}, {"amount": "2.04", "code": "CAD"}]


def test_an_unknown_category_names_the_known_ones(till: Till) -> None:
    till.option(till.back, fees="expense", fee_category="Card costs")
    invoice, at = till.issued()
    till.pay(at)
    job = till.record(at["id"])
    assert (job.reason_code, "Bank Fees" in job.reason) == ("no_category", True)
    assert till.recorded(invoice) == ["100.00"]
    assert till.ask(till.books, "books")["expenses"] == []


def test_the_payment_page_is_written_once_and_is_no_edit(till: Till) -> None:
    till.option(till.back, pay_link=True)
    invoice, at = till.issued(notes="Thank you")
    assert till.record(at["id"]).state == "done"
    assert till.here(invoice)["notes"] == f"Thank you\nPay online: {at['url']}"
    assert till.collect(invoice).state == "nothing"
    till.pay(at)
    till.record(at["id"])
    assert till.here(invoice)["notes"].count("Pay online: ") == 1
    assert [each["status"] for each in till.there(invoice)] == ["paid"]


# ---- comparing ----------------------------------------------------------------------------------------------


def test_only_comparing_writes_nothing_and_tells_what_is_missing(till: Till) -> None:
    till.option(till.back, policy="reconcile")
    invoice, at = till.issued()
    till.pay(at, "40.00")
    till.books.sandbox.command("forget", {})
    job = till.record(at["id"])
    assert (job.state, job.reason_code) == ("attention", "unrecorded")
    assert "40.00 CAD was collected" in job.reason
    assert till.writes(till.books) == {}
    till.ask(till.books, "pay", invoice_id=invoice["id"], amount="40.00")
    assert till.record(at["id"], force=True).state == "done"


def test_a_reconciliation_finds_what_was_missed_with_its_age_and_mends_it(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "40.00")
    now = timezone.now() + timedelta(minutes=1)
    till.books.sandbox.command("forget", {})
    report = reconcile(till.back, now - timedelta(days=1), now)
    kinds = {(*drift.kinds, drift.source_id, drift.age_days) for drift in report.drifts}
    assert kinds == {("missing", at["id"], 0)} or kinds == {("payment", at["id"], 0)}
    assert Alert.objects.filter(cause=f"reconcile:{till.back.pk}", closed_at=None).count() == 1
    assert till.writes(till.books) == {}
    reconcile(till.back, now - timedelta(days=1), now, repair=True)
    till.work()
    assert till.recorded(invoice) == ["40.00"]
    assert reconcile(till.back, now - timedelta(days=1), now).drifts == ()
    assert AuditRecord.objects.filter(action="reconcile").count() == 3


def test_both_directions_compare_clean_once_all_is_done(till: Till) -> None:
    paid, at = till.issued()
    till.pay(at)
    till.record(at["id"])
    till.collect(paid)
    open_, _ = till.issued(lines=LINES[:1])
    now = timezone.now() + timedelta(minutes=1)
    for flow in (till.out, till.back):
        report = reconcile(flow, now - timedelta(days=1), now)
        assert report.drifts == (), report.drifts
    assert (till.recorded(paid), till.recorded(open_)) == (["100.00"], [])
