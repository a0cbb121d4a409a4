"""The differences of a comparison as a sheet, CSV or XLSX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import tablib

from flows.comparisons.results import decimals, shown
from flows.mapping.sheets.files import harmless
from flows.models import Comparison

FORMS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
HEADERS = ("Number", "Id at the source", "Difference", "In words", "Currency", "Should be invoiced", "Invoiced", "Should be paid", "Paid",
           "Days since it changed", "Repair", "Asked by")  # fmt: skip
AT_ONCE = 500
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no sheet can hold these


def sheet(comparison: Comparison, form: str) -> bytes:
    """All records that differ in one file, each once. form: csv or xlsx."""
    made = tablib.Dataset(*_lines(comparison), headers=list(HEADERS), title="Differences")
    written = made.export(form)
    return written.encode("utf-8-sig") if isinstance(written, str) else bytes(written)


def _lines(comparison: Comparison) -> Iterable[tuple[Any, ...]]:
    rows = list(comparison.differences.order_by("pk"))
    for start in range(0, len(rows), AT_ONCE):
        for one in shown(comparison, rows[start : start + AT_ONCE]):
            row = one.row
            amounts = (decimals(amount, row.currency) for amount in (row.sold, row.invoiced, row.captured, row.paid))
            texts = (row.number, row.source_id, one.kind, row.sentence, row.currency)
            asked = "" if one.state == "open" else one.state
            yield (*map(_plain, texts), *amounts, row.age_days, asked, _plain(row.repair_asked_by))


def _plain(text: str) -> str:
    return harmless(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text))
