"""What changed in a window: the event log, which Stripe keeps for thirty days, and the objects themselves before that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.contract import Page
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.stripe import api as stripe

KEPT = timedelta(days=29)  # thirty, less what a long walk may take
# At most twenty may be asked for at once.
EVENTS = (
    "invoice.finalized",
    "invoice.paid",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.overpaid",
    "invoice.updated",
    "invoice_payment.paid",
    "charge.succeeded",
    "charge.updated",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "credit_note.created",
    "credit_note.voided",
)
# Where an object says which whole it belongs to, the first that is there. A refund's invoice has to be asked for later.
_WHOLE = {
    "invoice": ("id",),
    "invoice_payment": ("invoice",),
    "credit_note": ("invoice",),
    "payment_intent": ("id",),
    "charge": ("payment_intent", "id"),
    "refund": ("payment_intent", "charge"),
    "dispute": ("payment_intent", "charge"),
}
_OBJECTS = ("invoices", "invoice_payments", "charges", "refunds", "disputes")


def whole_of(found: Tame) -> str:
    """The id of the invoice or payment that an object is, or is part of; "" for what we do not follow."""
    kind = found.get("object").value
    names = _WHOLE.get(kind, ()) if isinstance(kind, str) else ()
    return next((id for name in names if (id := _id(found.get(name)))), "")


def _id(value: Tame) -> str:
    """An id, also of an expanded object."""
    return value["id"].identifier() if isinstance(value.value, Mapping) else value.identifier()


def version_of(created: Tame) -> str:
    """Seconds since 1970 that can be compared as text."""
    return f"{created.integer():012d}"


def page_collections(api: Api, window: Window, cursor: str | None) -> Page:
    """One page of the walk: events first, then, for a window that begins before they are kept, every kind of object by its creation."""
    begin = api.plumbing.now() - KEPT
    kind, _, after = (cursor or "events:").partition(":")
    if kind == "events":
        rows, more = _rows(api, "events", window, after, {"types": EVENTS})
        notices = _newest([_told(row) for row in rows])
    else:
        rows, more = _rows(api, kind, window, after, {})
        notices = _newest([_seen(row) for row in rows])
    if more and rows:
        return Page(notices, f"{kind}:{rows[-1]['id'].known_identifier()}")
    return Page(notices, _next(kind, older=window.since < begin))


def _rows(api: Api, kind: str, window: Window, after: str, params: Mapping[str, Any]) -> tuple[list[Tame], bool]:
    created = {"gte": int(window.since.timestamp()), "lte": int(window.until.timestamp())}
    query = {**params, "created": created, "starting_after": after or None}
    return stripe.list_page(api, f"/v1/{kind}", kind.removesuffix("s"), query)


def _next(kind: str, *, older: bool) -> str | None:
    kinds = ("events", *_OBJECTS) if older else ("events",)
    place = kinds.index(kind) + 1
    return f"{kinds[place]}:" if place < len(kinds) else None


def _told(event: Tame) -> Notice | None:
    whole = whole_of(event["data"]["object"])
    return Notice(ObjectType.COLLECTION, whole, event["type"].text(), version=version_of(event["created"])) if whole else None


def _seen(row: Tame) -> Notice | None:
    whole = whole_of(row)
    return Notice(ObjectType.COLLECTION, whole, version=version_of(row["created"])) if whole else None


def _newest(found: list[Notice | None]) -> tuple[Notice, ...]:
    """One notice per object, the newest of the page: listings have the newest first."""
    kept: dict[str, Notice] = {}
    for notice in found:
        if notice is not None:
            kept.setdefault(notice.source_id, notice)
    return tuple(kept.values())
