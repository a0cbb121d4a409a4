"""Proves an export: against itself, so that it needs nothing but the file, and against the database that it says to come from."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from audit.digests import COVERED, batch_digest, chain_value, digest_of, record_digest
from audit.exporting.archive import PROOF
from audit.exporting.proof import FIGURES
from audit.exporting.rows import FORMS, Row
from audit.models import AuditRecord, AuditSeal
from audit.plain_rows import read

AT_ONCE = 200


class Broken(Exception):
    """The export proves nothing; the message is why, in half a sentence."""


@dataclass
class _Proof:
    """What the file claims. digests: by seal, those of its records."""

    chains: dict[int, str] = field(default_factory=dict)
    digests: dict[int, set[str]] = field(default_factory=dict)
    redacted: dict[int, dict[str, Any]] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """proven: records that a seal covers; unsealed: those that had none yet when they were exported; head: the newest seal's chain."""

    ok: bool
    sentence: str
    records: int = 0
    proven: int = 0
    unsealed: int = 0
    head: str = ""


def check_export(path: Path, *, offline: bool = False) -> Checked:
    """Whether the archive's records are as they were sealed, and its seals and unsealed records those of the database."""
    try:
        with zipfile.ZipFile(path) as archive:
            proof = _proof(archive)
            records, unsealed = _check_records(archive, proof)
        if not offline:
            _check_seals(proof)
            _check_unsealed(unsealed)
    except Broken as problem:
        return Checked(False, f"The export is not proven: {problem}.")
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as problem:
        return Checked(False, f"The file cannot be read as an export ({type(problem).__name__}: {problem}).")
    proven, head = records - len(unsealed), str(proof.end["head"])
    where = "the seals fit together; compare the head with one noted elsewhere" if offline else "the seals are those of the database"
    left = f" {len(unsealed)} had no seal yet{'' if offline else ' and are as the database has them'}." if unsealed else ""
    return Checked(True, f"{proven} of {records} records are as they were sealed, and {where}.{left}", records, proven, len(unsealed), head)


# ---- the file by itself ------------------------------------------------------------------------------------


def _proof(archive: zipfile.ZipFile) -> _Proof:
    """The proof, once its seals follow each other and hash to what they say."""
    proof, previous = _Proof(), ""
    for line in _text(archive, PROOF):
        part = json.loads(line)
        if "seal" in part:
            previous = _take_seal(proof, part, previous)
        elif "redacted" in part:
            proof.redacted[part["redacted"]] = part
        elif "end" in part:
            proof.end = part["end"]
    if not proof.end:
        raise Broken("its proof breaks off")
    if proof.end["head"] != previous:
        raise Broken("its proof does not end at the head that it names")
    return proof


def _take_seal(proof: _Proof, part: dict[str, Any], previous: str) -> str:
    number, figures = part["seal"], {name: part[name] for name in FIGURES}
    if previous and figures["previous"] != previous:
        raise Broken(f"seal {number} does not follow the one before it")
    covers = (figures["first_record"], figures["last_record"], figures["count"], figures["sealed_at"])
    if figures["chain"] != chain_value(figures["previous"], figures["digest"], *covers):
        raise Broken(f"the figures of seal {number} were changed")
    if "digests" in part:
        if batch_digest(part["digests"]) != (figures["digest"], figures["count"]):
            raise Broken(f"the digests of seal {number} were changed")
        proof.digests[number] = set(part["digests"])
    proof.chains[number] = figures["chain"]
    return str(figures["chain"])


def _check_records(archive: zipfile.ZipFile, proof: _Proof) -> tuple[int, dict[int, str]]:
    """How many records there are, and the digests of those without a seal."""
    unsealed: dict[int, str] = {}
    seen: set[int] = set()
    for row in _rows(archive):
        number = row.values[0]
        if number in seen:
            raise Broken(f"record {number} is there twice")
        seen.add(number)
        digest = _digest(row, proof.redacted.get(number))
        if row.seal is None:
            unsealed[number] = digest
        elif digest not in proof.digests.get(row.seal, ()):
            raise Broken(f"record {number} was changed, or seal {row.seal} never covered it")
    if len(seen) != proof.end["records"] or sorted(unsealed) != sorted(proof.end["unsealed"]):
        raise Broken(f"it holds {len(seen)} records and was made with {proof.end['records']}")
    return len(seen), unsealed


def _digest(row: Row, redacted: dict[str, Any] | None) -> str:
    """Of the record as it was sealed. What was redacted since must be what its redaction left."""
    evidence = row.covered[-1] if redacted is None else redacted["evidence_digest"]
    if row.evidence is not None and digest_of(row.evidence) != evidence:
        raise Broken(f"the evidence of record {row.values[0]} was changed")
    if redacted is None:
        return record_digest(row.covered)
    steps = redacted["steps"]
    unbroken = all(earlier[1] == later[0] for earlier, later in pairwise(steps))
    if not unbroken or digest_of([*row.covered, evidence]) != steps[-1][1]:
        raise Broken(f"record {row.values[0]} is not what its redaction left")
    return str(steps[0][0])


def _rows(archive: zipfile.ZipFile) -> Iterator[Row]:
    kind = next((kind for kind in FORMS if f"records.{kind}" in archive.namelist()), "")
    if not kind:
        raise Broken("it holds no records.csv and no records.jsonl")
    return FORMS[kind].read(_text(archive, f"records.{kind}"))


def _text(archive: zipfile.ZipFile, name: str) -> Iterator[str]:
    """Line by line; newlines inside of cells stay what they are."""
    with archive.open(name) as member, io.TextIOWrapper(member, "utf-8-sig", newline="") as text:
        yield from text


# ---- the file and the database -----------------------------------------------------------------------------


def _check_seals(proof: _Proof) -> None:
    numbers = sorted(proof.chains)
    for start in range(0, len(numbers), AT_ONCE):
        part = numbers[start : start + AT_ONCE]
        known = dict(AuditSeal.objects.filter(pk__in=part).values_list("pk", "chain"))
        for number in part:
            if known.get(number) != proof.chains[number]:
                raise Broken(f"seal {number} is another one in this database, or not there")


def _check_unsealed(unsealed: dict[int, str]) -> None:
    numbers = sorted(unsealed)
    for start in range(0, len(numbers), AT_ONCE):
        part = numbers[start : start + AT_ONCE]
        places = ", ".join(["%s"] * len(part))
        known = {covered[0]: record_digest(covered) for covered in read(AuditRecord, COVERED, f"WHERE id IN ({places})", part)}
        for number in part:
            if known.get(number) != unsealed[number]:
                raise Broken(f"record {number}, which had no seal yet, is another one in this database, or not there")
