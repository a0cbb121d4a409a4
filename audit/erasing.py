"""Takes a person's data out of sealed records: erased, never rewritten, and each time recorded, so that the chain can still be proved.

The record of a redaction carries two digests: of the record as it was, which is what its seal covers, and as it is from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from audit.digests import COVERED, ERASABLE, ERASED, ERASED_RECORD, ERASURE, digest_of, present_digest, record_digest
from audit.models import AuditRecord, Outcome
from audit.writing import AuditEntry, write_many

BATCH = 200


@dataclass(frozen=True, slots=True)
class Step:
    """One redaction of one record."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Erased:
    """How many were redacted; left: how many stay as they are, because they were tampered with before or have no seal yet."""

    records: int
    left: int


@dataclass(frozen=True, slots=True)
class Request:
    """On whose behalf. reference: the number of the request; keep: members of the evidence that hold nobody's data and stay (under
    "redacted"); people: object types whose target_id may be a person's name.
    """

    actor: str
    reference: str
    keep: Sequence[str] = ()
    people: Sequence[str] = ()


def erase(ids: Iterable[int], request: Request) -> Erased:
    """Redact these sealed records: the message, the evidence, and ids that are e-mail addresses or names.

    Those that were redacted before are passed
    over. Call seal() first: what has no seal cannot be redacted.
    """
    wanted, done, left = sorted(set(ids)), 0, 0
    for start in range(0, len(wanted), BATCH):
        records, unfit = _erase_batch(wanted[start : start + BATCH], request)
        done, left = done + records, left + unfit
    return Erased(done, left)


@transaction.atomic
def _erase_batch(ids: list[int], request: Request) -> tuple[int, int]:
    rows = AuditRecord.objects.filter(pk__in=ids).exclude(action=ERASURE).exclude(message=ERASED).select_for_update()
    found = list(rows.order_by("id"))
    fit = [row for row in found if row.seal_id is not None and digest_of(row.evidence) == row.evidence_digest]
    befores = {row.pk: _values(row) for row in fit}
    for row in fit:
        _blank(row, request)
    write_many(_entry(row, befores[row.pk], request) for row in fit)  # first: the database wants to see it
    for row in fit:
        AuditRecord.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in (*ERASABLE, "evidence")})
    return len(fit), len(found) - len(fit)


def _values(row: AuditRecord) -> list[Any]:
    return [getattr(row, name) for name in COVERED]


def _blank(row: AuditRecord, request: Request) -> None:
    row.message = ERASED
    if "@" in row.source_id:
        row.source_id = ERASABLE["source_id"]
    if "@" in row.target_id or (row.target_id and row.object_type in request.people):
        row.target_id = ERASABLE["target_id"]
    kept = {name: row.evidence[name] for name in request.keep if name in row.evidence}
    row.evidence = {"redacted": {"request": request.reference or "-", **kept}}


def _entry(row: AuditRecord, before: list[Any], request: Request) -> AuditEntry:
    return AuditEntry(
        actor=request.actor,
        action=ERASURE,
        outcome=Outcome.DONE,
        organization_id=row.organization_id,
        object_type=ERASED_RECORD,
        source_id=str(row.pk),
        message=f"Record {row.pk} was redacted on request {request.reference or 'of a person'}.",
        mapping={"before": record_digest(before), "after": present_digest(_values(row), row.evidence)},
    )


def recorded_steps() -> dict[int, list[Step]]:
    """Every recorded redaction by the id of its record, oldest first."""
    rows = AuditRecord.objects.filter(action=ERASURE, object_type=ERASED_RECORD).order_by("id")
    found: dict[int, list[Step]] = {}
    for source_id, mapping in rows.values_list("source_id", "mapping").iterator(chunk_size=1000):
        if source_id.isdigit():
            found.setdefault(int(source_id), []).append(_step(mapping))
    return found


def _step(mapping: Mapping[str, Any]) -> Step:
    return Step(str(mapping.get("before", "")), str(mapping.get("after", "")))
