"""Taxes: names with percentages. Invoice lines carry their own copy, so these only serve reports and defaults."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.canonical.ledger import InvoiceTax
from connectors.kit.contract import Writes
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import clean, number_text, read_id

TAXES = fb.Resource("taxes/taxes", "tax", "taxes")


def read_tax(tax: Tame) -> InvoiceTax:
    return InvoiceTax(tax["name"].text_or(), tax["amount"].decimal(), read_id(tax["id"]))


def find_taxes(api: Api, wanted: InvoiceTax) -> tuple[InvoiceTax, ...]:
    """Those with exactly this name: first of this percentage, oldest first, then of other ones (which are other taxes)."""
    named = [read_tax(row) for row in fb.rows(api, TAXES) if row["name"].text_or().strip() == clean(wanted.name)]
    return tuple(sorted(named, key=lambda tax: (tax.percent != wanted.percent, int(tax.id))))


def every_tax(api: Api) -> Iterator[InvoiceTax]:
    """All taxes, as the account's settings list them."""
    return (read_tax(row) for row in fb.rows(api, TAXES))


def is_wanted(found: InvoiceTax, wanted: InvoiceTax) -> bool:
    """Only the same rate may be taken for it."""
    return found.percent == wanted.percent


def create_tax(api: Api, tax: InvoiceTax) -> InvoiceTax:
    return fb.create(api, TAXES, {"name": clean(tax.name), "amount": number_text(tax.percent)}, read_tax)


def get_tax(api: Api, id: str) -> InvoiceTax:
    return read_tax(fb.read_one(api, TAXES, id))


WRITES = Writes(find=find_taxes, create=create_tax, get=get_tax, owns=is_wanted, every=every_tax)
