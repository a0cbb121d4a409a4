"""A worker dies between a write and our note of it, or answers get lost: still one invoice at the service, one payment in the books."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection as database
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.registry import get_connector
from flows.jobs.claim import claim
from flows.jobs.crashed import release_expired
from flows.jobs.queue import Wanted, enqueue
from flows.models import ExternalLink, Flow, SyncJob
from flows.models.job import Priority
from flows.pipeline.run import run_job
from flows.recipes import RECIPES
from tests.flows.crashing import Died, at_point, lease_over, settle
from tests.flows.till import Till

PLACES = ("after_intent", "before_call", "after_call", "before_confirm", "after_confirm")
# Runs the one due job of the database that it is told, and is killed on the way.
WORKER = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.CRASH_DIR = sys.argv[2]
django.setup()
from django.utils import timezone
from flows.jobs.claim import claim
from flows.pipeline.run import run_job
run_job(claim(timezone.now()))
"""


def queue(flow: Flow, source_id: object) -> None:
    enqueue([Wanted(flow.pk, RECIPES[flow.recipe].source, str(source_id), Priority.WEBHOOK, "test")], timezone.now())


def taken_up(till: Till, flow: Flow) -> SyncJob:
    """The dead worker's job goes back to the queue and is run once everything has settled."""
    lease_over()
    assert release_expired(timezone.now()) == 1
    settle()
    till.due_now()
    till.work()
    return SyncJob.objects.filter(flow=flow).latest("pk")


def dies(place: str, object_type: str) -> None:
    def die() -> None:
        raise Died

    with pytest.MonkeyPatch.context() as patch:
        at_point(patch, place, object_type, die)
        lease = claim(timezone.now())
        assert lease is not None
        with pytest.raises(Died):
            run_job(lease)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("thing", ["customer", "invoice"])
def test_one_customer_and_one_invoice_whatever_dies_where(till: Till, place: str, thing: str) -> None:
    invoice = till.bill()
    queue(till.out, invoice["id"])
    dies(place, thing)
    job = taken_up(till, till.out)
    assert job.state == "done", job.reason
    assert [(each["status"], each["total"]) for each in till.there(invoice)] == [("open", "100.00")]
    everything = till.ask(till.service, "everything")
    assert (len(everything["customers"]), len(everything["invoices"])) == (1, 1)


@pytest.mark.parametrize("place", ["before_act", "after_act"])
def test_it_is_finalized_and_sent_once(till: Till, place: str) -> None:
    till.option(till.out, send=True)
    invoice = till.bill()
    queue(till.out, invoice["id"])
    dies(place, "invoice")
    assert taken_up(till, till.out).state == "done"
    types = [event["type"] for event in till.ask(till.service, "everything")["events"]]
    assert (types.count("invoice.finalized"), types.count("invoice.sent")) == (1, 1)


@pytest.mark.parametrize("place", PLACES)
def test_one_payment_and_one_expense_whatever_dies_where(till: Till, place: str) -> None:
    till.option(till.back, fees="expense")
    invoice, at = till.issued()
    till.pay(at, "40.00")
    till.pay(at)
    queue(till.back, at["id"])
    dies(place, "payment")
    queue(till.back, at["id"])
    job = taken_up(till, till.back)
    assert job.state == "done", job.reason
    assert till.recorded(invoice) == ["40.00", "60.00"]
    assert sorted(row["amount"]["amount"] for row in till.ask(till.books, "books")["expenses"]) == ["1.46", "2.04"]


@pytest.mark.parametrize("thing", ["invoice", "payment"])
def test_kill_9_between_the_effect_and_our_note_of_it(till: Till, thing: str, tmp_path: Path) -> None:
    """A real process and a real SIGKILL."""
    invoice = till.bill()
    flow, id = till.out, str(invoice["id"])
    points = 1  # the customer's create comes first
    if thing == "payment":
        till.collect(invoice)
        [at] = till.there(invoice)
        till.pay(at)
        flow, id, points = till.back, at["id"], 0
    if points:
        assert till.run(till.clients, invoice["client_id"]).state == "done"
    queue(flow, id)
    (tmp_path / "after_call.1").touch()
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", WORKER, str(database.settings_dict["NAME"]), str(tmp_path)]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=120, check=False)
    assert done.returncode == -9, done.stderr.decode()
    assert ExternalLink.objects.filter(object_type=thing, state="intended").count() == 1
    assert len(till.there(invoice)) == 1
    assert len(till.recorded(invoice)) == (1 if thing == "payment" else 0)
    job = taken_up(till, flow)
    assert job.state == "done", job.reason
    assert [(each["status"], each["total"]) for each in till.there(invoice)] == [("paid" if thing == "payment" else "open", "100.00")]
    assert till.recorded(invoice) == (["100.00"] if thing == "payment" else [])


def keys(till: Till) -> set[str]:
    """The idempotency keys of invoices that were asked for."""
    return {key for key in till.service.sandbox.state.replays if "-invoice" in key}


def test_the_key_outlives_the_worker_even_where_nothing_is_found(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing lags behind, as only a search does: then the key alone keeps the invoice from being doubled."""
    writes = get_connector("stripe").writes
    blind = replace(writes[ObjectType.INVOICE], find=lambda _api, _wanted: ())
    monkeypatch.setitem(writes, ObjectType.INVOICE, blind)  # type: ignore[misc]
    invoice = till.bill()
    queue(till.out, invoice["id"])
    dies("after_call", "invoice")
    before = keys(till)
    assert taken_up(till, till.out).state == "done"
    assert keys(till) == before
    assert len(before) == 1
    assert [(each["status"], each["total"]) for each in till.there(invoice)] == [("open", "100.00")]


def test_a_failure_that_the_service_keeps_is_passed_over_after_a_search(till: Till) -> None:
    invoice = till.bill()
    till.run(till.clients, invoice["client_id"])
    till.ask(till.service, "switch", failing_inside=1)
    job = till.collect(invoice)
    assert (job.state, len(till.there(invoice))) == ("waiting", 0)
    [first] = keys(till)
    settle()
    till.due_now()
    till.work()
    assert SyncJob.objects.filter(flow=till.out).latest("pk").state == "done"
    assert keys(till) == {first, f"{first}-2"}
    assert [each["total"] for each in till.there(invoice)] == ["100.00"]


@pytest.mark.parametrize("path", ["/v1/invoices$", "/add_lines$", "/v1/customers$", "/finalize$"])
@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_lost_answers_are_asked_for_again_under_the_same_key(till: Till, path: str, kind: str) -> None:
    till.ask(till.service, "faults", faults=[{"kind": kind, "method": "POST", "path": path, "times": 2}])
    invoice = till.bill()
    job = till.collect(invoice)
    assert job.state == "done", job.reason
    assert [(each["status"], each["total"]) for each in till.there(invoice)] == [("open", "100.00")]
    assert len(till.ask(till.service, "everything")["customers"]) == 1


def test_a_locked_object_is_tried_again_without_slowing_anybody_down(till: Till) -> None:
    body = '{"error": {"type": "invalid_request_error", "code": "lock_timeout", "message": "locked"}}'
    fault = {"kind": "status", "status": 429, "body": body, "method": "POST", "path": "/finalize$", "times": 2}
    till.ask(till.service, "faults", faults=[fault])
    invoice = till.bill()
    assert till.collect(invoice).state == "done"
    assert [each["status"] for each in till.there(invoice)] == ["open"]
