"""One record as a line of CSV or JSON and back: what a seal covers comes through unchanged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from audit.digests import COVERED

COLUMNS = (*COVERED, "seal_id")
NUMBERS = frozenset(("id", "organization_id", "connection_id", "flow_id", "job_id", "event_id", "duration_ms", "seal_id"))
RISKY = tuple("=+-@\t\r\n'")  # what a spreadsheet takes for a formula; the apostrophe too, so that it can be taken off again
BOM = b"\xef\xbb\xbf"  # without it Excel reads UTF-8 as something else
ONE_CELL = 200_000  # characters; the csv module refuses longer ones unless told


@dataclass(frozen=True, slots=True)
class Row:
    """values: those of COLUMNS, times as the digests have them; evidence: None where the file holds none."""

    values: tuple[Any, ...]
    evidence: Any = None

    @property
    def covered(self) -> list[Any]:
        return list(self.values[:-1])

    @property
    def seal(self) -> int | None:
        found: int | None = self.values[-1]
        return found


class Form(Protocol):
    """How rows are written and read."""

    def write(self, rows: Iterable[Row]) -> Iterator[bytes]: ...

    def read(self, lines: Iterable[str]) -> Iterator[Row]: ...


def plain(value: Any) -> Any:
    """A value as the digests take it."""
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


class Lines:
    """JSON Lines: one object each, with the evidence."""

    def write(self, rows: Iterable[Row]) -> Iterator[bytes]:
        for row in rows:
            named = {**dict(zip(COLUMNS, row.values, strict=True)), "evidence": row.evidence}
            yield json.dumps(named, ensure_ascii=False).encode() + b"\n"

    def read(self, lines: Iterable[str]) -> Iterator[Row]:
        for line in lines:
            named: Mapping[str, Any] = json.loads(line)
            yield Row(tuple(named[name] for name in COLUMNS), named["evidence"])


class Table:
    """CSV for spreadsheets: no evidence, and no cell that one of them would reckon with."""

    def write(self, rows: Iterable[Row]) -> Iterator[bytes]:
        yield BOM + _line(COLUMNS)
        for row in rows:
            yield _line([_cell(name, value) for name, value in zip(COLUMNS, row.values, strict=True)])

    def read(self, lines: Iterable[str]) -> Iterator[Row]:
        csv.field_size_limit(ONE_CELL)
        table = csv.reader(lines)
        if tuple(next(table, ())) != COLUMNS:
            raise ValueError("the first line does not name the columns of an export")
        for cells in table:
            yield Row(tuple(_value(name, cell) for name, cell in zip(COLUMNS, cells, strict=True)))


FORMS: dict[str, Form] = {"csv": Table(), "jsonl": Lines()}


def _line(cells: Sequence[str]) -> bytes:
    made = io.StringIO()
    csv.writer(made).writerow(cells)
    return made.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in NUMBERS:
        return str(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if name == "mapping" else str(value)
    return f"'{text}" if text.startswith(RISKY) else text


def _value(name: str, cell: str) -> Any:
    if name in NUMBERS:
        return int(cell) if cell else None
    text = cell.removeprefix("'")
    return json.loads(text) if name == "mapping" else text
