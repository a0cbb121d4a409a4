"""A worker died in the middle of an order, and the order went on in the shop before another one took it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, OperationalError
from django.db import connection as database
from django.utils import timezone

from audit.models import AuditRecord
from audit.services import AuditEntry, write_with
from flows.jobs import finish
from flows.jobs.claim import claim
from flows.jobs.crashed import release_expired
from flows.models import ExternalLink, SyncJob, SyncRecord
from flows.models.job import Priority
from flows.pipeline import intents, run
from flows.pipeline.record import record_end
from tests.flows.conftest import Town
from tests.flows.crashing import at_point, dies, found_by_the_sweep, lease_over, links, queue, runs_once, settle

GIFT = [{"name": "Gift", "total": "10.00"}]


def amounts(town: Town, order: dict[str, Any]) -> tuple[str, str, int]:
    invoice = town.invoice(order)
    return invoice["amount"], invoice["paid"], invoice["vis_state"]


# ---- an edit that was undone -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["before_update", "after_update"])
def test_an_edit_that_was_undone_after_the_crash_is_undone_in_the_books(town: Town, place: str) -> None:
    order = town.order()
    town.book(order)
    town.change(order, fee_lines=GIFT)
    queue(town, order)
    dies(town, place)
    assert town.invoice(order)["amount"] == ("31.53" if place == "after_update" else "20.23")
    assert SyncRecord.objects.get(source_id=order["id"]).desired_hash == ""
    town.change(order, fee_lines=[{"id": town.raw(order)["fee_lines"][0]["id"], "name": None}])
    assert town.raw(order)["total"] == "20.23"
    queue(town, order)
    job = found_by_the_sweep(town)
    assert job.state == "done", job.reason
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert town.book(order).reason_code == "unchanged"


# ---- what was asked of the dead worker's job ---------------------------------------------------------------


def test_the_waiting_job_inherits_force_and_urgency_from_the_one_that_died(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"vis_state": 1})
    queue(town, order, Priority.PERSON, force=True)
    assert claim(timezone.now()) is not None
    queue(town, order, Priority.POLL)
    lease_over()
    assert release_expired(timezone.now()) == 1
    left = list(SyncJob.objects.order_by("pk").values_list("state", "force", "crashes", "priority"))
    assert left == [("done", False, 0, 1), ("superseded", True, 1, 0), ("waiting", True, 1, 0)]
    town.work()
    assert SyncJob.objects.latest("pk").reason_code == "deleted_by_hand"  # it looked, though nothing changed in the shop


def test_the_waiting_job_inherits_force_and_urgency_from_one_that_has_to_wait(town: Town) -> None:
    order = town.order()
    town.ask(town.shop, "faults", faults=[{"kind": "status", "status": 429, "path": "/orders/", "headers": {"Retry-After": "60"}}])
    queue(town, order, Priority.PERSON, force=True)
    lease = claim(timezone.now())
    assert lease is not None
    queue(town, order, Priority.BACKFILL)
    run.run_job(lease)
    left = list(SyncJob.objects.order_by("pk").values_list("state", "force", "priority"))
    assert left == [("superseded", True, 0), ("waiting", True, 0)]


def test_a_more_urgent_waiting_job_stays_urgent_and_unforced(town: Town) -> None:
    order = town.order()
    queue(town, order, Priority.BACKFILL)
    assert claim(timezone.now()) is not None
    queue(town, order, Priority.PERSON)
    lease_over()
    release_expired(timezone.now())
    waiting = SyncJob.objects.get(state="waiting")
    assert (waiting.priority, waiting.force, waiting.crashes) == (0, False, 1)


# ---- a job that somebody else holds by now -----------------------------------------------------------------


def taken_away() -> None:
    SyncJob.objects.filter(state="running").update(lease_token="somebody-else")


@pytest.mark.parametrize("place", ["before_confirm", "after_call"])
def test_a_worker_that_lost_its_job_confirms_no_invoice(town: Town, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    order = town.order()
    queue(town, order)
    at_point(monkeypatch, place, "invoice", taken_away)
    assert runs_once(town) is None
    assert links() == [("invoice", "intended")]
    assert not AuditRecord.objects.filter(action="create invoice").exists()
    lease_over()
    assert found_by_the_sweep(town).state == "done"
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert ExternalLink.objects.get(object_type="invoice").adopted


def test_a_worker_that_lost_its_job_keeps_no_proof_of_an_update(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    order = town.order()
    town.book(order)
    town.change(order, fee_lines=GIFT)
    queue(town, order)
    at_point(monkeypatch, "after_update", "invoice", taken_away)
    assert runs_once(town) is None
    assert ExternalLink.objects.get(object_type="invoice").fingerprint == "", "what it shows is not told from a person's edit"
    assert not AuditRecord.objects.filter(action="update invoice").exists()
    lease_over()
    assert found_by_the_sweep(town).state == "done"
    assert amounts(town, order) == ("31.53", "20.23", 0)


# ---- a write that left before the lease ran out, and landed after the successor's -------------------------


def overtaken(town: Town, monkeypatch: pytest.MonkeyPatch, place: str, later: Callable[[], None]) -> None:
    """The worker stands still between its last look at the lease and the socket; its successor books what came later."""

    def meanwhile() -> None:
        later()
        lease_over()
        assert release_expired(timezone.now()) == 1
        town.due_now()
        assert runs_once(town) is None
        assert SyncJob.objects.filter(flow=town.orders).latest("pk").state == "done"

    at_point(monkeypatch, place, "invoice", meanwhile)
    assert runs_once(town) is None


@pytest.mark.parametrize(
    ("later", "amount", "name"),
    [({"name": "Gift", "total": "5.00"}, "25.88", "Gift"), ({"name": "Gift wrap", "total": "10.00"}, "31.53", "Gift wrap")],
    ids=["another amount", "other words"],
)
def test_an_update_that_lands_after_its_successor_s_is_mended(
    town: Town, monkeypatch: pytest.MonkeyPatch, later: dict[str, str], amount: str, name: str
) -> None:
    order = town.order(set_paid=False, status="processing", payment_method="cod")
    town.book(order)
    town.change(order, fee_lines=GIFT)
    queue(town, order)
    fee = town.raw(order)["fee_lines"][0]["id"]
    overtaken(town, monkeypatch, "before_update", lambda: town.change(order, fee_lines=[{"id": fee, **later}]) and None)
    stale = town.invoice(order)
    assert (stale["amount"], stale["lines"][-1]["name"]) == ("31.53", "Gift"), "the older content is what stands"
    again = SyncJob.objects.get(state="waiting")
    assert (again.trigger, again.force) == ("overtaken", True)
    town.work()
    assert SyncJob.objects.get(pk=again.pk).state == "done"
    mended = town.invoice(order)
    assert (mended["amount"], mended["lines"][-1]["name"]) == (amount, name)
    with town.untouched(town.books):
        assert town.book(order, force=True).state == "done"
    line = {"type": 0, "name": "By hand", "qty": "1", "unit_cost": {"amount": "33.00", "code": "CAD"}}
    town.ask(town.books, "edit_invoice", invoice_id=mended["id"], fields={"lines": [line]})
    town.change(order, fee_lines=[{"id": fee, "name": "Gift", "total": "7.00"}])
    assert town.book(order).reason_code == "edited_by_hand", "a person's edit is still told from ours"


def test_a_void_that_lands_after_its_successor_took_it_back_is_mended(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    order = town.order()
    town.book(order)
    town.change(order, status="cancelled")
    queue(town, order)
    overtaken(town, monkeypatch, "before_act", lambda: town.change(order, status="processing") and None)
    assert amounts(town, order) == ("20.23", "0.00", 0), "the payment was voided though the order is open again"
    town.work()
    assert amounts(town, order) == ("20.23", "20.23", 0)
    assert SyncJob.objects.filter(flow=town.orders).latest("pk").state == "done"


def test_a_lease_that_came_alive_again_between_two_statements_loses_no_confirmation(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process stood still past its lease, the statement that confirms found the job not ours, then the heartbeat came first."""
    order, missed = town.order(set_paid=False, status="processing", payment_method="cod"), list[str]()

    def too_late(change: Any, entry: AuditEntry) -> bool:
        if entry.action in ("mark_sent invoice", "update invoice"):
            missed.append(entry.action)
            return False
        return write_with(change, entry)

    monkeypatch.setattr("flows.pipeline.record.write_with", too_late)
    assert town.book(order).state == "done"
    town.change(order, fee_lines=GIFT)
    assert town.book(order).state == "done"
    assert missed == ["mark_sent invoice", "update invoice"]
    assert all(AuditRecord.objects.filter(action=action, outcome="done").count() == 1 for action in missed)
    fee = town.raw(order)["fee_lines"][0]["id"]
    town.change(order, fee_lines=[{"id": fee, "name": "Gift", "total": "7.00"}])
    assert town.book(order).state == "done", "what we wrote is still known as ours"


