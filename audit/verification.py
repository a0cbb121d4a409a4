"""Proves that nothing sealed was changed, removed, added or put in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from audit.digests import COVERED, GENESIS, batch_digest, chain_value, digest_of, present_digest, record_digest
from audit.erasing import Step, recorded_steps
from audit.models import AuditRecord, AuditSeal
from audit.plain_rows import read

PRUNED = "audit_pruned"  # the action of the record that every pruning leaves; its target_id is the last seal pruned so far


@dataclass(frozen=True, slots=True)
class Verification:
    """The result. first_broken is the seal's id, None when all hold; last_good the last one that holds; head is the chain value to
    keep elsewhere.

    records counts those that were recomputed, unsealed those that no seal covers yet, redacted those that were redacted since.
    """

    ok: bool
    first_broken: int | None
    sentence: str
    seals: int
    records: int
    pruned: int
    unsealed: int
    redacted: int
    head: str
    last_good: int | None = None


@dataclass
class _Walk:
    """How far the check has come."""

    previous: str = GENESIS
    seals: int = 0
    records: int = 0
    pruned: int = 0
    redacted: int = 0
    last_pruned: int = 0
    last_good: int | None = None
    heads: set[str] = field(default_factory=set)
    steps: dict[int, list[Step]] = field(default_factory=dict)


def verify(*, head: str = "", told: Callable[[int], None] = lambda _seals: None) -> Verification:
    """Walk the whole chain. head is a chain value saved earlier: that it is still there proves that the tail was not cut off. told hears
    after each seal how many hold so far.
    """
    walk = _Walk(last_pruned=_last_pruned(), steps=recorded_steps())
    for seal in AuditSeal.objects.order_by("id").iterator(chunk_size=500):
        problem = _problem(seal, walk)
        if problem:
            return _result(walk, seal.pk, f"Seal {seal.pk} is broken: {problem}.")
        walk.seals += 1
        walk.previous, walk.last_good = seal.chain, seal.pk
        told(walk.seals)
        if head == seal.chain:
            walk.heads.add(head)
    if head and head not in walk.heads:
        return _result(walk, None, f"The saved head {head[:12]}... is in no seal: the end of the audit was cut off or rewritten.", ok=False)
    return _result(walk, None, "")


def _problem(seal: AuditSeal, walk: _Walk) -> str:
    """What is wrong with this seal in half a sentence, "" when it holds."""
    if seal.previous != walk.previous:
        return "it does not follow the seal before it (one was removed, added or changed)"
    if seal.chain != chain_value(seal.previous, seal.digest, seal.first_record, seal.last_record, seal.count, seal.sealed_at):
        return "its own figures were changed"
    if seal.pruned_at is not None:
        return _pruned_problem(seal, walk)
    digest, count = batch_digest(_digests(seal, walk))
    if count != seal.count:
        return f"it covers {seal.count} records, and {count} are there"
    if digest != seal.digest:
        return f"one of its {count} records (ids {seal.first_record} to {seal.last_record}) was changed"
    walk.records += count
    return ""


def _pruned_problem(seal: AuditSeal, walk: _Walk) -> str:
    if seal.pk > walk.last_pruned:
        return "it is marked as pruned, and no record of that pruning exists"
    if AuditRecord.objects.filter(seal=seal).exists():
        return "it is marked as pruned, and still has records"
    walk.pruned += 1
    return ""


def _digests(seal: AuditSeal, walk: _Walk) -> Iterator[str]:
    """The digest of each of its records as it was sealed; "changed" for one that is neither as it was nor as its redaction left it."""
    for *covered, evidence in read(AuditRecord, (*COVERED, "evidence"), "WHERE seal_id = %s ORDER BY id", [seal.pk]):
        steps = walk.steps.get(covered[0])
        if steps:
            walk.redacted += 1
            yield _before(steps, present_digest(covered, evidence))
        else:
            yield record_digest(covered) if digest_of(evidence) == covered[-1] else "changed"


def _before(steps: list[Step], present: str) -> str:
    """What the record's digest was when it was sealed, if its redactions lead from there to what it is now without a gap."""
    unbroken = all(earlier.after == later.before for earlier, later in pairwise(steps))
    return steps[0].before if unbroken and steps[-1].after == present else "changed"


def _last_pruned() -> int:
    """The newest seal that a pruning recorded as pruned; 0 when there was none."""
    targets = AuditRecord.objects.filter(action=PRUNED).order_by("-id").values_list("target_id", flat=True)[:1]
    return next((int(target) for target in targets if target.isdigit()), 0)


def _result(walk: _Walk, broken: int | None, sentence: str, *, ok: bool | None = None) -> Verification:
    unsealed = AuditRecord.objects.filter(seal=None).count()
    good = (broken is None) if ok is None else ok
    told = sentence or (
        f"All {walk.seals} seals hold: {walk.records} records are as they were sealed, {walk.pruned} seals were pruned, "
        f"{unsealed} records wait for their seal."
        + (f" {walk.redacted} were redacted on request, each with a record of that." if walk.redacted else "")
    )
    return Verification(
        ok=good,
        first_broken=broken,
        sentence=told,
        seals=walk.seals,
        records=walk.records,
        pruned=walk.pruned,
        unsealed=unsealed,
        redacted=walk.redacted,
        head="" if walk.previous == GENESIS else walk.previous,
        last_good=walk.last_good,
    )
