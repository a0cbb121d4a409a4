"""An export as it goes over the wire: a ZIP of the rows, their proof and a page that explains it, made while it is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from audit.exporting.proof import Exported, proof_lines
from audit.exporting.rows import COLUMNS, FORMS, Row, plain
from audit.models import AuditRecord

AT_ONCE = 500  # records read by one query
CHUNK = 64 * 1024  # bytes handed to the web server together
PROOF, README = "proof.jsonl", "README.txt"
EXPLAINED = """This archive was exported from the audit of Tillbridge.

{rows}: the records, oldest first, times in UTC.{table}
proof.jsonl: the seals that cover them, chained up to the newest one (its "head").

To check it: python manage.py verify_audit --export THIS_FILE
It proves that no record here was changed since it was sealed, and that the seals are those of the database.
With --offline it needs no database; then compare the head that it prints with one that was noted elsewhere.
It cannot prove that the filter left nothing out. docs/audit.md says how to check an archive without Tillbridge.
"""
APOSTROPHE = " An apostrophe before =, +, -, @ or ' keeps spreadsheets from reckoning; it is not part of the text."


class _Pipe(io.RawIOBase):
    """Takes what the archive writes until somebody fetches it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self.size += len(part)
        return len(part)

    def take(self) -> bytes:
        taken, self._parts, self.size = b"".join(self._parts), [], 0
        return taken


def exported(records: QuerySet[AuditRecord], kind: str, about: dict[str, Any]) -> Iterator[bytes]:
    """The archive of these records, in pieces. kind: one of FORMS; about: who asked for what, for the proof."""
    known = Exported()
    rows = (known.note(row) for row in rows_of(records))
    explained = EXPLAINED.format(rows=f"records.{kind}", table=APOSTROPHE if kind == "csv" else "")
    return zipped(
        (
            (f"records.{kind}", FORMS[kind].write(rows)),
            (PROOF, proof_lines(known, {**about, "format": kind})),
            (README, [explained.encode()]),
        )
    )


def zipped(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """A ZIP archive of these files, each read only when its turn comes."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in files:
            with archive.open(name, "w", force_zip64=True) as member:
                for part in parts:
                    member.write(part)
                    if pipe.size > CHUNK:
                        yield pipe.take()
    yield pipe.take()


def rows_of(records: QuerySet[AuditRecord]) -> Iterator[Row]:
    """Oldest first, a few hundred to a query, so that no transaction and no cursor stays open while a slow reader takes them. What is
    written meanwhile is left out.
    """
    newest = AuditRecord.objects.order_by("-id").values_list("pk", flat=True).first() or 0
    wanted = records.filter(pk__lte=newest).order_by("at", "id").values_list(*COLUMNS, "evidence")
    place: tuple[datetime, int] | None = None
    while True:
        batch = list((wanted if place is None else wanted.filter(_after(*place)))[:AT_ONCE])
        for *values, evidence in batch:
            yield Row(tuple(plain(value) for value in values), evidence)
        if len(batch) < AT_ONCE:
            return
        place = batch[-1][COLUMNS.index("at")], batch[-1][0]


def _after(at: datetime, pk: int) -> Q:
    return Q(at__gte=at) & (Q(at__gt=at) | Q(pk__gt=pk))
