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


def digest_of(value: Any) -> str:
    """SHA-256 in hex over the value as canonical JSON."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def record_digest(values: Sequence[Any]) -> str:
    """Of one record, given as the values of COVERED."""
    return digest_of(list(values))


def batch_digest(records: Iterable[Sequence[Any]]) -> tuple[str, int]:
    """SHA-256 over the digests of records in id order, and how many there are."""
    total, count = hashlib.sha256(), 0
    for values in records:
        total.update(record_digest(values).encode())
        count += 1
    return total.hexdigest(), count


def chain_value(previous: str, digest: str, first: int, last: int, count: int, sealed_at: datetime) -> str:
    """What a seal adds to the chain."""
    return digest_of([previous, digest, first, last, count, sealed_at])


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} cannot be part of a digest")
