"""Sheets as files: reading what a person uploads, however large or odd it is, and writing what no spreadsheet takes for a formula."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import openpyxl
from import_export.formats.base_formats import CSV, XLSX
from tablib import Dataset

from connectors.kit.errors import Rejected

MOST_BYTES = 3 * 1024 * 1024
MOST_ROWS = 50_000
MOST_COLUMNS = 50  # of an Excel sheet; what stands further to the right is not looked at
UNPACKED = 38 * 1024 * 1024  # an Excel file is a ZIP: what it may come to; a sheet of MOST_ROWS items was measured at 19 MB
KINDS: Mapping[str, str] = {"csv": "CSV", "xlsx": "Excel"}
_FORMATS = {"csv": CSV, "xlsx": XLSX}
# What Excel, Sheets or LibreOffice would calculate. Quotes before it count, so that reading undoes exactly what writing did.
_FORMULA = re.compile(r"'*\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|'*[\t\r\n]")
_NAMED = re.compile(r'"?sep=([,;\t])"?')  # a first line by which Excel is told the separator
_OTHERS = (b"%PDF", b"PK", b"\xd0\xcf\x11\xe0", b"{\\rtf")  # by their first bytes: PDF, a broken ZIP, old Office, rich text
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def harmless(text: str) -> str:
    """The text with a quote before anything that a spreadsheet would calculate."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_typed(text: str) -> str:
    """The text without the quote that harmless put there."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def written(dataset: Dataset, kind: str) -> tuple[bytes, str]:
    """The file and its content type."""
    rows = [[_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", harmless(str(cell))) for cell in row] for row in dataset]
    write = {"csv": _as_csv, "xlsx": _as_excel}[kind]
    return write([list(dataset.headers), *rows]), _FORMATS[kind].CONTENT_TYPE


def _as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """It begins with a byte order mark: Excel reads umlauts only with it."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def _as_excel(rows: Sequence[Sequence[str]]) -> bytes:
    """Line by line: with styles for every cell, 50,000 lines take half a minute."""
    book, out = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet("Mappings")
    for row in rows:
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def read(content: bytes, name: str) -> Dataset:
    """The rows of an uploaded file under its headings. Raises Rejected with a sentence for what cannot be read."""
    if len(content) > MOST_BYTES:
        raise Rejected(f"The file is larger than {MOST_BYTES // 1024 // 1024} MB. Split it into several.", code="too_large")
    rows = _excel(content) if content[:4] == b"PK\x03\x04" else _csv(content, name)
    headings = [text_of(cell).casefold().replace(" ", "_") for cell in next(iter(rows), ())]
    while headings and not headings[-1]:
        headings.pop()
    if not any(headings):
        raise Rejected("The file is empty. Its first line names the columns.", code="empty")
    dataset = Dataset(headers=headings)
    for number, row in enumerate(rows[1:], start=2):
        if len(dataset) >= MOST_ROWS:
            raise Rejected(f"The file has more than {MOST_ROWS} lines. Split it into several.", code="too_large")
        if any(text_of(cell) for cell in row[len(headings) :]):
            raise Rejected(f"Line {number} has more cells than there are headings. Is a comma without quotes in it?", code="bad_line")
        dataset.append([*row, *[""] * len(headings)][: len(headings)])
    return dataset


def text_of(cell: object) -> str:
    """A cell as its person sees it: whole numbers without a point, no surrounding blanks."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        raise ValueError("is a date for Excel. Format the column as text and type it again.")
    return str(cell).strip()


def _csv(content: bytes, name: str) -> Sequence[Sequence[object]]:
    if name.casefold().endswith((".xls", ".ods", ".numbers")):
        raise Rejected("Save it as .xlsx or .csv first.", code="bad_format")
    text = _decoded(content)
    if "\0" in text or content.startswith(_OTHERS):
        raise Rejected("That is neither a CSV nor an Excel file (.xlsx).", code="bad_format")
    first = text.partition("\n")[0]
    named = _NAMED.fullmatch(first.strip())
    delimiter = named[1] if named else max(",;\t", key=first.count)
    try:
        rows = _filled(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as problem:
        raise Rejected(f"The file is no CSV: {problem}.", code="bad_format") from problem
    return rows[1:] if named else rows


def _decoded(content: bytes) -> str:
    """As Excel saves it: "CSV UTF-8", "Unicode text", or "CSV" on Windows."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (b"", "utf-8-sig")):
        if content.startswith(mark):
            with suppress(UnicodeDecodeError):
                return content.decode(encoding)
    return content.decode("cp1252", "replace")


def _excel(content: bytes) -> Sequence[Sequence[object]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > UNPACKED:
            raise Rejected("The Excel file unpacks to too much. Save only the sheet with the mappings.", code="too_large")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        # Bounded: one cell at the far end of an otherwise empty sheet makes billions of empty ones.
        return _filled(book.active.iter_rows(max_row=2 * MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True))
    except Rejected:
        raise
    except Exception as problem:  # the reader raises whatever a broken file leads it to
        raise Rejected("That is no Excel file that can be read (.xlsx).", code="bad_format") from problem


def _filled(rows: Iterable[Sequence[object]]) -> Sequence[Sequence[object]]:
    """Without the empty lines at the end; those between keep their numbers."""
    kept = []
    for row in rows:
        kept.append(row)
        if len(kept) > 2 * MOST_ROWS:
            raise Rejected(f"The file has more than {MOST_ROWS} lines. Split it into several.", code="too_large")
    while kept and not any(cell not in (None, "") for cell in kept[-1]):
        kept.pop()
    return kept