def test_an_intent_that_was_withdrawn_in_the_same_moment_is_busy_for_a_moment(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    order, real = town.order(), intents._insert
    met: list[object] = []

    def met_another(*args: Any) -> ExternalLink | None:
        if not met:
            met.append(args)
            return None  # its row stood in the way, and is gone when we look
        return real(*args)

    monkeypatch.setattr(intents, "_insert", met_another)
    job = town.book(order)
    assert (job.state, job.reason_code, job.attempts) == ("waiting", "link_busy", 0)
    assert town.ledger()["invoices"] == []
    town.due_now()
    town.work()
    assert amounts(town, order) == ("20.23", "20.23", 0)


def test_two_orders_that_settle_one_doubt_make_one_client(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine misses heartbeats: the first one's lease lapses while it searches, the second one takes the intent up, and then
    the first one's lease is alive again. Its intent is not.
    """
    first, second = town.order(), town.order()
    queue(town, first)
    dies(town, "before_call", "customer")
    release_expired(timezone.now())
    settle()
    town.due_now()

    def overtaken_by_the_second() -> None:
        mine = SyncJob.objects.get(state="running")
        lease_over()
        queue(town, second)
        runs_once(town)
        SyncJob.objects.filter(pk=mine.pk).update(lease_until=timezone.now() + timedelta(seconds=30))

    at_point(monkeypatch, "before_call", "customer", overtaken_by_the_second)
    runs_once(town)
    job = SyncJob.objects.get(source_id=str(first["id"]), state="waiting")
    assert (job.reason_code, job.attempts) == ("link_busy", 0)
    town.due_now()
    town.work()
    assert len(town.ledger()["clients"]) == 1
    assert [amounts(town, order) for order in (first, second)] == [("20.23", "20.23", 0)] * 2


def test_what_a_create_may_have_done_settles_from_when_it_left(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    order = town.order()
    queue(town, order)
    with time_machine.travel(timezone.now()) as clock:
        at_point(monkeypatch, "before_call", "customer", lambda: clock.shift(20.0))  # another one's turn came first
        runs_once(town)
    link = ExternalLink.objects.get(object_type="customer")
    assert link.confirmed_at is not None
    assert (link.confirmed_at - link.intended_at).total_seconds() < 10


# ---- the end that could not be written at once -------------------------------------------------------------


@pytest.mark.parametrize("problem", [OperationalError("deadlock detected"), IntegrityError("duplicate key")])
def test_an_end_that_met_another_writer_is_written_again(town: Town, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    order = town.order()
    tries: list[object] = []

    def stumbling(*args: Any) -> None:
        tries.append(args)
        if len(tries) < run.RECORD_ATTEMPTS:
            raise problem
        record_end(*args)

    monkeypatch.setattr(run, "record_end", stumbling)
    assert town.book(order).state == "done"
    assert (len(tries), run.RECORD_ATTEMPTS) == (4, 4)
    assert AuditRecord.objects.filter(action="sync order").count() == 1
    assert amounts(town, order) == ("20.23", "20.23", 0)


def test_an_event_in_the_very_moment_of_the_end_folds_the_waiting_job(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.vendor != "postgresql":
        pytest.skip("with SQLite nobody writes between a transaction's statements")
    order, real = town.order(), finish.another_waits
    town.ask(town.shop, "faults", faults=[{"kind": "status", "status": 429, "path": "/orders/", "headers": {"Retry-After": "60"}}])
    met: list[bool] = []

    def event() -> None:
        queue(town, order)
        database.close()

    def met_by_an_event(job: SyncJob) -> bool:
        answer = real(job)
        if not met:
            met.append(answer)
            thread = threading.Thread(target=event)
            thread.start()
            thread.join()
        return answer

    monkeypatch.setattr(finish, "another_waits", met_by_an_event)
    queue(town, order)
    assert runs_once(town) is not None
    assert met == [False]
    assert list(SyncJob.objects.order_by("pk").values_list("state", "crashes")) == [("superseded", 0), ("waiting", 0)]
