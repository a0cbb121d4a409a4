"""Doing it again on purpose: a job or an event goes down the same path as the first time, and the audit says who asked."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from connectors.canonical.identity import ObjectType
from flows.bell import ring
from flows.holding import doubts_of, release
from flows.jobs.finish import same_object
from flows.jobs.queue import Wanted, enqueue, enqueue_one
from flows.jobs.telling import STUCK, VANISHED_IN_DOUBT, close_if_over
from flows.models import Flow, InboundEvent, SyncJob, SyncRecord
from flows.models.job import Priority
from flows.selectors import flows_reading


def replay_job(job: SyncJob, asked_by: str) -> SyncJob:
    """Queue the job's object again, looking at the destination even when nothing seems changed. A void that got stuck is voided on."""
    again = (_queue if voids(job) else sync_now)(job.flow, ObjectType(job.object_type), job.source_id, asked_by)
    write(
        actor=asked_by,
        action="replay job",
        outcome=Outcome.NOTED,
        organization_id=job.flow.organization_id,
        flow_id=job.flow_id,
        job_id=again.pk,
        object_type=job.object_type,
        source_id=job.source_id,
        message=f"Job {job.pk} is run again as job {again.pk}.",
    )
    return again


def sync_now(flow: Flow, object_type: ObjectType, source_id: str, asked_by: str) -> SyncJob:
    """Queue one object of a flow ahead of everything else; a decision to leave it alone ends with that."""
    release(flow, object_type.value, source_id, asked_by)
    return _queue(flow, object_type, source_id, asked_by)


def voids(job: SyncJob) -> bool:
    """Whether it got stuck on taking out what a person had asked to be voided."""
    return job.state in STUCK and SyncRecord.objects.filter(**same_object(job), hold=SyncRecord.Hold.VOID).exists()


def _queue(flow: Flow, object_type: ObjectType, source_id: str, asked_by: str) -> SyncJob:
    wanted = Wanted(flow.pk, object_type, source_id, Priority.PERSON, "person", None, asked_by, force=True)
    job = enqueue_one(wanted, timezone.now())
    ring()
    return job


def replay_event(event: InboundEvent, asked_by: str) -> int:
    """Queue everything that the event told of, for every enabled flow that reads it. Returns the number of jobs."""
    reading = flows_reading(event.connection_id)
    wanted = [
        Wanted(flow.pk, ObjectType(notice["object_type"]), notice["source_id"], Priority.PERSON, "person", event.pk, asked_by, force=True)
        for notice in event.notices
        for flow in reading.get(notice["object_type"], ())
    ]
    made = enqueue(wanted, timezone.now())
    write(
        actor=asked_by,
        action="replay event",
        outcome=Outcome.NOTED,
        organization_id=event.connection.organization_id,
        connection=event.connection,
        event_id=event.pk,
        object_type=event.object_type,
        source_id=event.source_id,
        message=f"Event {event.pk} was passed on again: {made} job(s).",
    )
    ring()
    return made


def settle_by_hand(job: SyncJob, person: str) -> bool:
    """A person says that nothing is left to do about a stuck job. False when it was not stuck any more."""
    stuck = SyncJob.objects.filter(pk=job.pk, state__in=STUCK)
    with transaction.atomic():
        if not stuck.update(state=SyncJob.State.SUPERSEDED):
            return False
        said = f"Settled by hand by {person}. {job.reason}"
        SyncRecord.objects.filter(**same_object(job), job_id=job.pk).update(outcome=Outcome.NOTED, reason=said, updated_at=timezone.now())
        write(
            actor=person,
            action="settle job",
            outcome=Outcome.NOTED,
            organization_id=job.flow.organization_id,
            flow_id=job.flow_id,
            job_id=job.pk,
            object_type=job.object_type,
            source_id=job.source_id,
            message=said,
        )
        if job.reason_code == VANISHED_IN_DOUBT:
            doubts_of(job.flow, job.source_id).delete()  # a person has looked; nobody else needs to wait for what became of it
        close_if_over(job.flow, job.reason_code, job.subject)
    return True
