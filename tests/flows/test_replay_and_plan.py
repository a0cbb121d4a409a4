"""Looking without touching, and doing it again on purpose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit.models import AuditRecord
from flows.models import ExternalLink, Flow, InboundEvent, SyncJob, SyncRecord
from tests.flows.conftest import Town


def planned(town: Town, capsys: pytest.CaptureFixture[str], flow: str, source_id: str) -> list[str]:
    """The lines that the command prints; neither side nor our database is written."""

    def rows() -> list[Any]:
        return [list(model.objects.order_by("pk").values()) for model in (SyncJob, SyncRecord, ExternalLink, AuditRecord)]

    capsys.readouterr()
    before = rows()
    with town.untouched(town.shop, town.books):
        call_command("plan", flow, source_id)
    assert rows() == before
    return capsys.readouterr().out.splitlines()


def test_a_plan_of_a_new_order_lists_what_would_be_done(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    order = town.order()
    lines = planned(town, capsys, "orders", order["id"])
    assert [line.split(maxsplit=2)[:2] for line in lines] == [
        ["create", "customer"],
        ["create", "product"],
        ["create", "invoice"],
        ["mark_sent", "invoice"],
        ["create", "payment"],
    ]
    assert lines[2].endswith(f"Create invoice {order['number']} over 20.23 CAD")
    assert lines[4].endswith("Record payment of 20.23 CAD (Other)")
    assert town.ledger()["invoices"] == town.ledger()["clients"] == []


def test_a_plan_of_a_booked_order_is_empty_until_it_changes(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    order = town.order()
    town.book(order)
    assert planned(town, capsys, "orders", order["id"]) == ["Nothing to do: the destination is as it should be."]
    town.refund(order, amount="5.00")
    titles = [line.split(maxsplit=2)[2] for line in planned(town, capsys, "orders", order["id"])]
    assert titles == ["Change the payment of 20.23 CAD to 15.23 CAD", f"Update invoice {order['number']} to 15.23 CAD"]
    assert town.invoice(order)["paid"] == "20.23"


def test_a_plan_says_why_there_is_none(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    held = town.order(status="on-hold", set_paid=False)
    (line,) = planned(town, capsys, "orders", held["id"])
    assert line.startswith("Nothing to do: The status on-hold")
    (line,) = planned(town, capsys, "orders", "999999")
    assert line.startswith("Stopped: ")
    with pytest.raises(CommandError, match="no flow"):
        call_command("plan", "nonsense", held["id"])


def test_a_plan_of_the_way_back(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.orders.options = {"statuses": ["on-hold"]}
    town.orders.save()
    order = town.order(status="on-hold", set_paid=False, payment_method="bacs")
    town.book(order)
    payment = town.ask(town.books, "pay", invoice_id=town.invoice(order)["id"])["payment"]["id"]
    lines = planned(town, capsys, "payments", str(payment))
    assert [line.split(maxsplit=2)[:2] for line in lines] == [["create", "order_status"], ["create", "order_note"]]
    assert town.raw(order)["status"] == "on-hold"


# ---- again -------------------------------------------------------------------------------------------------


def test_a_replayed_job_looks_at_the_books_again(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    order = town.order()
    job = town.book(order)
    town.books.sandbox.command("forget", {})
    assert town.book(order).state == "nothing"
    assert town.calls(town.books) == {}
    call_command("replay", "job", str(job.pk))
    again = SyncJob.objects.latest("pk")
    assert capsys.readouterr().out == f"job {again.pk} is queued\n"
    assert (again.state, again.priority, again.force, again.source_id) == ("waiting", 0, True, order["id"])
    with town.untouched(town.books):
        town.work()
        assert sum(town.calls(town.books).values()) >= 1
    again.refresh_from_db()
    assert again.state == "done"
    assert AuditRecord.objects.filter(action="replay job", job_id=again.pk).count() == 1


def test_a_dead_job_is_settled_by_its_replay(town: Town) -> None:
    order = town.order()
    fault = {"kind": "status", "path": f"/orders/{order['id']}$", "status": 200, "body": '{"id": 1}', "times": 1}
    town.ask(town.shop, "faults", faults=[fault])
    job = town.book(order)
    assert job.state == "dead", job.reason
    call_command("replay", "job", str(job.pk))
    town.work()
    assert town.invoice(order)["paid"] == "20.23"
    job.refresh_from_db()
    assert job.state == "superseded"


def event(flow: Flow, *ids: str) -> InboundEvent:
    notices = [{"object_type": "order", "source_id": each, "topic": "order.updated", "deleted": False, "version": ""} for each in ids]
    return InboundEvent.objects.create(
        connection=flow.source, dedupe_key="kept", topic="order.updated", body=json.dumps({"id": 1}).encode(),
        received_at=timezone.now(), state="expanded", object_type="order", source_id=ids[0], notices=notices,
    )  # fmt: skip


def test_a_replayed_event_makes_its_jobs_again(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    orders = [town.order(), town.order()]
    kept = event(town.orders, *(order["id"] for order in orders))
    call_command("replay", "event", str(kept.pk))
    assert capsys.readouterr().out == "2 job(s) queued\n"
    assert set(SyncJob.objects.values_list("source_id", "event_id", "force", "priority")) == {(o["id"], kept.pk, True, 0) for o in orders}
    town.work()
    assert [town.invoice(order)["paid"] for order in orders] == ["20.23", "20.23"]
    assert AuditRecord.objects.filter(action="replay event", event_id=kept.pk).count() == 1
    call_command("replay", "event", str(kept.pk))
    with town.untouched(town.shop, town.books):
        town.work()
    assert len(town.ledger()["invoices"]) == 2


def test_a_replay_for_flows_that_are_off_makes_nothing(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    kept = event(town.orders, town.order()["id"])
    Flow.objects.update(enabled=False)
    call_command("replay", "event", str(kept.pk))
    assert capsys.readouterr().out == "0 job(s) queued\n"
    assert SyncJob.objects.count() == 0


@pytest.mark.parametrize("kind", ["job", "event"])
def test_what_does_not_exist_cannot_be_replayed(town: Town, kind: str) -> None:
    with pytest.raises(CommandError, match=f"There is no {kind} 4711"):
        call_command("replay", kind, "4711")
    assert SyncJob.objects.count() == 0


@pytest.mark.parametrize("command", [("reconcile", "orders", "--since"), ("backfill", "orders", "--until", "2026-11-20", "--since")])
def test_what_is_no_date_is_an_error_of_usage(town: Town, command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="'2026-13-45' is no date; write 2026-11-01"):
        call_command(*command, "2026-13-45")
    assert not SyncJob.objects.exists()


def test_a_plan_is_asked_for_by_the_number_that_people_know(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    order = town.order()
    town.book(order)
    SyncRecord.objects.update(number="R-1042")
    call_command("plan", "orders", "#R-1042")
    assert capsys.readouterr().out == "Nothing to do: the destination is as it should be.\n"
