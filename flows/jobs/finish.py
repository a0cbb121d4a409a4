"""How a job ends, or waits for its next attempt. Each ending names the lease it holds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.plain_rows import Change, update
from audit.services import AuditEntry, write_with
from flows.jobs.claim import Lease, LeaseLost
from flows.models import SyncJob

State = SyncJob.State

# Seconds between attempts, with jitter; about three days in all, then a person decides.
BACK_OFF = (5, 30, 120, 600, 1800, 7200, 21600, 21600, 43200, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a run. wait: seconds until the next attempt, for WAITING; counted: whether this try used one up; since: since when
    it waits for somebody else's doubt.
    """

    state: SyncJob.State
    reason: str = ""
    code: str = ""
    subject: str = ""
    wait: float = 0.0
    counted: bool = False
    since: datetime | None = None


def back_off(attempts: int) -> float | None:
    """Seconds until the next attempt after so many failed ones (full jitter over half), None when it is enough."""
    if attempts > len(BACK_OFF):
        return None
    step = BACK_OFF[attempts - 1]
    return random.uniform(step / 2, step)


def finish(job: SyncJob, lease: Lease, ending: Ending, now: datetime, entry: AuditEntry | None = None) -> SyncJob.State:
    """Write the ending, and what the audit is to say of it; call it in the transaction that also writes the record. Raises LeaseLost."""
    state = ending.state
    if state is State.WAITING and another_waits(job):
        state = State.SUPERSEDED  # a newer event is queued already: it will look at the present anyway
        _hand_over(job, ending, now)
    change = Change(
        SyncJob,
        {"id": job.pk, "lease_token": lease.token, "state": State.RUNNING},
        {
            "state": state,
            "reason": ending.reason[:4000],
            "reason_code": ending.code[:60],
            "subject": ending.subject[:150],
            "attempts": job.attempts + (1 if ending.counted else 0),
            "lease_until": None,
            "lease_token": "",
            "not_before": now + timedelta(seconds=ending.wait),
            "finished_at": None if state is State.WAITING else now,
        },
    )
    if not (write_with(change, entry) if entry else update(change)):
        raise LeaseLost(f"job {job.pk} is no longer ours")
    if job.had_trouble and state is not State.WAITING:
        _close_older(job)
    return state


def same_object(job: SyncJob) -> dict[str, object]:
    return {"flow_id": job.flow_id, "object_type": job.object_type, "source_id": job.source_id}


def another_waits(job: SyncJob) -> bool:
    return SyncJob.objects.filter(**same_object(job), state=State.WAITING).exists()


def _hand_over(job: SyncJob, ending: Ending, now: datetime) -> None:
    """The waiting job inherits the attempts, so that a stream of events does not reset the back-off."""
    attempts = job.attempts + (1 if ending.counted else 0)
    inherit(job, attempts=attempts, not_before=now + timedelta(seconds=ending.wait))


def inherit(job: SyncJob, **fields: object) -> None:
    """The job that waits for the same object takes over what was asked of this one: to look in any case, and how urgently."""
    if job.force:
        fields["force"] = True
    heirs = SyncJob.objects.filter(**same_object(job), state=State.WAITING)
    heirs.filter(priority__gt=job.priority).update(priority=job.priority)
    heirs.update(**fields)


def _close_older(job: SyncJob) -> None:
    """What once needed attention is settled by a newer success of the same object, or newer trouble tells more."""
    stuck = SyncJob.objects.filter(**same_object(job), state__in=[State.ATTENTION, State.DEAD], pk__lt=job.pk)
    stuck.update(state=State.SUPERSEDED)
