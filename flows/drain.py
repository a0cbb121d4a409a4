"""Doing the work: each drain takes jobs until there are none, and calls another one to its side while slots are free."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from django.conf import settings
from django.db import connection as database
from django.utils import timezone

from flows.bell import ring, ring_later
from flows.inbox.expand import expand_events
from flows.jobs.claim import Lease, Turn, claim, extend
from flows.pipeline.run import run_job

logger = logging.getLogger(__name__)
DRAIN_SECONDS = 20.0

EXPAND_SECONDS = 0.02
SHORT_WAIT = 2.0  # longer waits are the sweep's

_lock = threading.Lock()
_expanding = threading.Lock()
_expanded = 0.0
_turn = Turn()
_held: dict[int, Lease] = {}
_drains = 0
_heart: threading.Thread | None = None


def drain_jobs() -> int:
    """Expand events, then claim and run jobs until none is due or the time is up. Returns how many were run."""
    global _drains
    with _lock:
        _drains += 1
        beside = _drains
    try:
        _start_heart()
        return _drain(beside)
    finally:
        with _lock:
            _drains -= 1
        if database.vendor == "postgresql":
            database.close()


def _drain(beside: int) -> int:
    done, deadline = 0, time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline:
        _expand()
        lease = claim(timezone.now(), _turn)
        if lease is None:
            return done
        if _drains < settings.WORKER_THREADS and (done == 0 or _drains <= beside):
            ring()  # there may be more: a drain beside this one
        _run(lease)
        done += 1
    ring()  # out of time with work left: go to the back of the line
    return done


def _expand() -> None:
    """Pass events on; one thread at a time, and not more often than it is of use."""
    global _expanded
    if time.monotonic() - _expanded < EXPAND_SECONDS or not _expanding.acquire(blocking=False):
        return
    try:
        while expand_events(timezone.now()):
            _expanded = time.monotonic()
    finally:
        _expanding.release()


def _run(lease: Lease) -> None:
    with _lock:
        _held[lease.job_id] = lease
    try:
        rest = run_job(lease)
        if rest is not None and rest.limited:
            _turn.hold(rest.flow_id, timezone.now() + timedelta(seconds=rest.seconds))
        if rest is not None and rest.seconds < SHORT_WAIT:
            ring_later(rest.seconds)
    except Exception:  # the job's lease runs out and it is tried again; the worker lives on
        logger.exception("job %s broke its run", lease.job_id)
    finally:
        with _lock:
            _held.pop(lease.job_id, None)


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
        except Exception:
            logger.exception("the heartbeat failed; leases may run out")
        finally:
            if database.vendor == "postgresql":
                database.close()
