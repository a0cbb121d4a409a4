"""What proves exported records: the seals that cover them with the digests of all that they sealed, and the chain from there to its head.

A proof is lines of JSON. {"export": ...} says who asked for what; {"seal": id, ...} are the chain's figures, with "digests" where records
of it were exported; {"redacted": id, ...} tells what became of a record after it was sealed; {"end": ...} closes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from audit.digests import COVERED, digest_of, record_digest
from audit.erasing import Step, recorded_steps
from audit.exporting.rows import Row, plain
from audit.models import AuditRecord, AuditSeal
from audit.plain_rows import read

FIGURES = ("previous", "digest", "first_record", "last_record", "count", "sealed_at", "chain")


@dataclass
class Exported:
    """What went into the rows so far. redacted: by record, the digest of the evidence that it has now."""

    steps: dict[int, list[Step]] = field(default_factory=recorded_steps)
    records: int = 0
    seals: set[int] = field(default_factory=set)
    unsealed: list[int] = field(default_factory=list)
    redacted: dict[int, str] = field(default_factory=dict)

    def note(self, row: Row) -> Row:
        """Remember what the proof will have to prove."""
        self.records += 1
        if row.seal is None:
            self.unsealed.append(row.values[0])
        else:
            self.seals.add(row.seal)
        if row.values[0] in self.steps:
            self.redacted[row.values[0]] = digest_of(row.evidence)
        return row


def proof_lines(exported: Exported, about: dict[str, Any]) -> Iterator[bytes]:
    """The proof of what was noted; about is for whoever reads it."""
    yield _line({"export": about})
    last = ""
    if exported.seals:
        for seal in AuditSeal.objects.filter(pk__gte=min(exported.seals)).order_by("id").iterator(chunk_size=200):
            figures = {name: plain(getattr(seal, name)) for name in FIGURES}
            digests = {"digests": _sealed_digests(seal.pk, exported)} if seal.pk in exported.seals else {}
            last = seal.chain
            yield _line({"seal": seal.pk, **figures, **digests})
    for record, evidence in sorted(exported.redacted.items()):
        steps = [[step.before, step.after] for step in exported.steps[record]]
        yield _line({"redacted": record, "steps": steps, "evidence_digest": evidence})
    yield _line({"end": {"records": exported.records, "unsealed": exported.unsealed, "head": last}})


def _sealed_digests(seal: int, exported: Exported) -> list[str]:
    """Of all its records as they were sealed: one that was redacted since has it on record."""
    found = []
    for covered in read(AuditRecord, COVERED, "WHERE seal_id = %s ORDER BY id", [seal]):
        steps = exported.steps.get(covered[0])
        found.append(steps[0].before if steps else record_digest(covered))
    return found


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
