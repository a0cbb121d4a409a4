"""One run of one job: extract, normalise, desire, then plan and load until nothing is missing, then record."""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, OperationalError, ProgrammingError
from django.db.models import Q
from structlog.contextvars import bind_contextvars

from audit.models import Outcome
from connectors.kit.errors import (
    Busy,
    Gone,
    NeedsAttention,
    NothingToDo,
    PartOf,
    RateLimited,
    Refused,
    Rejected,
    SyncError,
    Transient,
    Unauthorised,
    Unclear,
)
from connectors.kit.http import Exchange
from flows.crash_points import point
from flows.echoes import hears_no_echo, written_by_us
from flows.holding import doubts_of
from flows.jobs.claim import Lease, LeaseLost
from flows.jobs.fetch import fetch_job
from flows.jobs.finish import Ending, back_off, same_object
from flows.jobs.measuring import measure_end
from flows.jobs.telling import UNCHANGED, VANISHED_IN_DOUBT, tell
from flows.models import ExternalLink, SyncJob, SyncRecord
from flows.pipeline.extract import Extracted, extract
from flows.pipeline.handing_on import look_there
from flows.pipeline.links import is_void
from flows.pipeline.load import load
from flows.pipeline.record import Verdict, applied, outcome_of, record_end
from flows.pipeline.view import Sight
from flows.pipeline.workbench import Workbench, open_workbench
from flows.recipes.contract import Plan, Unbooking
from flows.recipes.looks import More

logger = logging.getLogger(__name__)
ROUNDS = 8
LOOKS = 40
RECORD_ATTEMPTS = 4
SHORTEST_WAIT = 0.2
LIMITED = "rate_limited"
REAUTHORISED_LOOK = 15.0  # seconds; such jobs are not claimed at all until the connection is active again
State, Hold = SyncJob.State, SyncRecord.Hold


@dataclass(frozen=True, slots=True)
class Rest:
    """A job that waits for its next attempt. limited: its platform asked us to slow down, which holds for the whole flow."""

    flow_id: int
    seconds: float
    limited: bool


def run_job(lease: Lease) -> Rest | None:
    """Run a claimed job to an ending; None when it is over. Never raises for anything that a record can cause."""
    job = fetch_job(lease.job_id)
    bind_contextvars(flow_id=job.flow_id, event_id=job.event_id, connection_id=job.flow.source_id, destination_id=job.flow.destination_id)
    point("after_claim")
    try:
        verdict, exchanges = _run(job, lease)
        point("before_end")
        _record(job, lease, verdict, exchanges)
    except LeaseLost:
        logger.warning("job %s was taken over by another worker", job.pk)
        return None
    point("after_end")
    measure_end(job, verdict.ending)
    tell(job, verdict.ending, verdict.number)
    ending = verdict.ending
    return Rest(job.flow_id, ending.wait, ending.code == LIMITED) if ending.state is State.WAITING else None


def _record(job: SyncJob, lease: Lease, verdict: Verdict, exchanges: list[Exchange]) -> None:
    """Write the end down; an event that came in the same instant, or a deadlock, is no reason to lose it."""
    for _ in range(RECORD_ATTEMPTS - 1):
        try:
            return record_end(job, lease, verdict, exchanges)
        except (OperationalError, IntegrityError) as problem:
            logger.info("job %s: writing its end again (%s)", job.pk, type(problem).__name__)
            time.sleep(random.uniform(0.01, 0.1))
    return record_end(job, lease, verdict, exchanges)


def _run(job: SyncJob, lease: Lease) -> tuple[Verdict, list[Exchange]]:
    """The verdict, and the calls that no step has put on record yet."""
    try:
        bench = open_workbench(job.flow, lease.check, lease=lease, source_id=job.source_id)
    except SyncError as problem:  # a secret that cannot be read
        return Verdict(_ending(job, problem), outcome_of(problem)), []
    verdict = replace(_verdict(bench, job), origin=bench.origin, mapping=applied(bench), names=bench.names)
    return verdict, bench.take_evidence()


def _verdict(bench: Workbench, job: SyncJob) -> Verdict:
    extracted: Extracted | None = None
    try:
        if hears_no_echo(bench.flow) and written_by_us(bench.flow, bench.recipe.source.value, [job.source_id]):
            raise NothingToDo("We wrote this ourselves; there is nothing to tell the other side.", code="echo")
        if job.hold == Hold.VOID or (job.hold and not doubts_of(job.flow, job.source_id).exists()):
            return _held(bench, job)
        extracted = extract(bench, job.source_id)
        return synced(bench, job, extracted)
    except LeaseLost:
        raise
    except SyncError as problem:
        return _failed(bench, job, problem, extracted)
    except Exception as problem:  # noqa: BLE001 - the record waits and shows it, the worker lives on
        return _failed(bench, job, _mishap(job, problem), extracted)


