"""What a person can do with one record. Each asks first, writes down who did it, and goes through the queue like any event."""

from __future__ import annotations

from typing import Any

from audit.console.buttons import Button, Said
from connectors.canonical.identity import ObjectType
from flows.admin.inbox import MAY_REPLAY
from flows.admin.parts import told
from flows.holding import skip
from flows.jobs.telling import STUCK
from flows.models import SyncJob, SyncRecord
from flows.posted import posted_for
from flows.replay import replay_job, sync_now, voids

MAY_SKIP, MAY_VOID = "flows.skip_syncrecord", "flows.void_syncrecord"


def newest_job(record: SyncRecord) -> SyncJob | None:
    """The latest job of the record's object."""
    same = {"flow": record.flow_id, "object_type": record.object_type, "source_id": record.source_id}
    rows = SyncJob.objects.filter(**same).select_related("flow__source", "flow__destination", "flow__organization")
    return rows.order_by("-id").first()


def _is_stuck(record: SyncRecord) -> bool:
    job = newest_job(record)
    return job is not None and job.state in STUCK and not record.hold


def _voids(record: SyncRecord) -> bool:
    job = newest_job(record)
    return job is not None and voids(job)


def _was_run(record: SyncRecord) -> bool:
    job = newest_job(record)
    return job is not None and job.state not in STUCK and not record.hold


@told
def sync(record: SyncRecord, person: str) -> Said:
    """Bring the other side to what the source has now."""
    job = sync_now(record.flow, ObjectType(record.object_type), record.source_id, person)
    return Said(f"{record} is queued as job {job.pk}.")


@told
def again(record: SyncRecord, person: str) -> Said:
    """Run its last job again."""
    last = newest_job(record)
    if last is None:
        return sync(record, person)
    job = replay_job(last, person)
    return Said(f"{record} is queued again as job {job.pk}. This page shows what comes of it: reload it in a moment.")


@told
def leave_out(record: SyncRecord, person: str, reason: str) -> Said:
    """Not to be synced until a person says so."""
    if not reason:
        return Said("Say why it is skipped: whoever meets this order next year will want to know. Nothing was changed.", ok=False)
    skip(record, reason, person)
    said = f"{record} is skipped. Events, polls and comparisons leave it alone until somebody clicks Go on, Sync now or Replay."
    return Said(f"{said} {what_stays(record)}")


def what_stays(record: SyncRecord) -> str:
    """Skipping takes nothing back."""
    posted = posted_for(record)
    if not posted:
        return "What was brought over already stays as it is."
    return f"In the books stays: {posted}. To take it out of the books, use Void instead."


def _in_hold(record: Any) -> bool:
    return bool(record.hold)


def _not_held(record: Any) -> bool:
    return not record.hold


RETRY = Button(
    "retry",
    "Retry",
    MAY_REPLAY,
    again,
    _is_stuck,
    records=False,
    asks="It is read from the shop again and brought to the books, if what stopped it is gone. Nothing is booked twice.",
)
VOID_ON = Button(
    "void-on",
    "Retry",
    MAY_REPLAY,
    again,
    _voids,
    records=False,
    asks="What was posted for it is taken out of the books, as was asked, if what stopped that is gone.",
)
REPLAY = Button(
    "replay",
    "Replay",
    MAY_REPLAY,
    again,
    _was_run,
    records=False,
    asks="Its last job is run again, against the books as they are now, even if nothing changed. Only what is missing is written.",
)
SYNC = Button(
    "sync",
    "Sync now",
    MAY_REPLAY,
    sync,
    in_bulk=False,
    asks="It is read from the shop now, ahead of everything else, and the books are brought to what it says.",
)
SKIP = Button(
    "skip",
    "Skip",
    MAY_SKIP,
    leave_out,
    _not_held,
    records=False,
    why="Why?",
    asks="It is left out from now on, whatever the shop tells of it.",
    besides=what_stays,
)
GO_ON = Button(
    "go-on",
    "Go on",
    MAY_SKIP,
    sync,
    _in_hold,
    asks="The decision to leave it alone ends, and it is synced now as if it had never been made.",
)
BUTTONS = (RETRY, VOID_ON, REPLAY, SYNC, SKIP, GO_ON)
