"""Two sides that both edit one customer: what changed since they last agreed, and whose value stands, field by field."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.canonical.party import Address, Customer
from connectors.kit.errors import NeedsAttention
from flows.recipes.options import Options, text

_LETTERS = 5  # of a field's hash: thirty bits; twelve of them fit a link's content hash


def _plain(value: str) -> str:
    return " ".join(value.split()).casefold()


def _address(address: Address, company: str = "") -> str:
    place = (address.line1, address.line2, address.city, address.region, address.postcode, address.country)
    return "|".join(map(_plain, (company, *place))) if any(place) else ""


def _phone(customer: Customer) -> str:
    return "".join(letter for letter in customer.phone or customer.billing.phone if letter.isdigit())


# What is compared. Blanks, case and the way that a phone number is written are no difference; "" means that a side says nothing.
FIELDS: Mapping[str, Callable[[Customer], str]] = {
    "name": lambda customer: _plain(f"{customer.given_name} {customer.family_name}"),
    "email": lambda customer: customer.email_key,
    "phone": _phone,
    "billing": lambda customer: _address(customer.billing, customer.company or customer.billing.company),
    "shipping": lambda customer: _address(customer.shipping),
    "tax_number": lambda customer: _plain(customer.tax_number),
}
_OPTION = {"billing": "wins_address", "shipping": "wins_address"}
_WORDS = {"billing": "billing address", "shipping": "shipping address", "tax_number": "tax number", "email": "e-mail"}

NOTHING, UNSEEN = "-" * _LETTERS, "?" * _LETTERS
Rules = tuple[tuple[str, str], ...]
Pair = tuple[str, str]


def rules_of(options: Options, default: str) -> Rules:
    """Who wins for each field: "books", "shop", "newest" or "attention"."""
    common = text(options, "conflict", default)
    return tuple((field, text(options, _OPTION.get(field, f"wins_{field}"), common)) for field in FIELDS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which fields of the source have to be written, and what both sides agree on once that is done."""

    write: tuple[str, ...]
    agreed: str


def mark(field: str, customer: Customer) -> str:
    """A short hash of one field."""
    found = FIELDS[field](customer)
    return base64.urlsafe_b64encode(hashlib.sha256(found.encode()).digest())[:_LETTERS].decode() if found else NOTHING


def agreement(source: Customer) -> str:
    """What stands after a customer was made from the source: what it shows there is still to be seen."""
    return "".join(mark(field, source) + UNSEEN for field in FIELDS)


def as_found(source: Customer, there: Customer) -> str:
    """Both sides as they are count as agreed, differences included."""
    return "".join(mark(field, source) + mark(field, there) for field in FIELDS)


def turned(agreed: str) -> str:
    """The same agreement seen from the other side."""
    return "".join(there + here for here, there in _pairs(agreed))


def _pairs(agreed: str) -> list[tuple[str, str]]:
    size = 2 * _LETTERS
    return [(agreed[i : i + _LETTERS], agreed[i + _LETTERS : i + size]) for i in range(0, len(agreed), size)]


def _held(agreed: str) -> Mapping[str, Pair]:
    pairs = _pairs(agreed)
    return dict(zip(FIELDS, pairs, strict=True)) if len(agreed) == 2 * _LETTERS * len(FIELDS) else {}


def unchanged(source: Customer, agreed: str) -> bool:
    """Whether the source shows what it showed when both sides last agreed: an echo of our own write, or nothing of interest."""
    held = _held(agreed)
    return bool(held) and all(held[field][0] == mark(field, source) and held[field][1] != UNSEEN for field in FIELDS)


def judge(source: Customer, there: Customer, agreed: str, rules: Rules, source_side: str, subject: str) -> Verdict:
    """What to write to the destination. agreed: what they held in common before ("" when that is not known).

    Only what changed at the source is ever written; a change of the other side is its own flow's business, so of a field that
    stays different the old agreement is kept. NeedsAttention for fields that both sides changed where the flow asks a person.
    """
    held, source_is_newer = _held(agreed), _is_newer(source, there)
    found = {field: _decided(field, rule, source, there, held.get(field), source_side, source_is_newer) for field, rule in rules}
    conflicts = [field for field, (decision, _) in found.items() if decision == "ask"]
    if conflicts:
        raise _conflict(source, there, conflicts, subject)
    write = tuple(field for field, (decision, _) in found.items() if decision == "write")
    return Verdict(write, "".join(found[field][1][0] + found[field][1][1] for field in FIELDS))


def _decided(
    field: str, rule: str, source: Customer, there: Customer, before: Pair | None, source_side: str, source_is_newer: bool
) -> tuple[str, Pair]:
    """ "write", "leave" or "ask" for one field, and the pair of marks that holds afterwards."""
    mine, theirs = mark(field, source), mark(field, there)
    kept = before or (NOTHING, NOTHING)
    if mine == theirs:
        return "leave", (mine, theirs)
    if before and before[0] == mine:
        return "leave", (mine, theirs if before[1] == UNSEEN else before[1])
    if mine == NOTHING:
        return "leave", kept
    their_change = theirs != NOTHING and (before is None or before[1] != theirs)
    wins = rule == source_side or (rule in ("newest", "attention") and not their_change) or (rule == "newest" and source_is_newer)
    if wins:
        return "write", (mine, UNSEEN)
    return ("ask" if rule == "attention" else "leave"), kept


def _is_newer(source: Customer, there: Customer) -> bool:
    """Whether the source changed last; a side without a time of change is the older one."""
    if source.updated_at is None or there.updated_at is None:
        return there.updated_at is None
    return source.updated_at > there.updated_at


def merged(there: Customer, source: Customer, fields: tuple[str, ...] | list[str]) -> Customer:
    """The destination's customer with these fields of the source."""
    changes: dict[str, Any] = {}
    if "name" in fields:
        changes |= {"given_name": source.given_name, "family_name": source.family_name}
    if "email" in fields:
        changes["email"] = source.email
    if "billing" in fields:
        changes |= {"billing": source.billing, "company": source.company or source.billing.company}
    if "shipping" in fields:
        changes["shipping"] = source.shipping
    if "tax_number" in fields:
        changes["tax_number"] = source.tax_number
    result = replace(there, **changes)
    return _with_phone(result, there, source.phone or source.billing.phone) if "phone" in fields else result


def _with_phone(customer: Customer, before: Customer, phone: str) -> Customer:
    """The phone number on the customer and on the addresses that carried the old one: some sides keep it there only."""
    old = ("", before.phone, before.billing.phone)

    def renewed(address: Address) -> Address:
        return replace(address, phone=phone) if _address(address) and address.phone in old else address

    return replace(customer, phone=phone, billing=renewed(customer.billing), shipping=renewed(customer.shipping))


def _conflict(source: Customer, there: Customer, fields: list[str], subject: str) -> NeedsAttention:
    said = "; ".join(f'{_WORDS.get(field, field)}: "{FIELDS[field](source)}" here, "{FIELDS[field](there)}" there' for field in fields)
    return NeedsAttention(
        f"{source.name or source.id} was changed on both sides ({said}). Make them alike on one side, then retry; or choose on the flow's "
        "page which side wins.",
        code="both_changed",
        subject=subject,
    )
