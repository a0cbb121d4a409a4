"""Comparing both sides after the fact: each kind of drift is named, nothing is written, and a repair mends what can be mended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from audit.models import Alert, AuditRecord
from connectors.platforms.freshbooks.sandbox.payments import hide_payment
from flows import preview
from flows.models import SyncJob
from flows.pipeline.extract import extract as extracted
from flows.reconcile import Report, reconcile, reconcile_all
from tests.flows.bookkeeper import invoice_by_hand
from tests.flows.conftest import Town


def compared(town: Town, *, repair: bool = False) -> Report:
    """Both sides compared; not a single write on either."""
    now = timezone.now() + timedelta(minutes=1)
    with town.untouched(town.shop, town.books):
        return reconcile(town.orders, now - timedelta(days=1), now, repair=repair)


def drifts(report: Report) -> list[tuple[str, str]]:
    return [(", ".join(drift.kinds), drift.source_id) for drift in report.drifts]


def alerts(town: Town) -> int:
    return Alert.objects.filter(cause=f"reconcile:{town.orders.pk}", closed_at=None).count()


def repaired(town: Town) -> None:
    """Repair, work, compare again: nothing is left."""
    report = compared(town, repair=True)
    assert report.repaired == len({drift.source_id for drift in report.drifts}) > 0
    town.work()
    again = compared(town)
    assert drifts(again) == []
    assert alerts(town) == 0


def test_books_that_agree_say_so(town: Town) -> None:
    for order in (town.order(), town.order()):
        town.book(order)
    town.order(status="on-hold", set_paid=False)
    report = compared(town)
    assert (report.compared, report.drifts, alerts(town)) == (3, (), 0)
    record = AuditRecord.objects.get(action="reconcile")
    assert (record.outcome, record.flow_id) == ("done", town.orders.pk)


def test_a_missing_order_is_found_and_booked(town: Town) -> None:
    town.book(town.order())
    missing = town.order()
    assert drifts(compared(town)) == [("missing", missing["id"])]
    assert alerts(town) == 1
    assert not SyncJob.objects.filter(state="waiting").exists()
    repaired(town)
    assert town.invoice(missing)["paid"] == "20.23"


def test_an_amount_that_drifted_is_found_and_mended(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.change(order, shipping_lines=[{"method_title": "Courier", "total": "10.00"}])  # and the webhook got lost
    report = compared(town)
    assert drifts(report) == [("amount", order["id"])]
    assert any("31.53" in drift.sentence for drift in report.drifts)
    repaired(town)
    assert town.invoice(order)["amount"] == "31.53"


def test_a_payment_that_is_missing_is_found_and_mended(town: Town) -> None:
    order = town.order(set_paid=False, status="processing", payment_method="cod")
    town.book(order)
    town.change(order, status="completed")
    assert drifts(compared(town)) == [("payment", order["id"])]
    repaired(town)
    assert town.invoice(order)["paid"] == "20.23"


def test_a_payment_deleted_by_hand_is_a_persons_to_judge(town: Town) -> None:
    order = town.order()
    town.book(order)
    payment = town.invoice(order)["payments"][0]["id"]
    state = town.books.sandbox.state.main
    hide_payment(state, state.tables["payments"].rows[payment], 1)
    report = compared(town, repair=True)
    assert drifts(report) == [("attention", order["id"])]
    town.work()
    assert SyncJob.objects.latest("pk").reason_code == "deleted_by_hand"
    assert [each["vis_state"] for each in town.invoice(order)["payments"]] == [1]


def test_an_invoice_edited_by_hand_shows_as_a_question(town: Town) -> None:
    order = town.order()
    town.book(order)
    lines = [{"name": "Tea", "qty": "1", "unit_cost": {"amount": "19.00", "code": "CAD"}}]
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"lines": lines})
    (drift,) = compared(town).drifts
    assert drift.kinds == ("attention",)
    assert town.invoice(order)["amount"] == "19.00"


def test_two_invoices_for_one_order_are_told_and_never_repaired(town: Town) -> None:
    """FreshBooks refuses a number twice; books that were merged or imported may hold one all the same."""
    order = town.order()
    town.book(order)
    twin = invoice_by_hand(town, po_number=order["number"])
    table = town.books.sandbox.state.main.tables["invoices"]
    client = next(iter(table.rows.values()))["customerid"]
    table.save(twin, {**table.rows[twin], "invoice_number": order["number"], "customerid": client})
    report = compared(town, repair=True)
    assert [kind for kind, _ in drifts(report)] == ["double"]
    assert report.repaired == 0
    assert not SyncJob.objects.filter(state="waiting").exists()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [({"kind": "status", "status": 200, "body": '{"id": "x"}'}, "attention"), ({"kind": "html", "status": 502}, "unreadable")],
    ids=["malformed", "no answer"],
)
def test_an_order_that_cannot_be_read_does_not_hide_the_others(town: Town, fault: dict[str, Any], kind: str) -> None:
    broken, missing = town.order(), town.order()
    town.ask(town.shop, "faults", faults=[{**fault, "path": f"/orders/{broken['id']}$", "times": -1}])
    assert sorted(drifts(compared(town))) == sorted([("missing", missing["id"]), (kind, broken["id"])])


def test_a_defect_met_in_one_order_hides_neither_the_others_nor_other_flows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    odd, fine = town.order(), town.order()

    def extract(bench: Any, source_id: str) -> Any:
        if source_id == str(odd["id"]):
            raise ValueError("a defect")
        return extracted(bench, source_id)

    monkeypatch.setattr(preview, "extract", extract)
    reconcile_all()
    found = AuditRecord.objects.get(action="reconcile").evidence["drifts"]
    assert {drift["source_id"]: drift["kinds"] for drift in found} == {str(odd["id"]): ["unreadable"], str(fine["id"]): ["missing"]}
    assert "Tillbridge itself failed on this (ValueError: a defect)." in str(found)


def test_the_command_reports_and_its_exit_code_tells(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    order = town.order()
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", "orders", "--json")
    assert ended.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["compared"], report["repaired"]) == (1, 0)
    assert [(drift["kinds"], drift["source_id"]) for drift in report["drifts"]] == [(["missing"], order["id"])]
    call_command("reconcile", "orders", "--repair")
    assert "1 compared, 1 different, 1 queued for repair." in capsys.readouterr().out
    town.work()
    call_command("reconcile", "orders")
    assert "1 compared, 0 different, 0 queued for repair." in capsys.readouterr().out


def test_only_what_changed_since_is_compared(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.ask(town.shop, "clock", now="2026-10-01T12:00:00+00:00")
    town.order()
    town.ask(town.shop, "clock", now="2026-11-01T12:00:00+00:00")
    town.order()
    town.ask(town.shop, "clock")
    for since, count in (("2026-09-30", 2), ("2026-10-15", 1), ("2026-11-10", 0)):
        call_command("reconcile", "orders", "--since", since, "--repair")
        assert f"{count} compared" in capsys.readouterr().out


def test_the_nightly_comparison_looks_at_flows_that_keep_a_proof(town: Town) -> None:
    town.order()
    reconcile_all()
    found: list[Any] = list(AuditRecord.objects.filter(action="reconcile").values_list("flow_id", "outcome"))
    assert found == [(town.orders.pk, "attention")]
    assert alerts(town) == 1


@pytest.mark.parametrize("booked", [False, True])
def test_an_order_that_vanished_is_a_difference_only_while_something_stands_for_it(town: Town, booked: bool) -> None:
    order = town.order()
    reconcile_all()
    assert alerts(town) == 1
    if booked:
        town.book(order)
    body = '{"code": "woocommerce_rest_shop_order_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}'
    gone = {"kind": "status", "status": 404, "body": body, "path": f"/orders/{order['id']}$", "times": -1}
    town.ask(town.shop, "faults", faults=[gone])
    reconcile_all()
    assert alerts(town) == int(booked)
    found = AuditRecord.objects.filter(action="reconcile").latest("pk").evidence["drifts"]
    assert [drift["kinds"] for drift in found] == ([["extra"]] if booked else [])
