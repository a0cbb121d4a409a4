"""What the service collected against what the books show, invoice by invoice: told, carried on from night to night, and mended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit.models import Alert
from connectors.platforms.freshbooks.sandbox.payments import hide_payment
from flows import reconcile as comparing
from flows.models import Flow, SyncJob
from flows.reconcile import Report, reconcile, reconcile_all
from tests.flows.till import Till


def compared(till: Till, flow: Flow, **wish: Any) -> Report:
    """Both sides compared; not a single write on either."""
    before = till.writes(till.books), till.writes(till.service)
    now = timezone.now() + timedelta(minutes=1)
    report = reconcile(flow, now - timedelta(days=1), now, **wish)
    assert (till.writes(till.books), till.writes(till.service)) == before
    return report


def drifts(report: Report) -> list[tuple[str, str]]:
    return [(", ".join(drift.kinds), drift.sentence) for drift in report.drifts]


def alerts(flow: Flow) -> list[str]:
    return list(Alert.objects.filter(cause=f"reconcile:{flow.pk}", closed_at=None).values_list("message", flat=True))


def delete_payment(till: Till, invoice: dict[str, Any], vis_state: int = 1) -> None:
    """A person deletes the payment in the books, or brings it back."""
    [payment] = till.here(invoice)["payments"]
    books = till.books.sandbox.state.main
    hide_payment(books, books.tables["payments"].rows[payment["id"]], vis_state)


def test_each_invoice_is_compared_once_however_many_parts_were_told_of(till: Till) -> None:
    invoice, at = till.issued()
    paid = till.pay(at, "40.00")
    till.pay(at)
    till.ask(till.service, "refund", payment=paid["payment"], amount="5.00")
    report = compared(till, till.back)
    assert (report.compared, drifts(report)) == (
        1,
        [("payment", f"Record 35.00 CAD on invoice {invoice['number']}; Record 60.00 CAD on invoice {invoice['number']}")],
    )
    assert (report.drifts[0].source_id, report.drifts[0].number, report.drifts[0].age_days) == (at["id"], invoice["number"], 0)
    assert alerts(till.back) == [
        "collection_to_payment: 1 compared, 1 different (1 payment). Open the latest comparison under Reconciliation and repair."
    ]
    till.record(at["id"])
    assert drifts(compared(till, till.back)) == []
    assert drifts(compared(till, till.out)) == []
    assert alerts(till.back) == []


def test_a_refund_of_long_ago_s_payment_leads_to_its_invoice(till: Till) -> None:
    """All that the window shows of it is the refund."""
    invoice, at = till.issued()
    paid = till.pay(at)
    till.record(at["id"])
    for event in till.service.sandbox.state.tables["events"].values():
        event["created"] -= 20 * 86400
    till.ask(till.service, "refund", payment=paid["payment"], amount="5.00")
    report = compared(till, till.back)
    assert [(drift.kinds, drift.source_id) for drift in report.drifts] == [(("payment",), at["id"])]
    assert drifts(report) == [("payment", "Change the payment of 100.00 CAD to 95.00 CAD")]
    assert till.recorded(invoice) == ["100.00"]


def test_missing_fees_do_not_hide_missing_payments(till: Till) -> None:
    till.option(till.back, fees="expense", pay_link=True)
    _invoice, at = till.issued()
    till.pay(at, "40.00")
    assert [drift.kinds for drift in compared(till, till.back).drifts] == [("payment", "fee", "note")]


def test_the_command_tells_and_repairs(till: Till, capsys: pytest.CaptureFixture[str]) -> None:
    invoice, at = till.issued()
    till.pay(at)
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", "collection_to_payment", "--json")
    assert ended.value.code == 1
    [drift] = json.loads(capsys.readouterr().out)["drifts"]
    assert (drift["kinds"], drift["source_id"], drift["age_days"]) == (["payment"], at["id"], 0)
    assert till.recorded(invoice) == []
    call_command("reconcile", "collection_to_payment", "--repair")
    till.work()
    assert till.recorded(invoice) == ["100.00"]
    call_command("reconcile", "collection_to_payment")
    assert "1 compared, 0 different, 0 queued for repair." in capsys.readouterr().out


@pytest.mark.parametrize("repair", [False, True])
def test_the_night_mends_only_when_the_flow_says_so(till: Till, repair: bool) -> None:
    till.option(till.back, repair=repair)
    invoice, at = till.issued()
    till.pay(at)
    reconcile_all()
    till.work()
    assert till.recorded(invoice) == (["100.00"] if repair else [])
    assert len(alerts(till.back)) == 1
    reconcile_later()
    assert len(alerts(till.back)) == (0 if repair else 1)
    assert SyncJob.objects.filter(flow=till.back, trigger="reconcile").count() == int(repair)


def reconcile_later() -> None:
    """Some night when nothing has changed for more than a week."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "NIGHTLY", timedelta(0))
        reconcile_all()


def test_a_difference_is_told_every_night_until_it_is_mended(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at)
    till.record(at["id"])
    delete_payment(till, invoice)
    reconcile_all()
    for _ in range(2):
        [alert] = alerts(till.back)
        assert "1 attention" in alert
        reconcile_later()
    delete_payment(till, invoice, 0)
    reconcile_later()
    assert alerts(till.back) == []
    reconcile_later()
    assert alerts(till.back) == []


def test_only_comparing_tells_what_the_books_lack_and_what_they_show_too_much(till: Till) -> None:
    till.option(till.back, policy="reconcile")
    invoice, at = till.issued()
    paid = till.pay(at)
    assert till.record(at["id"]).reason_code == "unrecorded"
    till.ask(till.books, "pay", invoice_id=invoice["id"])
    job = till.record(at["id"], force=True)
    assert job.state == "done", job.reason
    till.ask(till.service, "refund", payment=paid["payment"], amount="30.00")
    job = till.record(at["id"])
    assert (job.reason_code, "30.00 CAD of what was collected" in job.reason) == ("unrecorded", True)
    assert "100.00 CAD" in job.reason
    assert till.recorded(invoice) == ["100.00"]
    assert till.links("payment") == []
