"""Taking jobs out of the queue: fair between flows, one runner per object, held by a lease with a fencing token."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heapify, heapreplace

from django.conf import settings
from django.db import IntegrityError
from django.db import connection as database
from django.db.models import Count
from django.utils import timezone

from credentials.models import Connection
from flows.models import SyncJob

WORD_HOLDS = 1.0  # seconds
MARGIN = timedelta(seconds=5)  # a lease that is about to run out is asked about each time
# Plain SQL, because it stands before writes outside.
_HELD = "SELECT lease_until FROM flows_syncjob WHERE id = %s AND lease_token = %s AND state = 'running'"
# The same as a condition, for statements that confirm what came of a write.
HELD = "EXISTS (SELECT 1 FROM flows_syncjob WHERE id = %s AND lease_token = %s AND state = 'running' AND lease_until > %s)"


class LeaseLost(Exception):
    """Somebody else holds this job now; whatever we were about to do must not happen."""


@dataclass(slots=True)
class Lease:
    """The right to work on a job until it is lost; token is the fence. seen_at: when (monotonic seconds) the database last
    said so, and until when.
    """

    job_id: int
    token: str
    seen_at: float = 0.0
    until: datetime | None = None

    def check(self) -> datetime:
        """Raise LeaseLost unless the job is still ours; until when it is.

        The clock is read after the answer: a process that was stopped while it asked must not go on with what was true before.
        """
        with database.cursor() as cursor:
            cursor.execute(_HELD, [self.job_id, self.token])
            held = cursor.fetchone()
        if held is None or _moment(held[0]) <= timezone.now():
            raise LeaseLost(f"job {self.job_id} is no longer ours")
        self.seen_at, self.until = time.monotonic(), (until := _moment(held[0]))
        return until

    def heard(self, at: float) -> None:
        """Another statement, sent at that moment (monotonic seconds), found it still ours."""
        self.seen_at = max(self.seen_at, at)

    def held_until(self) -> datetime:
        """The same, asked right before every write outside. The database's word holds for a second: nobody may take a job over
        before its lease has run out.
        """
        until = self.until
        if until is None or time.monotonic() - self.seen_at > WORD_HOLDS or until - MARGIN <= timezone.now():
            return self.check()
        return until


# How many running jobs a waiting one of this priority is worth: urgent flows go first, but none starves another.
_HANDICAP = {0: 0, 1: 0, 2: 4, 3: 16}

TURN_KEPT = timedelta(milliseconds=200)

# A dead worker takes dozens of innocent jobs with it. Those that died twice run one at a time from then on: the third death
# finds the culprit alone.
_DUE = """
SELECT f.id, (SELECT j.priority FROM flows_syncjob j WHERE j.flow_id = f.id AND j.state = 'waiting' AND j.not_before <= %s
    ORDER BY j.priority LIMIT 1)
FROM flows_flow f JOIN credentials_connection s ON s.id = f.source_id JOIN credentials_connection d ON d.id = f.destination_id
WHERE f.enabled AND s.status = 'active' AND d.status = 'active'
"""
# The rows are chosen once and apart: a subquery with a lock and a limit, asked again for each row, would take more than the limit.
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT j.id FROM flows_syncjob j
    WHERE j.flow_id = %s AND j.state = 'waiting' AND j.not_before <= %s AND NOT EXISTS (
        SELECT 1 FROM flows_syncjob r WHERE r.flow_id = j.flow_id AND r.object_type = j.object_type
        AND r.source_id = j.source_id AND r.state = 'running')
        AND (j.crashes < 2 OR (
            NOT EXISTS (SELECT 1 FROM flows_syncjob s WHERE s.state = 'running' AND s.crashes >= 2)
            AND j.id = (SELECT MIN(s.id) FROM flows_syncjob s WHERE s.flow_id = %s AND s.state = 'waiting' AND s.crashes >= 2
                AND s.not_before <= %s)))
    ORDER BY j.priority, j.not_before, j.id LIMIT %s {lock})
UPDATE flows_syncjob SET state = 'running', lease_token = %s || CAST(id AS VARCHAR(20)), lease_until = %s, started_at = %s
WHERE state = 'waiting' AND id IN (SELECT id FROM due)
RETURNING id
"""


