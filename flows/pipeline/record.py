"""Writing down what happened: link, audit, job and record, together or not at all."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.models import Outcome
from audit.plain_rows import upsert
from audit.services import AuditEntry, write_many, write_with
from connectors.canonical.ledger import Invoice
from connectors.canonical.money import Money
from connectors.kit.errors import Busy, NeedsAttention, RateLimited, Refused, Rejected, SyncError, Transient, Unclear
from connectors.kit.http import Exchange
from flows.jobs.claim import Lease
from flows.jobs.finish import Ending, finish
from flows.jobs.telling import UNCHANGED
from flows.known_by import keep_names
from flows.models import SyncJob, SyncRecord
from flows.pipeline.confirmations import Confirmation
from flows.pipeline.workbench import Workbench
from flows.recipes.contract import Change
from flows.recipes.proof import TieOut

EXCERPT = 4000


@dataclass
class Step:
    """One change being made, for its audit record."""

    bench: Workbench
    change: Change
    started: float = field(default_factory=time.monotonic)


def evidence_of(exchanges: list[Exchange]) -> dict[str, Any]:
    """Calls as evidence; bodies cut to a readable length (the audit redacts them before storing)."""
    return {
        "calls": [
            {
                "method": call.method,
                "url": call.url,
                "status": call.status,
                "ms": call.duration_ms,
                "sent": call.sent[:EXCERPT].decode("utf-8", "replace"),
                "received": call.received[:EXCERPT].decode("utf-8", "replace"),
                "error": call.error,
            }
            for call in exchanges
        ]
    }


def record_step(
    step: Step,
    *,
    adopted: bool = False,
    remote_id: str = "",
    answered: object = None,
    confirmation: Confirmation | None = None,
    problem: SyncError | None = None,
) -> None:
    """The audit record of one change, together with what it confirms of its link or not at all. answered: what stands there now. Raises
    LeaseLost: a worker that lost its job confirms nothing.
    """
    bench, change = step.bench, step.change
    entry = AuditEntry(
        actor="worker",
        action=f"{change.does} {change.object_type.value}",
        outcome=outcome_of(problem) if problem else Outcome.ADOPTED if adopted else Outcome.DONE,
        organization_id=bench.flow.organization_id,
        connection=bench.flow.destination,
        flow_id=bench.flow.pk,
        job_id=bench.job_id,
        object_type=change.object_type.value,
        source_id=change.key,
        target_id=remote_id,
        message=f"{change.title}: {problem.message}" if problem else change.title,
        mapping=applied(bench),
        duration_ms=round((time.monotonic() - step.started) * 1000),
        evidence={"source": bench.origin, **evidence_of(bench.take_evidence()), **_stands(answered)},
    )
    if confirmation is None:
        write_many([entry])
    elif not _written_at_once(bench, confirmation, entry):
        with transaction.atomic():
            confirmation.otherwise()
            write_many([entry])


def _written_at_once(bench: Workbench, confirmation: Confirmation, entry: AuditEntry) -> bool:
    """Whether one change was all, made while the job was ours: then the lease needs no question of its own for a while."""
    at = time.monotonic()
    done = confirmation.change is not None and write_with(confirmation.change, entry)
    if done and bench.lease:
        bench.lease.heard(at)
    return done


def _stands(answered: object) -> dict[str, Any]:
    """An invoice by its number and amount, for whoever asks later what is in the books (flows/posted.py)."""
    if not isinstance(answered, Invoice) or answered.amount is None:
        return {}
    return {"stands": {"number": answered.number, "amount": str(answered.amount)}}


def applied(bench: Workbench) -> dict[str, Any]:
    """How the source's fields became the destination's: the recipe, what the flow chose, and the operator's rules; empty parts left out."""
    mappings, flow = bench.context.mappings, bench.flow
    rules = {
        "recipe": flow.recipe,
        "options": dict(flow.options),
        "items": {sku: choice.name for sku, choice in mappings.items.items()} if len(mappings.items) <= 50 else "see mappings",
        "values": {f"{kind}:{source}": target for (kind, source), target in mappings.values.items()},
        "fields": [asdict(rule) for rule in mappings.fields],
    }
    return {name: rule for name, rule in rules.items() if rule}