def _mishap(job: SyncJob, problem: Exception) -> SyncError:
    """What no outcome accounts for: our database restarted or deadlocked, which is worth another try, or a defect of ours."""
    ours = isinstance(problem, (DataError, ProgrammingError))  # a value that does not fit will never fit
    if isinstance(problem, DatabaseError) and not ours:
        logger.warning("job %s met a database error: %s", job.pk, problem)
        return Transient("Our own database was not to be had for a moment.", code="database")
    logger.exception("job %s failed on a defect", job.pk)
    return Refused(f"Tillbridge itself failed on this ({type(problem).__name__}: {problem}). Please report it.", code="defect")


def synced(bench: Workbench, job: SyncJob, extracted: Extracted) -> Verdict:
    """Bring the destination to what the source says, and prove it."""
    number, amount = bench.recipe.describe(extracted.value)
    desired = bench.recipe.desire(extracted.value, bench.context)
    desired_hash = hash_of(desired)
    if job.last_well and job.last_hash == desired_hash and not job.force:
        ending = Ending(State.NOTHING, "Nothing changed since the books were last brought up to date.", UNCHANGED)
        return Verdict(ending, Outcome.DONE, number, amount, source_hash=extracted.raw_hash)
    plan = settle_plan(bench, desired, lambda: _unsettle(job))
    proof = plan.tie_out
    if bench.recipe.tie_out and proof is not None and not proof.exact:
        raise NeedsAttention(
            f"The books do not tie out: the invoice shows {proof.invoiced} for an order of {proof.source_total} "
            f"less {proof.refunded} refunded, payments {proof.paid} for {proof.captured} captured.",
            code="not_exact",
        )
    known_by = (plan.concern.code, plan.concern.subject) if plan.concern else ()
    ending = Ending(State.DONE, " ".join(plan.said), *known_by)
    return Verdict(ending, Outcome.DONE, number, amount, proof, desired_hash, extracted.raw_hash)


def _held(bench: Workbench, job: SyncJob) -> Verdict:
    """A person decided about this record: what was posted is voided once, if that was asked for; then it is left alone."""
    unbook = bench.recipe.unbook if job.hold == Hold.VOID else None
    if unbook is None or (is_void(bench) and not _is_unfinished(job)):
        said = f'{Hold(job.hold).label.capitalize()} by {job.hold_by} ("{job.hold_reason}").'
        raise NothingToDo(f"{said} It stays so until somebody goes on with it or replays it.", code="held")
    number, currency = job.known_as
    why = f'{job.hold_by} voided it ("{job.hold_reason}").'
    asked = Unbooking(job.source_id, number or job.source_id, currency, why, job.hold_along)
    plan = settle_plan(bench, unbook(asked, bench.context), lambda: _unsettle(job))
    return Verdict(Ending(State.DONE, " ".join(plan.said)), Outcome.DONE, tie_out=plan.tie_out, desired_hash="")


def _is_unfinished(job: SyncJob) -> bool:
    """Whether the void has not been seen through to its proof: it was asked for again, a worker died after its last write, or what goes
    along could not go yet and nobody has settled that by hand.
    """
    ended_well = Q(invoiced=0, outcome__in=(Outcome.DONE, Outcome.NOTHING)) | Q(outcome=Outcome.NOTED)
    return SyncRecord.objects.filter(**same_object(job)).exclude(ended_well).exists()


def hash_of(desired: Any) -> str:
    """A stable hash of what the destination should look like (frozen dataclasses have an exact repr)."""
    return hashlib.sha256(repr(desired).encode()).hexdigest()


def _unsettle(job: SyncJob) -> None:
    """Ahead of the first write: until this run ends well, nobody may take the books for what they were last brought to."""
    if job.last_hash:
        SyncRecord.objects.filter(**same_object(job)).update(desired_hash="")


def settle_plan(bench: Workbench, desired: Any, before_writing: Callable[[], None] = lambda: None) -> Plan:
    """Plan and load, round by round, until a plan is empty; that last plan. before_writing runs ahead of each round of changes."""
    sight = Sight(bench)
    for _ in range(ROUNDS):
        plan = decide(bench, desired, sight)
        if not plan.changes:
            return plan
        before_writing()
        for change in plan.changes:
            if load(bench, sight, change):
                break
    raise NeedsAttention(
        "The destination keeps showing something else than what was written. Compare both sides by hand.", code="unsettled"
    )


