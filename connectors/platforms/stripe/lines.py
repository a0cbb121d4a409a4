"""Lines of an invoice as whole amounts: a unit price would be rounded by Stripe, a line's amount is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from connectors.canonical.ledger import InvoiceLine
from connectors.canonical.money import Money
from connectors.kit.tame import Tame
from connectors.platforms.stripe.amounts import from_units, to_units

MOST_LINES = 250
LONGEST = 500


def to_wire(line: InvoiceLine) -> dict[str, Any]:
    """A line as add_lines takes it. Its taxes must be lines of their own by then."""
    if line.taxes:
        raise ValueError("taxes are lines of their own at a collector")
    amount = line.unit_price * line.quantity
    counted = "" if line.quantity == 1 else f"{format(line.quantity.normalize(), 'f')} x {line.unit_price}"
    text = ", ".join(filter(None, (line.name.strip(), line.description.strip(), counted)))
    return {"description": text[:LONGEST] or "-", "amount": to_units(amount), "discountable": False}


def read_lines(rows: Iterable[Tame], currency: str) -> tuple[InvoiceLine, ...]:
    return tuple(
        InvoiceLine(row.get("description").text_or(), "", Decimal(1), Money(from_units(row["amount"], currency).amount, currency))
        for row in rows
    )


def unlike(rows: Iterable[Tame], wanted: Sequence[dict[str, Any]]) -> tuple[list[str], list[dict[str, Any]]]:
    """The ids of present lines that are not wanted (or too often there), and the wanted ones that are missing."""
    missing, surplus = list(wanted), []
    for row in rows:
        text, amount = row.get("description").text_or(), row["amount"].integer()
        match = next((line for line in missing if (line["description"], line["amount"]) == (text, amount)), None)
        if match is None:
            surplus.append(row["id"].known_identifier())
        else:
            missing.remove(match)
    return surplus, missing
