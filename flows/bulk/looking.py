"""Time travel: stored payloads of a period through today's mappings, against what stands in the books. Writes nothing outside."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Raw
from connectors.kit.errors import PartOf, RateLimited, SyncError, Transient, Unauthorised
from flows.bulk.starting import finish, held, insert_items, note
from flows.comparing import Difference, differences_of
from flows.leases import periodic
from flows.models import BulkItem, BulkRun, Flow, InboundEvent, SyncRecord
from flows.pipeline.workbench import Workbench, open_workbench
from flows.preview import Preview, preview_on, refuse_writes
from flows.recipes import RECIPES

logger = logging.getLogger(__name__)
TASK_SECONDS = 120.0
State = BulkItem.State


def start_look(flow: Flow, since: datetime, until: datetime, person: str) -> BulkRun:
    """Ask for it: every object that an event of the period told of, or that was synced in it."""
    kind, period = RECIPES[flow.recipe].source.value, f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
    with transaction.atomic():
        run = BulkRun.objects.create(
            organization=flow.organization, kind=BulkRun.Kind.LOOK, about=f"{flow.label}, {period}", asked_by=person
        )
        synced = SyncRecord.objects.filter(flow=flow, object_type=kind, updated_at__gte=since, updated_at__lt=until).exclude(outcome="")
        run.total = insert_items(run, synced.order_by().values("flow_id", "object_type", "source_id"))
        run.total += insert_items(run, _told_of(flow, kind, since, until))
        run.save(update_fields=["total"])
        note(run, "start time travel", f"{run.total} records of {run.about}", person)
    return run


def _told_of(flow: Flow, kind: str, since: datetime, until: datetime) -> QuerySet[Any]:
    """What events of the period were about, as far as there is a record of it."""
    told = InboundEvent.objects.filter(connection=flow.source, received_at__gte=since, received_at__lt=until, object_type=kind)
    known = SyncRecord.objects.filter(flow=flow, object_type=kind, source_id__in=told.values("source_id")).exclude(outcome="")
    return known.order_by().values("flow_id", "object_type", "source_id")


def walk_looks() -> int:
    """Go on with every unfinished time travel. Returns how many records were looked at."""
    return sum(walk_look(run) for run in BulkRun.objects.filter(finished_at=None, kind=BulkRun.Kind.LOOK).order_by("id"))


def walk_look(run: BulkRun) -> int:
    """As far as the time allows; what a platform cannot answer now is looked at in the next walk."""
    with periodic(f"look {run.pk}", TASK_SECONDS + 60) as ours:
        return _walk(run) if ours else 0


def _walk(run: BulkRun) -> int:
    deadline, looked, bench = time.monotonic() + TASK_SECONDS, 0, None
    while time.monotonic() < deadline and BulkRun.objects.filter(pk=run.pk, finished_at=None).exists():
        item = run.items.filter(state=State.WAITING).select_related("flow__source", "flow__destination").order_by("id").first()
        if item is None:
            finish(run)
            break
        try:
            bench = bench or open_workbench(item.flow, refuse_writes)
            _look(bench, item)
        except (Transient, RateLimited, Unauthorised):
            break
        looked += 1
    return looked


def _look(bench: Workbench, item: BulkItem) -> None:
    if decided := held([item]).get(item.source_id):
        BulkItem.objects.filter(pk=item.pk, state=State.WAITING).update(state=State.LEFT, note=decided)
        return
    stored, why = _stored(bench, item)
    try:
        seen = preview_on(bench, item.source_id, stored)
        verdict = _verdict(seen)
        item.changes = [_told(one) for one in differences_of(seen)]
    except PartOf:
        seen, verdict = None, State.SAME
    except (Transient, RateLimited, Unauthorised):
        raise
    except DatabaseError:
        raise
    except Exception as problem:  # a defect stops this record, not the rest of this run and every other one
        if not isinstance(problem, SyncError):
            logger.exception("looking at %s failed on a defect", item)
        seen, verdict, why = None, State.STOPPED, getattr(problem, "message", f"Tillbridge itself failed on this: {problem}")
    bench.take_evidence()
    item.state, item.note = verdict, " ".join(part for part in (seen.sentence if seen and seen.code else "", why) if part)
    BulkItem.objects.filter(pk=item.pk, state=State.WAITING).update(state=item.state, note=item.note, changes=item.changes)


def _verdict(seen: Preview) -> BulkItem.State:
    if seen.plan.changes:
        return State.DIFFERS
    return State.STOPPED if seen.sentence.startswith("Stopped") else State.SAME


def _told(difference: Difference) -> Mapping[str, Any]:
    return {"title": difference.title, "rows": [[row.label, row.here, row.there] for row in difference.rows]}


# ---- what is stored ----------------------------------------------------------------------------------------


def _stored(bench: Workbench, item: BulkItem) -> tuple[Raw | None, str]:
    """The newest stored payload, and a sentence on what was used: where it is no whole object, or not the latest, the source is read."""
    reads = bench.source.connector.reads[ObjectType(item.object_type)]
    if reads.stored is None:
        return None, f"Read from {bench.flow.source} now: its events are only hints, so what it sent does not show the record."
    told = InboundEvent.objects.filter(connection=bench.flow.source, object_type=item.object_type, source_id=item.source_id)
    event = told.exclude(body=b"").order_by("-id").first()
    raw = None if event is None else reads.stored(bytes(event.body))
    if event is None or raw is None:
        return None, f"Read from {bench.flow.source} now: nothing that it sent shows all of it."
    if _version(event) < _newest(item):
        return None, f"Read from {bench.flow.source} now: it changed after what it sent last."
    at = event.received_at.astimezone(timezone.get_default_timezone())
    return raw, f"Made from what {bench.flow.source} sent at {at:%Y-%m-%d %H:%M:%S} UTC."


def _version(event: InboundEvent) -> str:
    return max((str(notice.get("version", "")) for notice in event.notices), default="")


def _newest(item: BulkItem) -> str:
    known = SyncRecord.objects.filter(flow=item.flow, object_type=item.object_type, source_id=item.source_id)
    return max(next(iter(known.values_list("version", "polled_version")), ("", "")))
