"""The rate limit of one connection, shared by all workers. A caller sleeps until its reserved moment and then calls, so nobody polls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings

from connectors.kit.contract import RateLimit
from connectors.kit.errors import RateLimited
from connectors.kit.http import Limiter
from counting.tally import count
from credentials.buckets import Bucket, Pace, RedisBucket, Reservation, RowBucket
from credentials.models import Connection
from credentials.waiting import leave_database

log = logging.getLogger(__name__)
T = TypeVar("T")

PATIENCE = 5.0  # seconds that a worker waits in place; longer waits go back to the queue
LEFT_ALONE = 10.0  # seconds that a Redis which did not answer is not asked again
UNLIMITED = 1000.0  # calls per second from which on counting them would cost more than it saves
GLANCE_SECONDS = 0.25  # how long a look at whether such a connection was told to stop holds

_away_until: dict[str, float] = {}
_glances: dict[str, tuple[float, bool]] = {}  # when it was looked at, and whether it rests; only to look less often
_rows = RowBucket()


def limiter_for(connection: Connection, rate: RateLimit) -> Limiter:
    """The limiter of a connection; its settings "rate_per_second" and "rate_burst" win over the platform's rate."""
    per_second = _positive(connection.settings.get("rate_per_second"), rate.per_second)
    burst = max(1, round(_positive(connection.settings.get("rate_burst"), rate.burst)))
    counted = SharedLimiter(str(connection.key), Pace(1 / per_second, burst))
    return Uncounted(counted) if per_second >= UNLIMITED else counted


@dataclass(frozen=True)
class SharedLimiter:
    """connectors.kit.http.Limiter over the bucket that all workers share."""

    key: str
    pace: Pace
    sleep: Callable[[float], None] = time.sleep

    def acquire(self) -> None:
        """Wait for a slot, at most PATIENCE seconds; raises RateLimited with the wait when it would be longer."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = self._reserve(max(deadline - time.monotonic(), 0.0))
            if not found.granted:
                count("throttles", self.key, "limit")
                raise RateLimited("This connection is at its rate limit.", retry_after=found.wait)
            if found.wait <= 0:
                return
            leave_database()
            self.sleep(found.wait)
            if not _ask(lambda bucket: bucket.resting(self.key)):  # else the platform said stop while we slept
                return

    def _reserve(self, longest: float) -> Reservation:
        return _ask(lambda bucket: bucket.reserve(self.key, self.pace, longest))

    def pause(self, seconds: float) -> None:
        """Nobody calls this connection for so long, in any process."""
        if seconds > 0:
            _ask(lambda bucket: bucket.rest(self.key, self.pace, seconds))


@dataclass(frozen=True)
class Uncounted:
    """connectors.kit.http.Limiter that counts nothing until the platform says stop: that counts for all workers."""

    counted: SharedLimiter

    def acquire(self) -> None:
        """At once; while the connection rests, as the counting limiter does."""
        if self._rests():
            self.counted.acquire()

    def pause(self, seconds: float) -> None:
        self.counted.pause(seconds)
        _glances.pop(self.counted.key, None)

    def _rests(self) -> bool:
        key, now = self.counted.key, time.monotonic()
        at, resting = _glances.get(key, (float("-inf"), False))
        if now - at >= GLANCE_SECONDS:
            resting = _ask(lambda bucket: bucket.resting(key))
            _glances[key] = (now, resting)
        return resting


def take(key: str, pace: Pace) -> float:
    """A slot for something of ours that is limited like calls. Seconds to wait when there is none, else 0."""
    found = _ask(lambda bucket: bucket.reserve(key, pace, 0.0))
    return 0.0 if found.granted else found.wait


def _ask(question: Callable[[Bucket], T]) -> T:
    """Ask Redis; when there is none or it does not answer, the database row, and leave Redis alone for a while."""
    url = settings.LIMITER_URL
    if url and time.monotonic() >= _away_until.get(url, 0.0):
        try:
            return question(_redis_bucket(url))
        except redis.RedisError as error:
            _away_until[url] = time.monotonic() + LEFT_ALONE
            log.warning("The rate limiter's Redis does not answer (%s); limits are kept in the database.", type(error).__name__)
    return question(_rows)


@cache
def _redis_bucket(url: str) -> RedisBucket:
    return RedisBucket(url)


def _positive(value: Any, default: float) -> float:
    """An operator's number, or the default when it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return float(default)
    return number if 0 < number < float("inf") else float(default)
