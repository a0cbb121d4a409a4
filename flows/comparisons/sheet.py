"""The differences of a comparison as a sheet, CSV or XLSX."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tablib

from flows.comparisons.results import decimals, kind_in_words, shown
from flows.models import Comparison

FORMS = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
HEADERS = ("Number", "Id at the source", "Difference", "In words", "Currency", "Should be invoiced", "Invoiced", "Should be paid", "Paid",
           "Days since it changed", "Repair", "Asked by")  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
AT_ONCE = 500


def plain(value: Any) -> Any:
    """A text that no sheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA) else value


def sheet(comparison: Comparison, form: str) -> bytes:
    """All differences in one file. form: csv or xlsx."""
    made = tablib.Dataset(*_lines(comparison), headers=list(HEADERS), title="Differences")
    written = made.export(form)
    return written.encode("utf-8-sig") if isinstance(written, str) else bytes(written)


def _lines(comparison: Comparison) -> Iterable[tuple[Any, ...]]:
    rows = list(comparison.differences.order_by("pk"))
    for start in range(0, len(rows), AT_ONCE):
        for one in shown(comparison, rows[start : start + AT_ONCE]):
            row = one.row
            amounts = (decimals(amount, row.currency) for amount in (row.sold, row.invoiced, row.captured, row.paid))
            texts = (row.number, row.source_id, kind_in_words(row.kind), row.sentence, row.currency)
            asked = "" if one.state == "open" else one.state
            yield (*map(plain, texts), *amounts, row.age_days, asked, plain(row.repair_asked_by))
