"""Where one record stands, in a sentence that a bookkeeper understands: what is so, why, and what to click."""

from __future__ import annotations

from dataclasses import dataclass

from credentials.models import Connection
from flows.jobs.telling import in_words
from flows.models import SyncJob, SyncRecord
from flows.recipes import RECIPES

State = SyncJob.State


@dataclass(frozen=True, slots=True)
class Standing:
    """state: what its badge says ("exact", "attention"); click: what a person can do about it, "" when nothing needs to be done."""

    state: str
    sentence: str
    cause: str = ""
    click: str = ""


def standing_of(record: SyncRecord, job: SyncJob | None) -> Standing:
    """job: the newest of the record's object, with its flow and connections."""
    if record.hold:
        return _held(record, job)
    if job is not None and job.state in _STANDINGS:
        return _STANDINGS[State(job.state)](record, job)
    if not record.outcome:
        return Standing("waiting", f"{_name(record)} is known from an event or a poll; nothing was booked for it yet.", "", "Sync now")
    return _settled(record)


def _name(record: SyncRecord) -> str:
    return str(record).replace("_", " ").capitalize()


def _held(record: SyncRecord, job: SyncJob | None) -> Standing:
    when = f"{record.hold_at:%Y-%m-%d}" if record.hold_at else ""
    if record.hold == SyncRecord.Hold.SKIP:
        said = f"{_name(record)} is skipped since {when}: no event, poll or comparison touches it."
    elif job is not None and job.state in (State.ATTENTION, State.DEAD):
        ended = "was refused" if job.state == State.ATTENTION else "failed"
        said = f"{record.hold_by} asked to void what was posted for {record}, and that {ended}: {job.reason}"
        return Standing("attention", said, record.hold_reason, "Put right what is said here, then Retry; or Go on, to sync it as before")
    elif job is not None and job.state in (State.WAITING, State.RUNNING):
        said = f"What was posted for {record} is being voided."
    else:
        said = f"What was posted for {record} was voided on {when}, and the record is left alone since."
    return Standing("noted", said, f"{record.hold_by}: {record.hold_reason}", "Go on, to sync it again")


def _waiting(record: SyncRecord, job: SyncJob) -> Standing:
    asleep = next((side for side in (job.flow.source, job.flow.destination) if side.status != Connection.Status.ACTIVE), None)
    if asleep is not None:
        said = f"{_name(record)} waits until the connection {asleep} is active again; it then goes on by itself."
        state = f"{asleep}: {asleep.get_status_display()}. {asleep.status_reason}".strip()
        return Standing("waiting", said, state, f"Open {asleep} and put it right")
    if not job.flow.enabled:
        return Standing("waiting", f"{_name(record)} waits because its flow is switched off.", "", f"Switch {job.flow} on")
    if job.reason:
        said = f"{_name(record)} will be tried again at {job.not_before:%Y-%m-%d %H:%M:%S} UTC."
        return Standing("waiting", said, job.reason, "nothing; or Sync now, if it cannot wait")
    return Standing("waiting", f"{_name(record)} is queued and will be looked at in a moment.")


def _running(record: SyncRecord, _job: SyncJob) -> Standing:
    return Standing("running", f"{_name(record)} is being synced at this moment.")


def _attention(record: SyncRecord, job: SyncJob) -> Standing:
    where = "in the books" if RECIPES[job.flow.recipe].tie_out else "there"
    said = f"{_name(record)} is not up to date {where}: a person has to decide something."
    return Standing("attention", said, job.reason, "Put right what is said here, then Retry; or Skip it")


def _dead(record: SyncRecord, job: SyncJob) -> Standing:
    return Standing(
        "dead", f"{_name(record)} was given up.", in_words(job.reason_code, job.reason), "Retry once the cause is gone; or Skip it"
    )


def _nothing(record: SyncRecord, job: SyncJob) -> Standing:
    if record.exact is not None and record.outcome == "done":
        return _settled(record)
    return Standing("nothing", f"Nothing has to be done for {record}.", job.reason or record.reason)


def _settled(record: SyncRecord) -> Standing:
    if record.exact:
        return Standing("exact", f"{_name(record)} is in the books and agrees with the shop to the last cent.", record.reason)
    if record.exact is False:
        said = f"{_name(record)} is in the books, but the amounts differ."
        return Standing("differs", said, record.reason, "Compare now, then Replay")
    return Standing(record.outcome, f"{_name(record)} is up to date.", record.reason)


def _done(record: SyncRecord, _job: SyncJob) -> Standing:
    return _settled(record)


_STANDINGS = {
    State.WAITING: _waiting,
    State.RUNNING: _running,
    State.ATTENTION: _attention,
    State.DEAD: _dead,
    State.NOTHING: _nothing,
    State.DONE: _done,
}
