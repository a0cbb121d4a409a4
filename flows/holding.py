"""A person's decision about one record, which outlives every event: skip it, or take what was posted out of the books."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Refused
from flows.bell import ring
from flows.jobs.queue import Wanted, enqueue_one
from flows.jobs.telling import STUCK, close_if_over
from flows.models import ExternalLink, Flow, SyncJob, SyncRecord
from flows.models.job import Priority

Hold = SyncRecord.Hold


def skip(record: SyncRecord, reason: str, person: str) -> None:
    """Leave the record out until a person takes that back or replays it. Raises Refused while a write for it is under way."""
    _refuse_while_writing(record)
    with transaction.atomic():
        _decide(record, Hold.SKIP, reason, person)
        _settle_stuck(record)
        said = f"Skipped by {person}: {reason}"
        SyncRecord.objects.filter(pk=record.pk).update(outcome=Outcome.NOTED, reason=said, updated_at=timezone.now())
        _note(record, "skip record", said, person)


def void(record: SyncRecord, reason: str, person: str, *, along: bool = False) -> SyncJob:
    """Take what was posted for it out of the books, by a job like any other, and leave the record out from then on.

    along: what was created along with it, a client or items, goes too where nothing else uses it.
    """
    _refuse_while_writing(record)
    with transaction.atomic():
        _decide(record, Hold.VOID, reason, person, along=along)
        said = f"{person} asked to void what was posted for it: {reason}"
        SyncRecord.objects.filter(pk=record.pk).update(outcome=Outcome.WAITING, reason=said, updated_at=timezone.now())
        _note(record, "void record", said, person)
        wanted = Wanted(
            record.flow_id, ObjectType(record.object_type), record.source_id, Priority.PERSON, "person", None, person, force=True
        )
        job = enqueue_one(wanted, timezone.now())
        transaction.on_commit(ring)
    return job


def release(flow: Flow, object_type: str, source_id: str, person: str) -> bool:
    """Take a decision back: the record is synced again as if it had never been made. Whether there was one."""
    rows = SyncRecord.objects.filter(flow=flow, object_type=object_type, source_id=source_id).exclude(hold="")
    record = rows.select_related("flow").first()
    if record is None:
        return False
    with transaction.atomic():
        rows.update(hold="", hold_reason="", hold_by="", hold_at=None, hold_along=False)
        _note(
            record, "go on with record", f"No longer {record.get_hold_display()}. It was, by {record.hold_by}: {record.hold_reason}", person
        )
    return True


def is_held(flow: Flow, source_id: str) -> bool:
    """Whether a person decided to leave this record alone."""
    return SyncRecord.objects.filter(flow=flow, source_id=source_id).exclude(hold="").exists()


def doubts_of(flow: Flow, source_id: str) -> QuerySet[ExternalLink]:
    """What was begun for this object and never seen answered."""
    mine = Q(key=source_id) | Q(key__startswith=f"{source_id}:")
    return ExternalLink.objects.filter(
        mine, destination_id=flow.destination_id, scope=str(flow.source.key), state=ExternalLink.State.INTENDED
    )


def _decide(record: SyncRecord, hold: SyncRecord.Hold, reason: str, person: str, *, along: bool = False) -> None:
    said = {"hold": hold, "hold_reason": reason[:300], "hold_by": person, "hold_along": along}
    SyncRecord.objects.filter(pk=record.pk).update(**said, hold_at=timezone.now())


def _refuse_while_writing(record: SyncRecord) -> None:
    """A decision that overtakes a write would leave it half done."""
    running = _jobs(record).filter(state=SyncJob.State.RUNNING)
    if running.exists() or doubts_of(record.flow, record.source_id).exists():
        raise Refused(
            f"{record} is being synced at this moment, or an answer about it is still awaited. Nothing was changed; try again in a minute."
        )


def _jobs(record: SyncRecord) -> QuerySet[SyncJob]:
    return SyncJob.objects.filter(flow_id=record.flow_id, object_type=record.object_type, source_id=record.source_id)


def _settle_stuck(record: SyncRecord) -> None:
    """What stopped before is nobody's task any more."""
    stuck = _jobs(record).filter(state__in=STUCK)
    causes = list(stuck.order_by().values_list("reason_code", "subject").distinct())
    stuck.update(state=SyncJob.State.SUPERSEDED)
    for code, subject in causes:
        close_if_over(record.flow, code, subject)


def _note(record: SyncRecord, action: str, said: str, person: str) -> None:
    write(
        actor=person,
        action=action,
        outcome=Outcome.NOTED,
        organization_id=record.flow.organization_id,
        flow_id=record.flow_id,
        object_type=record.object_type,
        source_id=record.source_id,
        message=f"{record}: {said}",
    )
