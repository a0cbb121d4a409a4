"""Replays and retries of many records, passed to the queue a slice at a time: short, so that a cancelled run stops at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from django.db import transaction
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from flows.bell import ring
from flows.bulk.starting import finish, held
from flows.jobs.queue import Wanted, enqueue
from flows.jobs.telling import STUCK
from flows.models import BulkItem, BulkRun, SyncJob
from flows.models.job import Priority

SLICE, SLICES, AHEAD = 100, 5, 500  # records of a slice, slices of a sweep, jobs that may wait in the queue
State = BulkItem.State


def pass_on() -> int:
    """Go on with every unfinished replay and retry. Returns how many records were passed on."""
    runs = BulkRun.objects.filter(finished_at=None).exclude(kind=BulkRun.Kind.LOOK).order_by("id")
    return sum(_pass_on(run) for run in runs)


def _pass_on(run: BulkRun) -> int:
    passed = 0
    for _ in range(SLICES):
        if not _has_room(run):
            break
        taken = _slice(run)
        passed += taken
        if taken < SLICE:
            break
    if passed:
        ring()
    return passed


def _has_room(run: BulkRun) -> bool:
    """Whether the queue is short: what waits there can no longer be cancelled."""
    flows = run.items.filter(state=State.WAITING).order_by("id").values("flow_id")[:1]
    waiting = SyncJob.objects.filter(flow__in=flows, state=SyncJob.State.WAITING, priority=Priority.BACKFILL)
    return waiting[:AHEAD].count() < AHEAD


@transaction.atomic
def _slice(run: BulkRun) -> int:
    """Pass on the next records; their jobs and their rows change together, so a crash in between does nothing by half."""
    locked = BulkRun.objects.select_for_update().filter(pk=run.pk, finished_at=None).first()
    if locked is None:
        return 0
    items = list(run.items.filter(state=State.WAITING).order_by("id")[:SLICE])
    for _, group in groupby(sorted(items, key=_kind), key=_kind):
        _pass_group(run, list(group))
    if len(items) < SLICE:
        finish(run)
    return len(items)


def _kind(item: BulkItem) -> tuple[int, str]:
    return item.flow_id, item.object_type


def _pass_group(run: BulkRun, items: Sequence[BulkItem]) -> None:
    """Items of one flow and object type."""
    now, left = timezone.now(), _left_alone(run, items)
    passed = [item for item in items if item.source_id not in left]
    enqueue(
        [
            Wanted(item.flow_id, ObjectType(item.object_type), item.source_id, Priority.BACKFILL, "person", None, run.asked_by, force=True)
            for item in passed
        ],
        now,
    )
    BulkItem.objects.filter(pk__in=[item.pk for item in passed]).update(state=State.QUEUED, queued_at=now)
    for item in items:
        if item.source_id in left:
            BulkItem.objects.filter(pk=item.pk).update(state=State.LEFT, note=left[item.source_id])


def _left_alone(run: BulkRun, items: Sequence[BulkItem]) -> dict[str, str]:
    """Why some are not passed on: a person chose to leave them alone, or nothing is left to retry."""
    same = {"flow_id": items[0].flow_id, "object_type": items[0].object_type, "source_id__in": [item.source_id for item in items]}
    left = held(items)
    if run.kind == BulkRun.Kind.RETRY:
        stuck = set(SyncJob.objects.filter(**same, state__in=STUCK).values_list("source_id", flat=True))
        left |= {item.source_id: "It is no longer stopped." for item in items if item.source_id not in stuck | set(left)}
    return left
