"""Doing it again on purpose: a job or an event goes down the same path as the first time, and the audit says who asked."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from connectors.canonical.identity import ObjectType
from flows.bell import ring
from flows.jobs.queue import Wanted, enqueue, enqueue_one
from flows.models import Flow, InboundEvent, SyncJob
from flows.models.job import Priority
from flows.selectors import flows_reading


def replay_job(job: SyncJob, asked_by: str) -> SyncJob:
    """Queue the job's object again, looking at the destination even when nothing seems changed."""
    again = sync_now(job.flow, ObjectType(job.object_type), job.source_id, asked_by)
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
    """Queue one object of a flow ahead of everything else."""
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


def release(flow: Flow, subject: str, asked_by: str, *, alike: str = "") -> int:
    """A mapping was saved: queue the jobs that waited for it ("sku:MUG-XL"). Returns how many.

    alike: the reason code of jobs that may wait for the same under another name; those that do not will wait again.
    """
    waits = Q(subject=subject) | Q(reason_code=alike) if alike else Q(subject=subject)
    stuck = SyncJob.objects.filter(waits, flow=flow, state__in=[SyncJob.State.ATTENTION, SyncJob.State.DEAD])
    wanted = [
        Wanted(flow.pk, ObjectType(kind), source_id, Priority.PERSON, "mapping", None, asked_by)
        for kind, source_id in stuck.values_list("object_type", "source_id").distinct()
    ]
    made = enqueue(wanted, timezone.now())
    if made:
        ring()
    return made
