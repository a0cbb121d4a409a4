"""Credit notes: a client's balance for later invoices. They do not change the invoice that they are given for."""

from __future__ import annotations

from collections.abc import Callable

from connectors.canonical.ledger import Credit
from connectors.kit.contract import Writes
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import TEXT_LIMIT, clean, day_text, is_deleted, read_id, read_money
from connectors.platforms.freshbooks.lines import read_lines, write_line

# One of them is wrapped in the singular, also when writing; FreshBooks' Node client writes the plural and is refused.
CREDITS = fb.Resource("credit_notes/credit_notes", "credit_note", "credit_notes")
WITH_LINES = fb.includes("lines")


def read_credit(credit: Tame) -> Credit:
    return Credit(
        customer_id=credit["clientid"].identifier(),
        number=credit.get("credit_number").text_or(),
        issued_on=credit["create_date"].day(),
        currency=credit["currency_code"].currency(),
        lines=read_lines(credit),
        notes=credit.get("notes").text_or(),
        id=read_id(credit["id"] if "id" in credit else credit["creditid"]),
        amount=read_money(credit["amount"]),
        void=is_deleted(credit),
    )


def find_credits(api: Api, wanted: Credit) -> tuple[Credit, ...]:
    """Those of this client with exactly this number that are not deleted, oldest first; numbers cannot be searched for."""
    params = [("search[clientid]", wanted.customer_id), *WITH_LINES]
    found = [
        read_credit(row)
        for row in fb.rows(api, CREDITS, params)
        if row.get("credit_number").text_or() == wanted.number and not is_deleted(row)
    ]
    ours = [credit for credit in found if credit.customer_id == wanted.customer_id]
    return tuple(sorted(ours, key=lambda credit: int(credit.id)))


def create_credit(api: Api, credit: Credit) -> Credit:
    fields = {
        "clientid": int(credit.customer_id),
        "create_date": day_text(credit.issued_on),
        "credit_type": "goodwill",
        "currency_code": credit.currency,
        "language": "en",
        "credit_number": credit.number,
        "notes": clean(credit.notes, TEXT_LIMIT),
        "terms": "",
        "lines": [write_line(line) for line in credit.lines],
    }
    return fb.create(api, CREDITS, fields, read_credit, WITH_LINES)


def get_credit(api: Api, id: str) -> Credit:
    return read_credit(fb.read_one(api, CREDITS, id, WITH_LINES))


def _set_visible(state: int) -> Callable[[Api, str], Credit]:
    def act(api: Api, id: str) -> Credit:
        return read_credit(fb.change(api, CREDITS, id, {"vis_state": state}, WITH_LINES))

    return act


WRITES = Writes(
    find=find_credits,
    create=create_credit,
    get=get_credit,
    actions={"void": _set_visible(1), "restore": _set_visible(0)},
)