def decide(bench: Workbench, desired: Any, sight: Sight) -> Plan:
    """One pure plan, with whatever it asked to see."""
    for _ in range(LOOKS):
        try:
            return bench.recipe.plan(desired, sight.view)
        except More as more:
            sight.look_at(more.looks)
    raise NeedsAttention("A plan asked for too much.", code="too_many_looks")


# ---- what an error means for the job ---------------------------------------------------------------------------


def _failed(bench: Workbench, job: SyncJob, problem: SyncError, extracted: Extracted | None) -> Verdict:
    number, amount = bench.recipe.describe(extracted.value) if extracted else ("", None)
    if isinstance(problem, PartOf):
        look_there(bench, job, problem)
    if isinstance(problem, Gone):
        problem = _gone(bench, job) if extracted is None else _gone_there(bench, problem)
    ending = _ending(job, problem)
    outcome = Outcome.NOTHING if ending.state is State.NOTHING else outcome_of(problem)
    hashed = extracted.raw_hash if extracted else ""
    return Verdict(ending, outcome, number, amount, source_hash=hashed, desired_hash="" if ending.state is State.NOTHING else None)


def _gone(bench: Workbench, job: SyncJob) -> SyncError:
    """A vanished source object: harmless unless we posted something for it. A missing order may also be a fault of the shop."""
    source, books = bench.flow.source.label, bench.flow.destination.label
    mine = Q(key=job.source_id) | Q(key__startswith=f"{job.source_id}:")
    own = ExternalLink.objects.filter(mine, destination=bench.flow.destination, scope=bench.scope)
    doubtful = sorted(set(own.filter(state=ExternalLink.State.INTENDED).values_list("object_type", flat=True)))
    posted = own.filter(key=job.source_id, state=ExternalLink.State.CONFIRMED, void=False).exists()
    rest = f", but what was posted for it is still in {books}" if posted else ""
    if doubtful:  # without the object nobody can tell by which marker to search
        known = SyncRecord.objects.filter(flow=bench.flow, object_type=job.object_type, source_id=job.source_id)
        number = known.values_list("number", flat=True).first() or job.source_id
        return NeedsAttention(
            f"It vanished from {source}{rest}, and it is not certain whether its {' and '.join(doubtful)} was created in {books}. "
            f"Look there for {number} in numbers, references and notes, delete by hand what should not stand, then settle this by hand.",
            code=VANISHED_IN_DOUBT,
        )
    if not posted:
        return NothingToDo("It does not exist at the source (any more), and nothing was posted for it.", code="gone")
    return NeedsAttention(f"It vanished from {source}{rest}. If it was deleted on purpose, void it there by hand.", code="vanished")


def _gone_there(bench: Workbench, problem: Gone) -> SyncError:
    """Something that the record needs vanished from the destination for good; nobody but a person knows what is to stand for it."""
    return NeedsAttention(
        f"Something that this needs is no longer in {bench.flow.destination.label}: {problem.message} Look there, then retry.",
        code="gone_there",
    )


def _ending(job: SyncJob, problem: SyncError) -> Ending:
    match problem:
        case NothingToDo():
            return Ending(State.NOTHING, problem.message, problem.code)
        case NeedsAttention():
            return Ending(State.ATTENTION, problem.message, problem.code, problem.subject)
        case Refused():
            return Ending(State.ATTENTION, problem.message, problem.code)
        case Rejected() | Gone():
            return Ending(State.DEAD, problem.message, problem.code)
        case RateLimited():
            return Ending(State.WAITING, problem.message, LIMITED, wait=max(problem.retry_after, 1.0))
        case Busy():
            subject = f"{job.object_type}:{job.source_id}" if problem.since else ""
            pause = max(problem.retry_after, SHORTEST_WAIT)
            return Ending(State.WAITING, problem.message, problem.code, subject, wait=pause, since=problem.since)
        case Unauthorised():
            return Ending(State.WAITING, problem.message, problem.code, wait=REAUTHORISED_LOOK)
        case Unclear() if problem.code.startswith("settle:"):
            return Ending(State.WAITING, problem.message, "settling", wait=float(problem.code.partition(":")[2]) + 0.1)
    wait = back_off(job.attempts + 1)
    if wait is None:
        return Ending(State.DEAD, f"{problem.message} It was tried {job.attempts + 1} times.", "exhausted", counted=True)
    return Ending(State.WAITING, problem.message, problem.code, wait=wait, counted=True)
