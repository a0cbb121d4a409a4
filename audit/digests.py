"""The hashes of the audit: over evidence, over records, over the chain of seals. Changing one breaks every seal made before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64

# What a record's digest covers, in this order. The evidence itself is covered by evidence_digest, so that it can be blanked later.
COVERED = (
    "id",
    "at",
    "organization_id",
    "connection_id",
    "connection_label",
    "flow_id",
    "job_id",
    "event_id",
    "actor",
    "action",
    "object_type",
    "source_id",
    "target_id",
    "outcome",
    "message",
    "mapping",
    "duration_ms",
    "evidence_digest",
)


# What may be taken out of a sealed record when a person's data must go, and the words that then stand there. Nothing else can.
ERASURE = "audit_redacted"  # the action of the record that each of them leaves; its source_id is the id of the redacted record
ERASED_RECORD = "audit_record"  # and this its object type
ERASED = "Redacted on request."
ERASABLE = {"message": ERASED, "source_id": "[redacted]", "target_id": "[redacted]"}


def digest_of(value: Any) -> str:
    """SHA-256 in hex over the value as canonical JSON."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def record_digest(values: Sequence[Any]) -> str:
    """Of one record, given as the values of COVERED."""
    return digest_of(list(values))


def present_digest(values: Sequence[Any], evidence: Any) -> str:
    """Of one record as it is now: the values of COVERED, with the digest that its evidence had, and the evidence that it has."""
    return digest_of([*values, digest_of(evidence)])


def batch_digest(digests: Iterable[str]) -> tuple[str, int]:
    """SHA-256 over the digests of records in id order, and how many there are."""
    total, count = hashlib.sha256(), 0
    for digest in digests:
        total.update(digest.encode())
        count += 1
    return total.hexdigest(), count


def chain_value(previous: str, digest: str, first: int, last: int, count: int, sealed_at: datetime) -> str:
    """What a seal adds to the chain."""
    return digest_of([previous, digest, first, last, count, sealed_at])


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} cannot be part of a digest")


# Made once: json.dumps makes one for every call that asks for something of its own.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode
