"""Putting jobs into the queue: coalesced, so that an object has at most one waiting job per flow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from connectors.canonical.identity import ObjectType
from flows.models import SyncJob
from flows.models.job import Priority


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job to make, or to fold into the one that already waits for the same object."""

    flow_id: int
    object_type: ObjectType
    source_id: str
    priority: Priority
    trigger: str
    event_id: int | None = None
    asked_by: str = ""
    force: bool = False
    backfill_id: int | None = None


# A waiting job keeps the more urgent priority, the earlier time and any force; the newest event is its cause. One that two backfills
# asked for names neither: cancelling one must not take it from the other.
_UPSERT = """
INSERT INTO flows_syncjob (flow_id, object_type, source_id, state, priority, not_before, attempts, crashes, force, lease_token,
    trigger, event_id, backfill_id, asked_by, reason_code, subject, reason, created_at)
VALUES {rows}
ON CONFLICT (flow_id, object_type, source_id) WHERE state = 'waiting' DO UPDATE SET
    priority = CASE WHEN excluded.priority < flows_syncjob.priority THEN excluded.priority ELSE flows_syncjob.priority END,
    not_before = CASE WHEN excluded.not_before < flows_syncjob.not_before THEN excluded.not_before ELSE flows_syncjob.not_before END,
    force = (flows_syncjob.force OR excluded.force),
    event_id = COALESCE(excluded.event_id, flows_syncjob.event_id),
    backfill_id = CASE WHEN excluded.backfill_id IS NULL THEN flows_syncjob.backfill_id
        WHEN flows_syncjob.trigger <> 'backfill' OR flows_syncjob.backfill_id = excluded.backfill_id THEN excluded.backfill_id END
"""
_ROW = "(%s, %s, %s, 'waiting', %s, %s, 0, 0, %s, '', %s, %s, %s, %s, '', '', '', %s)"
_BATCH = 60  # 11 parameters a row; SQLite takes 999 in its oldest builds


def enqueue(wanted: Iterable[Wanted], now: datetime) -> int:
    """Make waiting jobs; repeats within the call and with what waits already are folded. Returns how many were asked for."""
    unique = {(w.flow_id, w.object_type, w.source_id): w for w in wanted}
    jobs = [unique[key] for key in sorted(unique)]  # one order for all writers: no deadlock between two batches
    with transaction.atomic(), database.cursor() as cursor:
        for start in range(0, len(jobs), _BATCH):
            batch = jobs[start : start + _BATCH]
            values: list[Any] = []
            for w in batch:
                when = _adapt(now)
                values += [
                    w.flow_id,
                    w.object_type.value,
                    w.source_id,
                    int(w.priority),
                    when,
                    w.force,
                    w.trigger,
                    w.event_id,
                    w.backfill_id,
                    w.asked_by,
                    when,
                ]
            cursor.execute(_UPSERT.format(rows=", ".join([_ROW] * len(batch))), values)
    return len(jobs)


def _adapt(moment: datetime) -> Any:
    return database.ops.adapt_datetimefield_value(moment)


@transaction.atomic
def enqueue_one(wanted: Wanted, now: datetime) -> SyncJob:
    """Make (or find) the waiting job of one object and return it. Nobody can claim it in between: its row is ours until we are through."""
    enqueue([wanted], now)
    return SyncJob.objects.get(
        flow_id=wanted.flow_id, object_type=wanted.object_type, source_id=wanted.source_id, state=SyncJob.State.WAITING
    )