_OUTCOMES: tuple[tuple[type[SyncError], Outcome], ...] = (
    (Transient, Outcome.WAITING),
    (RateLimited, Outcome.WAITING),
    (Busy, Outcome.WAITING),
    (Unclear, Outcome.WAITING),
    (NeedsAttention, Outcome.ATTENTION),
    (Refused, Outcome.ATTENTION),
    (Rejected, Outcome.REJECTED),
)


def outcome_of(problem: SyncError) -> Outcome:
    """How an error reads in the audit."""
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(problem, kind)), Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a run: how the job ends, and what its record shows from now on."""

    ending: Ending
    outcome: Outcome
    number: str = ""
    amount: Money | None = None
    tie_out: TieOut | None = None
    desired_hash: str | None = None
    source_hash: str = ""
    origin: dict[str, str] = field(default_factory=dict)
    mapping: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def record_end(job: SyncJob, lease: Lease, verdict: Verdict, exchanges: list[Exchange]) -> None:
    """Job, record and audit of a finished run, in one transaction. Raises LeaseLost when the job is no longer ours."""
    now = timezone.now()
    with transaction.atomic():
        _write_record(job, verdict)  # records before jobs, as whoever passes events on: two orders of locking would deadlock
        if verdict.ending.code != UNCHANGED:
            keep_names(job.flow_id, job.object_type, job.source_id, verdict.names)
        finish(job, lease, verdict.ending, now, None if _only_waits(verdict, exchanges) else _end_entry(job, verdict, exchanges))


def _only_waits(verdict: Verdict, exchanges: list[Exchange]) -> bool:
    """A run that was told to wait before it changed anything leaves no trace but its job's reason."""
    ending = verdict.ending
    return ending.state is SyncJob.State.WAITING and not ending.counted and not any(call.changes for call in exchanges)


def _end_entry(job: SyncJob, verdict: Verdict, exchanges: list[Exchange]) -> AuditEntry:
    proof = {name: str(value) for name, value in asdict_money(verdict.tie_out).items()} if verdict.tie_out else {}
    return AuditEntry(
        actor=job.asked_by or "worker",
        action=f"sync {job.object_type}",
        outcome=verdict.outcome,
        organization_id=job.flow.organization_id,
        connection=job.flow.source,
        flow_id=job.flow_id,
        job_id=job.pk,
        event_id=job.event_id,
        object_type=job.object_type,
        source_id=job.source_id,
        target_id=verdict.number,
        mapping=verdict.mapping,
        message=verdict.ending.reason or ("The books show exactly what the shop shows." if proof else "Up to date."),
        duration_ms=None if job.started_at is None else round((timezone.now() - job.started_at).total_seconds() * 1000),
        evidence={"source": verdict.origin, **evidence_of(exchanges), **({"tie_out": proof} if proof else {})},
    )


def asdict_money(tie_out: TieOut) -> dict[str, Any]:
    """The proof's fields by name."""
    names = ("number", "source_total", "refunded", "invoiced", "captured", "paid", "exact")
    return {name: getattr(tie_out, name) for name in names}


def _write_record(job: SyncJob, verdict: Verdict) -> None:
    """What the lists show of this object. A wait keeps the proof of the last success."""
    fields: dict[str, Any] = {
        "outcome": verdict.outcome,
        "reason": verdict.ending.reason,
        "job_id": job.pk,
        "updated_at": timezone.now(),
    }
    if verdict.number:
        fields["number"] = verdict.number[:60]
    if verdict.amount is not None:
        fields |= {"currency": verdict.amount.currency, "total": verdict.amount.amount}
    if verdict.source_hash:
        fields["source_hash"] = verdict.source_hash
    if verdict.desired_hash is not None:
        fields["desired_hash"] = verdict.desired_hash
    if verdict.tie_out:
        proof = verdict.tie_out
        fields |= {
            "total": proof.source_total.amount,
            "refunded": proof.refunded.amount,
            "invoiced": proof.invoiced.amount,
            "captured": proof.captured.amount,
            "paid": proof.paid.amount,
            "exact": proof.exact,
        }
    row = SyncRecord(flow_id=job.flow_id, object_type=job.object_type, source_id=job.source_id, **fields)
    upsert(row, ("flow_id", "object_type", "source_id"), tuple(fields))
