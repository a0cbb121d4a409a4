"""Doing the work: in each worker process one thread hands out due jobs to the others, until there are none."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from counting.tally import flush_sometimes
from credentials.waiting import leave_database
from flows.bell import ring, ring_later
from flows.inbox.expand import BATCH, expand_events
from flows.jobs.claim import Lease, Turn, claim_many, extend
from flows.pipeline.run import run_job

logger = logging.getLogger(__name__)
DRAIN_SECONDS = 20.0

PACE = 0.1  # seconds between two looks: what came and ended meanwhile is handed out together
SHORT_WAIT = 2.0  # longer waits are the sweep's
HELP_SECONDS = 1.0  # while all threads are busy, other processes are called no more often than this

_lock = threading.Lock()
_in_charge = threading.Lock()
_look = threading.Event()
_turn = Turn()
_held: dict[int, Lease] = {}
_called = 0.0
_heart: threading.Thread | None = None


def drain_jobs(at_once: int = 0) -> int:
    """Hand out due jobs until none is left or the time is up; how many. When another thread of this process does so already, it looks
    again. at_once: how many may run beside each other, WORKER_THREADS unless told otherwise.
    """
    done = 0
    _look.set()
    while _look.is_set() and _in_charge.acquire(blocking=False):
        try:
            _start_heart()
            done += _hand_out(at_once or settings.WORKER_THREADS)
        finally:
            _in_charge.release()
            leave_database()
    return done


def _hand_out(at_once: int) -> int:
    done, deadline = 0, time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        _look.clear()
        while expand_events(timezone.now()) == BATCH:
            pass  # more lie there
        free = at_once - len(_held)
        leases = claim_many(timezone.now(), _turn, free) if free else []
        for lease in leases:
            _hand_over(lease, at_once)
        done += len(leases)
        if len(leases) == free:
            _call_others()
        elif not _held:
            return done
        time.sleep(PACE)
        _look.wait(max(deadline - time.monotonic(), 0))
    ring()  # out of time with work left: go to the back of the line
    return done


def _hand_over(lease: Lease, at_once: int) -> None:
    with _lock:
        _held[lease.job_id] = lease
    _crew(at_once).submit(_run, lease)


@cache
def _crew(at_once: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(at_once, thread_name_prefix="job")


def _call_others() -> None:
    """There may be more than this process can do."""
    global _called
    if time.monotonic() - _called > HELP_SECONDS:
        _called = time.monotonic()
        ring()


def _run(lease: Lease) -> None:
    try:
        with bound_contextvars(job_id=lease.job_id, flow_id=None, event_id=None, connection_id=None, destination_id=None):
            rest = run_job(lease)
        if rest is not None and rest.limited:
            _turn.hold(rest.flow_id, timezone.now() + timedelta(seconds=rest.seconds))
        if rest is not None and rest.seconds < SHORT_WAIT:
            ring_later(rest.seconds)
    except Exception:  # the job's lease runs out and it is tried again; the worker lives on
        logger.exception("job %s broke its run", lease.job_id)
    finally:
        leave_database()
        with _lock:
            _held.pop(lease.job_id, None)
        _look.set()


def _start_heart() -> None:
    global _heart
    with _lock:
        if _heart is None or not _heart.is_alive():
            _heart = threading.Thread(target=_beat, name="heartbeat", daemon=True)
            _heart.start()


def _beat() -> None:
    """Keep the leases of all jobs that run in this process."""
    while True:
        time.sleep(settings.HEARTBEAT_SECONDS)
        with _lock:
            leases = list(_held.values())
        try:
            extend(leases, timezone.now())
            flush_sometimes()
        except Exception:
            logger.exception("the heartbeat failed; leases may run out")
        finally:
            leave_database()