@dataclass
class Turn:
    """Whose turn it is: flows with due work, their most urgent priority and running jobs; looked up now and then, counted on between.

    held: flows whose platform has asked us to slow down, until when; threads that would only be refused leave them alone.
    """

    urgency: dict[int, int] = field(default_factory=dict)
    held: dict[int, datetime] = field(default_factory=dict)
    running: dict[int, int] = field(default_factory=dict)
    until: datetime | None = None

    def shares(self, most: int) -> Counter[int]:
        """So many jobs divided among the flows: each goes to the least served one; a backfill counts as served already."""
        served = [
            (self.running.get(flow_id, 0) + _HANDICAP[priority], flow_id)
            for flow_id, priority in self.urgency.items()
            if flow_id not in self.held
        ]
        heapify(served)
        shares: Counter[int] = Counter()
        for _ in range(most if served else 0):
            so_far, flow_id = served[0]
            shares[flow_id] += 1
            heapreplace(served, (so_far + 1, flow_id))
        return shares

    def hold(self, flow_id: int, until: datetime) -> None:
        """Leave this flow's other jobs alone until then."""
        self.held[flow_id] = max(until, self.held.get(flow_id, until))


def _moment(value: datetime) -> datetime:
    """A time as the database hands it out: SQLite knows no time zones, there it is in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def claim(now: datetime, turn: Turn | None = None) -> Lease | None:
    """Take the next due job, or None. Flows whose connections are not active are left waiting."""
    return next(iter(claim_many(now, turn or Turn(), 1)), None)


def claim_many(now: datetime, turn: Turn, most: int) -> list[Lease]:
    """Take up to so many due jobs, the flows in turn; empty when none is due."""
    kept = turn.until is not None and now < turn.until
    if not kept:
        _look_up(turn, now)
    taken: list[Lease] = []
    while len(taken) < most and (shares := turn.shares(most - len(taken))):
        for flow_id, share in shares.items():
            leases = _claim_from(flow_id, now, share)
            turn.running[flow_id] = turn.running.get(flow_id, 0) + len(leases)
            taken += leases
            if len(leases) < share:
                del turn.urgency[flow_id]  # nothing is left of it until the next look
    if len(taken) < most:
        turn.until = None
    return taken if taken or not kept else claim_many(now, turn, most)


def _look_up(turn: Turn, now: datetime) -> None:
    """Enabled flows with due work, and how much of each is running."""
    with database.cursor() as cursor:
        cursor.execute(_DUE, [database.ops.adapt_datetimefield_value(now)])
        found = cursor.fetchall()
    turn.held = {flow_id: until for flow_id, until in turn.held.items() if until > now}
    turn.urgency = {flow_id: best for flow_id, best in found if best is not None}
    busy = SyncJob.objects.filter(state=SyncJob.State.RUNNING).values_list("flow_id").annotate(Count("id")).order_by()
    turn.running = dict(busy) if len(turn.urgency) > 1 else {}
    turn.until = now + TURN_KEPT


def _claim_from(flow_id: int, now: datetime, most: int) -> list[Lease]:
    """Up to so many jobs of one flow. Each gets a token of its own: it is what tells two jobs apart that want to create one thing."""
    stem = secrets.token_hex(6)
    lock = "FOR UPDATE SKIP LOCKED" if database.vendor == "postgresql" else ""
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    due, held = database.ops.adapt_datetimefield_value(now), database.ops.adapt_datetimefield_value(until)
    try:
        with database.cursor() as cursor:
            cursor.execute(_CLAIM.format(lock=lock), [flow_id, due, flow_id, due, most, stem, held, due])
            rows = cursor.fetchall()
    except IntegrityError:  # another worker took one of these very objects in the same instant
        return []
    return [Lease(job_id, f"{stem}{job_id}", time.monotonic(), until) for (job_id,) in rows]


def due_count(now: datetime, at_most: int) -> int:
    """How many jobs could run now, counted up to a bound."""
    active = Connection.Status.ACTIVE
    due = SyncJob.objects.filter(
        state=SyncJob.State.WAITING,
        not_before__lte=now,
        flow__enabled=True,
        flow__source__status=active,
        flow__destination__status=active,
    )
    return due[:at_most].count()


_EXTEND = """
UPDATE flows_syncjob SET lease_until = %s WHERE id IN (
    SELECT id FROM flows_syncjob WHERE state = 'running' AND (id, lease_token) IN ({places}) {lock})
"""


def extend(leases: list[Lease], now: datetime) -> None:
    """The heartbeat: keep these leases; ones that were lost stay lost. A row that is being changed at this moment is left for the next
    beat: waiting for it would keep all the others waiting.
    """
    if not leases:
        return
    until = database.ops.adapt_datetimefield_value(now + timedelta(seconds=settings.LEASE_SECONDS))
    lock = "FOR UPDATE SKIP LOCKED" if database.vendor == "postgresql" else ""
    held = [part for lease in leases for part in (lease.job_id, lease.token)]
    with database.cursor() as cursor:
        cursor.execute(_EXTEND.format(places=", ".join(["(%s, %s)"] * len(leases)), lock=lock), [until, *held])
