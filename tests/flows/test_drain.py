"""Handing out jobs: many per statement, each once, in turn, by one thread of a process."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flows import drain
from flows.jobs.claim import Lease, Turn, claim_many
from flows.jobs.finish import Ending, finish
from flows.jobs.queue import enqueue
from flows.models import Flow, SyncJob
from flows.models.job import Priority
from tests.flows.conftest import MakeFlow, wanted

State = SyncJob.State


def served(leases: list[Lease]) -> Counter[int]:
    return Counter(SyncJob.objects.get(pk=lease.job_id).flow_id for lease in leases)


def test_many_jobs_in_one_statement_each_with_a_token_of_its_own(flow: Flow) -> None:
    enqueue([wanted(flow, str(n)) for n in range(20)], timezone.now())
    with CaptureQueriesContext(database) as queries:
        leases = claim_many(timezone.now(), Turn(), 15)
    assert len(leases) == len({lease.token for lease in leases}) == 15
    assert len([query for query in queries.captured_queries if "UPDATE" in query["sql"]]) == 1
    for lease in leases:
        lease.check()
    assert SyncJob.objects.filter(state=State.WAITING).count() == 5


def test_flows_are_served_in_turn_within_one_look(make_flow: MakeFlow) -> None:
    now = timezone.now()
    first, second, backfill = make_flow("first"), make_flow("second"), make_flow("backfill")
    enqueue([wanted(f, str(n)) for f in (first, second) for n in range(40)], now)
    enqueue([wanted(backfill, str(n), Priority.BACKFILL) for n in range(40)], now)
    leases = claim_many(now, Turn(), 46)
    assert served(leases) == {first.pk: 21, second.pk: 21, backfill.pk: 4}


def test_of_jobs_whose_worker_died_twice_one_is_taken(flow: Flow) -> None:
    enqueue([wanted(flow, str(n)) for n in range(6)], timezone.now())
    SyncJob.objects.filter(source_id__in=["0", "1", "2"]).update(crashes=2)
    leases = claim_many(timezone.now(), Turn(), 6)
    taken = sorted(SyncJob.objects.get(pk=lease.job_id).source_id for lease in leases)
    assert taken == ["0", "3", "4", "5"]


@pytest.mark.django_db(transaction=True)
def test_a_drain_does_all_jobs_once_beside_each_other(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[int, str]] = []
    meet = threading.Barrier(3, timeout=10)

    def run(lease: Lease) -> None:
        if len(ran) < 3:
            ran.append((lease.job_id, threading.current_thread().name))
            meet.wait()  # three jobs are under way at one time, or this breaks
        else:
            ran.append((lease.job_id, threading.current_thread().name))
        finish(SyncJob.objects.get(pk=lease.job_id), lease, Ending(State.DONE), timezone.now())

    monkeypatch.setattr(drain, "run_job", run)
    enqueue([wanted(flow, str(n)) for n in range(3)], timezone.now())
    drain.drain_jobs()
    enqueue([wanted(flow, str(n)) for n in range(3, 30)], timezone.now())
    drain.drain_jobs()
    assert sorted(job for job, _ in ran) == sorted(SyncJob.objects.filter(state=State.DONE).values_list("pk", flat=True))
    assert len(ran) == 30
    assert threading.current_thread().name not in {name for _, name in ran}


@pytest.mark.django_db(transaction=True)
def test_who_is_called_while_another_hands_out_leaves_it_to_him(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    started, go_on, ran = threading.Event(), threading.Event(), []

    def run(lease: Lease) -> None:
        ran.append(lease.job_id)
        started.set()
        go_on.wait(10)
        finish(SyncJob.objects.get(pk=lease.job_id), lease, Ending(State.DONE), timezone.now())

    monkeypatch.setattr(drain, "run_job", run)
    enqueue([wanted(flow, "1")], timezone.now())
    first = threading.Thread(target=drain.drain_jobs)
    first.start()
    assert started.wait(10)
    enqueue([wanted(flow, "2")], timezone.now())
    drain.drain_jobs()  # comes back although a job is running
    for _ in range(100):
        if len(ran) == 2:
            break
        go_on.wait(0.1)
    assert len(ran) == 2
    go_on.set()
    first.join(10)
    assert not first.is_alive()
    assert set(SyncJob.objects.values_list("state", flat=True)) == {State.DONE}
