"""Lines of invoices and credit notes: to and from the wire, and the fingerprint of what a person could edit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from connectors.canonical.ledger import InvoiceLine, InvoiceTax
from connectors.canonical.money import Money
from connectors.kit.errors import Rejected
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks.fields import TEXT_LIMIT, clean, number_text, read_money, write_money

Wire = dict[str, Any]


def write_line(line: InvoiceLine) -> Wire:
    """A line as FreshBooks takes it. More than two taxes cannot be written and raise Rejected."""
    if len(line.taxes) > 2:
        raise Rejected(f"The line {line.name!r} has {len(line.taxes)} taxes; FreshBooks takes two.", code="too_many_taxes")
    first, second = [*line.taxes, None, None][:2]
    return {
        "type": 0,
        "name": clean(line.name),
        "description": clean(line.description, TEXT_LIMIT),
        "qty": number_text(line.quantity),
        "unit_cost": write_money(line.unit_price),
        "taxName1": clean(first.name) if first else None,
        "taxAmount1": number_text(first.percent) if first else None,
        "taxName2": clean(second.name) if second else None,
        "taxAmount2": number_text(second.percent) if second else None,
        "compounded_tax": line.compound and second is not None,
    }


def read_line(line: Tame) -> InvoiceLine:
    taxes = tuple(
        InvoiceTax(line.get(f"taxName{place}").text_or(), line.get(f"taxAmount{place}").decimal_or(Decimal(0)))
        for place in (1, 2)
        if line.get(f"taxName{place}").value
    )
    compound = line.get("compounded_tax")
    return InvoiceLine(
        name=line.get("name").text_or(),
        description=line.get("description").text_or(),
        quantity=line.get("qty").decimal_or(Decimal(1)),
        unit_price=read_money(line["unit_cost"]),
        taxes=taxes,
        compound=not compound.is_null and compound.boolean() and len(taxes) == 2,
    )


def read_lines(document: Tame) -> tuple[InvoiceLine, ...]:
    """The lines in their order; none when they were not asked for."""
    rows = sorted(document.get("lines").items_or_none(), key=lambda row: row.get("taskno").decimal_or(Decimal(0)))
    return tuple(read_line(row) for row in rows)


def keep_line_ids(lines: Sequence[Wire], existing: Iterable[Tame]) -> list[Wire]:
    """The new lines with the ids of the present lines that they continue: the same content first, then the same name.

    Writing lines replaces the whole set; a line sent with its id stays the same line.
    """
    left = [(row["lineid"].integer(), write_line(read_line(row))) for row in existing]
    kept = [dict(line) for line in lines]
    for same in (_same_content, _same_name):
        for line in kept:
            if "lineid" in line:
                continue
            match = next((pair for pair in left if same(line, pair[1])), None)
            if match:
                left.remove(match)
                line["lineid"] = match[0]
    return kept


def _same_content(new: Wire, old: Wire) -> bool:
    return new == old


def _same_name(new: Wire, old: Wire) -> bool:
    return bool(new["name"] == old["name"])


def fingerprint(parts: Sequence[str], lines: Sequence[InvoiceLine]) -> str:
    """A hash of head fields and lines; equal however FreshBooks writes its decimals."""
    rows = [_plain(line) for line in lines]
    text = json.dumps([list(parts), rows], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _plain(line: InvoiceLine) -> list[Any]:
    taxes = [[tax.name, number_text(tax.percent)] for tax in line.taxes]
    return [line.name, line.description, number_text(line.quantity), _price(line.unit_price), taxes, line.compound]


def _price(price: Money) -> str:
    return f"{number_text(price.amount)} {price.currency}"
