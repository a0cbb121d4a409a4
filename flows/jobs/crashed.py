"""What dead workers left behind: their jobs go back to the queue, and one that kills its worker again and again is set aside."""

from __future__ import annotations

from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.db.models import F

from audit.models import Outcome
from audit.services import AuditEntry, write_many
from flows.jobs.finish import another_waits, inherit
from flows.jobs.telling import open_job_alert
from flows.models import SyncJob, SyncRecord

State = SyncJob.State
CRASHES_ALLOWED = 3
DIED = "The worker died while working on this."
PARKED = "The worker died three times while working on this; it was set aside. Look at the evidence, then retry."


def release_expired(now: datetime) -> int:
    """Give jobs of dead workers back to the queue. A crash counts; the third one parks the job. Returns how many."""
    expired = SyncJob.objects.filter(state=State.RUNNING, lease_until__lt=now).select_related("flow").order_by("id")[:500]
    return sum(_release(job, now) for job in expired)


@transaction.atomic
def _release(job: SyncJob, now: datetime) -> int:
    if not _is_free(job):
        return 0
    parked = job.crashes + 1 >= CRASHES_ALLOWED
    superseded = not parked and another_waits(job)
    state = State.DEAD if parked else State.SUPERSEDED if superseded else State.WAITING
    # The lease's time is in the condition: a worker that was only slow may have prolonged it since we looked.
    released = SyncJob.objects.filter(pk=job.pk, lease_token=job.lease_token, lease_until=job.lease_until, state=State.RUNNING).update(
        state=state,
        crashes=F("crashes") + 1,
        lease_until=None,
        lease_token="",
        not_before=now,
        reason=PARKED if parked else DIED,
        reason_code="crashed",
        finished_at=None if state is State.WAITING else now,
    )
    if released and superseded:
        inherit(job, crashes=job.crashes + 1)
    if released and parked:
        _tell(job, now)
    return released


def _tell(job: SyncJob, now: datetime) -> None:
    """A parked job shows in the lists, the audit and as an alert, like any other that needs a person."""
    record = SyncRecord.objects.filter(flow=job.flow, object_type=job.object_type, source_id=job.source_id)
    record.update(outcome=Outcome.FAILED, reason=PARKED, job_id=job.pk, updated_at=now)
    number = record.values_list("number", flat=True).first() or job.source_id
    write_many(
        [
            AuditEntry(
                actor="sweep",
                action=f"set aside {job.object_type}",
                outcome=Outcome.FAILED,
                organization_id=job.flow.organization_id,
                flow_id=job.flow_id,
                job_id=job.pk,
                event_id=job.event_id,
                object_type=job.object_type,
                source_id=job.source_id,
                message=PARKED,
            )
        ]
    )
    open_job_alert(job, "crashed", "", number, PARKED, dead=True)


def _is_free(job: SyncJob) -> bool:
    """Whether nobody holds its row: a worker that was stopped inside a transaction does, until the server ends its session."""
    if not database.features.has_select_for_update_skip_locked:
        return True
    return SyncJob.objects.select_for_update(skip_locked=True).filter(pk=job.pk).exists()
