"""Lines of invoices and credit notes: reading them from a body, and the totals that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.canonical.money import exponent
from connectors.platforms.freshbooks.sandbox.fields import Row, amount, flag, invalid, money, number, percent, plain, required, text, whole
from connectors.platforms.freshbooks.sandbox.state import Books
from connectors.platforms.freshbooks.sandbox.totals import TaxedLine, Totals, compute_totals

SHORT = 255


def _read_tax(books: Books, body: Row, place: int) -> tuple[str | None, str | None]:
    """Name and percentage; taxes need not exist in the tax list, name and percentage are free."""
    name, rate = body.get(f"taxName{place}"), body.get(f"taxAmount{place}")
    if name in (None, "") and rate in (None, "", 0, "0"):
        return None, None
    if name in (None, ""):
        raise required(f"taxName{place}")
    share = percent(f"taxAmount{place}", 0 if rate in (None, "") else rate, books.switches.tax_places)
    return text(f"taxName{place}", name, SHORT), plain(share)


def _read_line(books: Books, body: Any, code: str) -> Row:
    if not isinstance(body, dict):
        raise invalid("lines", "Each line must be an object.", body, 1006)
    kind = whole("type", body.get("type") or 0)
    if kind not in (0, 1):
        raise invalid("type", "The type of a line is 0 or 1.", kind)
    if kind == 1 and not body.get("expenseid"):
        raise required("expenseid")
    quantity = number("qty", 1 if body.get("qty") in (None, "") else body["qty"])
    cost = amount("unit_cost", body["unit_cost"], code) if body.get("unit_cost") is not None else Decimal(0)
    if books.switches.negative_lines == "refuse" and quantity * cost < 0:
        raise invalid("unit_cost", "The amount of a line must not be negative.", cost)
    (name1, rate1), (name2, rate2) = (_read_tax(books, body, place) for place in (1, 2))
    return {
        "basecampid": 0,
        "compounded_tax": flag("compounded_tax", body.get("compounded_tax") or False),
        "date": None,
        "description": text("description", body.get("description")),
        "expenseid": whole("expenseid", body.get("expenseid") or 0),
        "modern_project_id": None,
        "modern_time_entries": [],
        "name": text("name", body.get("name"), SHORT),
        "qty": plain(quantity),
        "retainer_id": None,
        "retainer_period_id": None,
        "taxAmount1": rate1,
        "taxAmount2": rate2,
        "taxName1": name1,
        "taxName2": name2,
        "taxNumber1": None,
        "taxNumber2": None,
        "type": kind,
        "unit_cost": money(cost, code),
    }


def read_lines(books: Books, body: Any, code: str, existing: Sequence[Row] = ()) -> list[Row]:
    """The whole new set of lines: what is sent replaces what was there; lines keep their lineid when it is sent."""
    if body is not None and not isinstance(body, list):
        raise invalid("lines", "The field 'lines' must be a list.", body, 1006)
    lines = [_read_line(books, each, code) for each in body or []]
    known = {line["lineid"] for line in existing}
    following = max(known, default=0) + 1
    for place, (line, sent) in enumerate(zip(lines, body or [], strict=True), 1):
        line_id = whole("lineid", sent.get("lineid") or 0)
        if line_id in known:
            known.remove(line_id)
        else:
            line_id, following = following, following + 1
        line.update(lineid=line_id, taskno=place, updated=books.stamp())
    return lines


def _taxed(line: Row) -> TaxedLine:
    taxes = tuple((line[f"taxName{n}"], Decimal(line[f"taxAmount{n}"])) for n in (1, 2) if line[f"taxName{n}"] is not None)
    return TaxedLine(Decimal(line["qty"]), Decimal(line["unit_cost"]["amount"]), taxes, line["compounded_tax"])


def total_lines(books: Books, lines: Sequence[Row], discount: Decimal, code: str) -> Totals:
    """Totals of the lines; writes each line's own amount (without tax) into it. A negative total is refused."""
    per_line = books.switches.rounding == "line"
    totals = compute_totals([_taxed(line) for line in lines], discount, exponent(code), per_line=per_line)
    if totals.amount < 0:
        raise invalid("amount", "The total must not be negative.", totals.amount)
    for line, value in zip(lines, totals.lines, strict=True):
        line["amount"] = money(value, code)
    return totals
