"""Where the figure of a rate limit lives: in Redis or Valkey, or in a database row.

Both keep one figure, the moment at which all calls handed out so far would be spread evenly (GCRA), and hand out reserved moments.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import parse_qs, urlsplit

import redis
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from credentials.models import RateBucket

ANSWER_WITHIN = 0.5  # seconds for Redis to answer; a frozen one must not freeze us

# KEYS: due, rest. ARGV: seconds between calls, burst, longest wait. Answers {granted, seconds to wait}.
_RESERVE = """
local t = redis.call('TIME'); local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local every, burst, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rest = math.max(redis.call('PTTL', KEYS[2]), 0) / 1000
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + every
local wait = math.max(due - burst * every - now, rest, 0)
if wait > longest then return {0, tostring(wait)} end
redis.call('SET', KEYS[1], string.format('%.6f', due), 'PX', math.ceil((due - now) * 1000) + 1000)
return {1, tostring(wait)}
"""
# KEYS: due, rest. ARGV: seconds of rest, seconds between calls, burst. After the rest calls come one by one, not in a burst.
_REST = """
local t = redis.call('TIME'); local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local every, burst = tonumber(ARGV[2]), tonumber(ARGV[3])
local rest = math.max(redis.call('PTTL', KEYS[2]) / 1000, tonumber(ARGV[1]))
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now + rest + (burst - 1) * every)
redis.call('SET', KEYS[2], '1', 'PX', math.ceil(rest * 1000))
redis.call('SET', KEYS[1], string.format('%.6f', due), 'PX', math.ceil((due - now) * 1000) + 1000)
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between calls, and how many may come at once after a quiet time."""

    every: float
    burst: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """A moment in `wait` seconds; it is ours only when granted."""

    granted: bool
    wait: float


class Bucket(Protocol):
    """A place that all workers share."""

    def reserve(self, key: str, pace: Pace, longest: float) -> Reservation:
        """The next free moment, taken unless it is further away than `longest` seconds."""

    def rest(self, key: str, pace: Pace, seconds: float) -> None:
        """No call for so long."""

    def resting(self, key: str) -> bool:
        """Whether such a rest is on."""


class RedisBucket:
    """In Redis or Valkey, by its clock. Every call raises redis.RedisError within ANSWER_WITHIN when it does not answer."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(
            redis_url(url), socket_timeout=ANSWER_WITHIN, socket_connect_timeout=ANSWER_WITHIN, retry=Retry(NoBackoff(), 0)
        )
        self._reserve = self.client.register_script(_RESERVE)
        self._rest = self.client.register_script(_REST)

    def reserve(self, key: str, pace: Pace, longest: float) -> Reservation:
        granted, wait = cast("list[Any]", self._reserve(keys=_keys(key), args=[pace.every, pace.burst, longest]))
        return Reservation(bool(granted), float(wait))

    def rest(self, key: str, pace: Pace, seconds: float) -> None:
        self._rest(keys=_keys(key), args=[seconds, pace.every, pace.burst])

    def resting(self, key: str) -> bool:
        return bool(self.client.exists(_keys(key)[1]))


class RowBucket:
    """In a database row, by this machine's clock."""

    def reserve(self, key: str, pace: Pace, longest: float) -> Reservation:
        with transaction.atomic():
            row, now = _locked_row(key), time.time()
            due = max(row.due, now) + pace.every
            wait = max(due - pace.burst * pace.every - now, row.rest_until - now, 0.0)
            if wait <= longest:
                RateBucket.objects.filter(pk=row.pk).update(due=due)
            return Reservation(wait <= longest, wait)

    def rest(self, key: str, pace: Pace, seconds: float) -> None:
        with transaction.atomic():
            row, now = _locked_row(key), time.time()
            until = max(row.rest_until, now + seconds)
            due = max(row.due, until + (pace.burst - 1) * pace.every)
            RateBucket.objects.filter(pk=row.pk).update(due=due, rest_until=until)

    def resting(self, key: str) -> bool:
        return RateBucket.objects.filter(key=key, rest_until__gt=time.time()).exists()


def redis_url(url: str) -> str:
    """Celery's form of a socket address, redis+socket:///path?virtual_host=N, in the form of the Redis client."""
    if not url.startswith("redis+socket://"):
        return url
    parts = urlsplit(url)
    return f"unix://{parts.path}?db={parse_qs(parts.query).get('virtual_host', ['0'])[0]}"


def _keys(key: str) -> list[str]:
    return [f"tillbridge:due:{{{key}}}", f"tillbridge:rest:{{{key}}}"]


def _locked_row(key: str) -> RateBucket:
    rows = RateBucket.objects.select_for_update().filter(key=key)
    row = rows.first()
    if row is None:
        RateBucket.objects.bulk_create([RateBucket(key=key)], ignore_conflicts=True)
        row = rows.get()
    return row
