"""Appends records: redacted, bounded, one INSERT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.utils import timezone

from audit.digests import digest_of
from audit.models import AuditRecord
from audit.plain_rows import Change, insert, update_with
from audit.redaction import redact, redact_text


class Labelled(Protocol):
    """A connection, as far as the audit needs to know it."""

    @property
    def pk(self) -> Any: ...

    @property
    def label(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One record before it is written. actor is a user name or what acted ("worker", "inbox"); at defaults to now."""

    actor: str
    action: str
    outcome: str
    organization_id: int | None = None
    connection: Labelled | None = None
    flow_id: int | None = None
    job_id: int | None = None
    event_id: int | None = None
    object_type: str = ""
    source_id: str = ""
    target_id: str = ""
    message: str = ""
    mapping: Mapping[str, Any] | None = None
    duration_ms: int | None = None
    evidence: Mapping[str, Any] | None = field(default=None, repr=False)
    at: datetime | None = None


def write(
    *,
    actor: str,
    action: str,
    outcome: str,
    organization_id: int | None = None,
    connection: Labelled | None = None,
    flow_id: int | None = None,
    job_id: int | None = None,
    event_id: int | None = None,
    object_type: str = "",
    source_id: str = "",
    target_id: str = "",
    message: str = "",
    mapping: Mapping[str, Any] | None = None,
    duration_ms: int | None = None,
    evidence: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> AuditRecord:
    """Append one record; it belongs to the transaction that it is called in."""
    entry = AuditEntry(
        actor=actor,
        action=action,
        outcome=outcome,
        organization_id=organization_id,
        connection=connection,
        flow_id=flow_id,
        job_id=job_id,
        event_id=event_id,
        object_type=object_type,
        source_id=source_id,
        target_id=target_id,
        message=message,
        mapping=mapping,
        duration_ms=duration_ms,
        evidence=evidence,
        at=at,
    )
    return write_many([entry])[0]


def write_many(entries: Iterable[AuditEntry]) -> list[AuditRecord]:
    """Append records in one INSERT; they belong to the transaction that this is called in."""
    records = [_record(entry) for entry in entries]
    insert(records)
    return records


def write_with(change: Change, entry: AuditEntry) -> bool:
    """Append a record together with the change that it tells of; False, and neither, where the change finds nothing to change."""
    return update_with(change, _record(entry))


def _record(entry: AuditEntry) -> AuditRecord:
    evidence = redact(entry.evidence or {})
    return AuditRecord(
        at=entry.at or timezone.now(),
        organization_id=entry.organization_id,
        connection_id=entry.connection.pk if entry.connection else None,
        connection_label=_clipped(entry.connection.label, 120) if entry.connection else "",
        flow_id=entry.flow_id,
        job_id=entry.job_id,
        event_id=entry.event_id,
        actor=_clipped(entry.actor, 150),
        action=_clipped(entry.action, 60),
        object_type=_clipped(entry.object_type, 30),
        source_id=_clipped(entry.source_id, 100),
        target_id=_clipped(entry.target_id, 100),
        outcome=_clipped(entry.outcome, 12),
        message=redact_text(entry.message),
        mapping=redact(entry.mapping or {}),
        duration_ms=entry.duration_ms,
        evidence=evidence,
        evidence_digest=digest_of(evidence),
    )


def _clipped(text: str, length: int) -> str:
    return redact_text(str(text))[:length]
