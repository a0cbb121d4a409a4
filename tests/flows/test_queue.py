"""The queue: coalescing, priorities, fairness, leases, crashes."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Alert, AuditRecord
from credentials.models import Connection
from flows.jobs import crashed
from flows.jobs.claim import Lease, LeaseLost, claim, due_count, extend
from flows.jobs.crashed import release_expired
from flows.jobs.finish import BACK_OFF, Ending, back_off, finish
from flows.jobs.queue import enqueue, enqueue_one
from flows.models import Flow, SyncJob
from flows.models.job import Priority
from tests.flows.conftest import MakeFlow, wanted

State = SyncJob.State


def test_an_object_has_at_most_one_waiting_job(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1"), wanted(flow, "1"), wanted(flow, "2")], now)
    enqueue([wanted(flow, "1", Priority.PERSON, force=True)], now)
    jobs = {job.source_id: job for job in SyncJob.objects.all()}
    assert sorted(jobs) == ["1", "2"]
    assert (jobs["1"].priority, jobs["1"].force) == (Priority.PERSON, True)
    assert (jobs["2"].priority, jobs["2"].force) == (Priority.WEBHOOK, False)


def test_a_less_urgent_wish_does_not_delay_the_waiting_job(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    enqueue([wanted(flow, "1", Priority.BACKFILL)], now + timedelta(hours=1))
    job = SyncJob.objects.get()
    assert (job.priority, job.not_before) == (Priority.WEBHOOK, now)


def test_many_jobs_in_one_call(flow: Flow) -> None:
    assert enqueue([wanted(flow, str(n)) for n in range(500)], timezone.now()) == 500
    assert SyncJob.objects.count() == 500


def test_an_object_is_not_run_twice_at_once(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    first = claim(now)
    enqueue([wanted(flow, "1")], now)
    assert first is not None
    assert claim(now) is None
    finish(SyncJob.objects.get(pk=first.job_id), first, Ending(State.DONE), now)
    second = claim(now)
    assert second is not None
    assert second.job_id != first.job_id


def test_a_job_that_a_worker_wants_at_once_is_returned_all_the_same(
    transactional_db: None, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        claim(timezone.now())
        connection.close()

    def then_a_worker_comes(*arguments: Any) -> None:
        enqueue(*arguments)
        threads.append(threading.Thread(target=work))
        threads[0].start()
        threads[0].join(1.0)  # SQLite has it wait for us, PostgreSQL lets it look elsewhere

    threads: list[threading.Thread] = []
    monkeypatch.setattr("flows.jobs.queue.enqueue", then_a_worker_comes)
    made = enqueue_one(wanted(flow, "1"), timezone.now())
    threads[0].join()
    assert (made.source_id, made.state) == ("1", State.WAITING)
    assert SyncJob.objects.get().pk == made.pk


def test_webhooks_go_before_backfill(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "old", Priority.BACKFILL)], now - timedelta(hours=1))
    enqueue([wanted(flow, "new")], now)
    lease = claim(now)
    assert lease is not None
    assert SyncJob.objects.get(pk=lease.job_id).source_id == "new"


def test_one_backlog_does_not_starve_another_flow(make_flow: MakeFlow) -> None:
    now = timezone.now()
    busy, quiet = make_flow("busy"), make_flow("quiet")
    enqueue([wanted(busy, str(n)) for n in range(50)], now - timedelta(hours=1))
    enqueue([wanted(quiet, "x", Priority.BACKFILL)], now)
    served = [SyncJob.objects.get(pk=lease.job_id).flow_id for _ in range(20) if (lease := claim(now))]
    assert served.count(quiet.pk) == 1
    assert served.index(quiet.pk) <= 17


def test_jobs_of_a_connection_that_needs_a_person_wait(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    Connection.objects.filter(pk=flow.destination_id).update(status=Connection.Status.REAUTHORISE)
    assert claim(now) is None
    assert due_count(now, 10) == 0
    Connection.objects.filter(pk=flow.destination_id).update(status=Connection.Status.ACTIVE)
    assert claim(now) is not None


def test_a_lost_lease_neither_writes_nor_finishes(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    lease = claim(now)
    assert lease is not None
    lease.check()
    stranger = Lease(lease.job_id, "f" * 32)
    with pytest.raises(LeaseLost):
        stranger.check()
    with pytest.raises(LeaseLost):
        finish(SyncJob.objects.get(), stranger, Ending(State.DONE), now)
    assert SyncJob.objects.get().state == State.RUNNING


def test_the_heartbeat_keeps_a_lease_and_an_expired_one_goes_back(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    lease = claim(now - timedelta(minutes=5))
    assert lease is None  # not due yet then
    lease = claim(now)
    assert lease is not None
    later = now + timedelta(seconds=25)
    extend([lease], later)
    assert release_expired(later + timedelta(seconds=20)) == 0
    assert release_expired(later + timedelta(seconds=40)) == 1
    job = SyncJob.objects.get()
    assert (job.state, job.crashes) == (State.WAITING, 1)
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_job_that_kills_its_worker_three_times_is_parked(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    for crash in (1, 2, 3):
        now += timedelta(minutes=10)
        assert claim(now) is not None
        now += timedelta(minutes=10)
        assert release_expired(now) == 1
        assert SyncJob.objects.get().crashes == crash
    job = SyncJob.objects.get()
    assert (job.state, job.reason_code) == (State.DEAD, "crashed")
    assert claim(now + timedelta(days=1)) is None


def test_waiting_again_folds_into_a_newer_waiting_job(flow: Flow) -> None:
    now = timezone.now()
    job = enqueue_one(wanted(flow, "1"), now)
    lease = claim(now)
    assert lease is not None
    enqueue([wanted(flow, "1")], now)
    state = finish(SyncJob.objects.get(pk=job.pk), lease, Ending(State.WAITING, "later", wait=60, counted=True), now)
    assert state == State.SUPERSEDED
    heir = SyncJob.objects.get(state=State.WAITING)
    assert (heir.attempts, heir.not_before) == (1, now + timedelta(seconds=60))


def test_a_success_settles_what_needed_attention_before(flow: Flow) -> None:
    now = timezone.now()
    for ending in (Ending(State.ATTENTION, "map it"), Ending(State.DONE)):
        enqueue([wanted(flow, "1")], now)
        lease = claim(now)
        assert lease is not None
        finish(SyncJob.objects.get(pk=lease.job_id), lease, ending, now)
    assert list(SyncJob.objects.order_by("pk").values_list("state", flat=True)) == [State.SUPERSEDED, State.DONE]


def test_back_off_grows_and_ends() -> None:
    waits = [back_off(attempt) for attempt in range(1, len(BACK_OFF) + 2)]
    assert waits[-1] is None
    for wait, step in zip(waits, BACK_OFF, strict=False):
        assert wait is not None
        assert step / 2 <= wait <= step
    assert sum(BACK_OFF) > 2 * 86400


def test_suspects_run_one_at_a_time_and_only_the_culprit_is_parked(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, str(n)) for n in range(3)], now)
    for _ in range(2):  # the worker dies twice with all three in its hands
        leases = [claim(now) for _ in range(4)]
        assert [lease is not None for lease in leases] == [True, True, True, False]
        now += timedelta(minutes=10)
        assert release_expired(now) == 3
    culprit = claim(now)
    assert culprit is not None
    assert claim(now) is None
    now += timedelta(minutes=10)
    assert release_expired(now) == 1
    states = dict(SyncJob.objects.values_list("pk", "state"))
    assert states.pop(culprit.job_id) == State.DEAD
    assert set(states.values()) == {State.WAITING}
    alert = Alert.objects.get()
    assert (alert.cause, alert.severity) == (f"{flow.pk}:crashed:", "error")
    assert "died three times" in alert.message
    assert AuditRecord.objects.get(action="set aside order").job_id == culprit.job_id


def test_a_heartbeat_that_came_late_keeps_its_job(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    lease = claim(now)
    assert lease is not None
    seen = SyncJob.objects.select_related("flow").get()
    extend([lease], now + timedelta(minutes=1))
    assert crashed._release(seen, now + timedelta(seconds=40)) == 0
    assert SyncJob.objects.get().state == State.RUNNING


def test_a_worker_that_was_stopped_while_it_asked_has_lost_its_lease(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    lease = claim(now)
    assert lease is not None
    lease.check()
    monkeypatch.setattr("flows.jobs.claim.timezone.now", lambda: now + timedelta(minutes=1))
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_statement_that_found_the_job_ours_saves_the_question(flow: Flow, django_assert_num_queries: Any) -> None:
    now = timezone.now()
    enqueue([wanted(flow, "1")], now)
    lease = claim(now)
    assert lease is not None
    long_ago = time.monotonic() - 60
    lease.seen_at = long_ago
    with django_assert_num_queries(1):
        assert lease.held_until() == lease.until
    lease.seen_at = long_ago
    lease.heard(time.monotonic())
    with django_assert_num_queries(0):
        assert lease.held_until() == lease.until
    lease.heard(long_ago)  # an older word takes nothing back
    with django_assert_num_queries(0):
        lease.held_until()
    SyncJob.objects.update(lease_until=now - timedelta(seconds=1))
    lease.until = now + timedelta(seconds=2)  # whatever was heard: one that is about to run out is asked about
    with pytest.raises(LeaseLost):
        lease.held_until()


def test_jobs_whose_worker_died_twice_run_one_at_a_time(flow: Flow) -> None:
    now = timezone.now()
    enqueue([wanted(flow, str(n)) for n in range(3)], now)
    SyncJob.objects.filter(source_id__in=["0", "1"]).update(crashes=2)
    taken = [SyncJob.objects.get(pk=lease.job_id).source_id for _ in range(3) if (lease := claim(now))]
    assert taken == ["0", "2"]
