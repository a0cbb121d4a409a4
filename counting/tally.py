"""Counting without waiting: what is counted lies in this process until it is added to the rows, a few seconds later.

A process that is killed takes its last seconds of counts with it; nothing but the metrics is made of them.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import Error
from django.db import connection as database

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between two additions by one process
BUCKET, SUM = ":bucket", ":sum"
# Upper bounds in seconds; the last bucket takes the rest.
BOUNDS = {
    "ack_seconds": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
    "job_seconds": (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0),
}

_ADD = "INSERT INTO counting_count (name, labels, value) VALUES {places}"
_TO = " ON CONFLICT (name, labels) DO UPDATE SET value = counting_count.value + EXCLUDED.value"

_lock = threading.Lock()
_pending: dict[tuple[str, str], float] = defaultdict(float)
_flushed = 0.0


def count(name: str, *labels: str, by: float = 1.0) -> None:
    """Add to a total. Never waits for anything but another thread's addition."""
    with _lock:
        _pending[name, _key(labels)] += by


def observe(name: str, *labels: str, seconds: float) -> None:
    """Add to the histogram of this name (BOUNDS)."""
    bounds = BOUNDS[name]
    place = bisect_left(bounds, seconds)
    bound = str(bounds[place]) if place < len(bounds) else "+Inf"
    with _lock:
        _pending[name + BUCKET, _key((*labels, bound))] += 1.0
        _pending[name + SUM, _key(labels)] += max(seconds, 0.0)


def flush_sometimes() -> None:
    """Add what was counted to the rows, when the last time was EVERY seconds ago. Call it outside of transactions."""
    if time.monotonic() - _flushed >= EVERY:
        flush()


def flush() -> int:
    """Add what was counted to the rows; how many totals. What cannot be stored now is kept for the next time."""
    global _flushed
    _flushed = time.monotonic()
    with _lock:
        taken = sorted(_pending.items())  # every process in one order: they do not wait for each other in a circle
        _pending.clear()
    try:
        _store(taken)
    except Error as problem:
        log.warning("counts are kept for later (%s)", type(problem).__name__)
        with _lock:
            for key, value in taken:
                _pending[key] += value
        return 0
    return len(taken)


def forget() -> None:
    """For tests: what other tests counted."""
    with _lock:
        _pending.clear()


def _store(totals: Sequence[tuple[tuple[str, str], float]]) -> None:
    for start in range(0, len(totals), 100):
        part = totals[start : start + 100]
        places = ", ".join(["(%s, %s, %s)"] * len(part))
        with database.cursor() as cursor:
            cursor.execute(_ADD.format(places=places) + _TO, [value for (name, labels), by in part for value in (name, labels, by)])


def _key(labels: Iterable[str]) -> str:
    return json.dumps(list(labels))[:200]
