"""Gathers what we hold of a person as one JSON document that the owner hands over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flows.models import InboundEvent, PrivacyCase
from flows.privacy.holdings import holdings


def export(case: PrivacyCase) -> str:
    """The document, as text."""
    held = holdings(case)
    events = InboundEvent.objects.filter(pk__in=[pk for pk in held.events if pk != case.event_id]).order_by("id")
    document = {
        "request": case.reference,
        "from": case.connection.label,
        "received_at": case.received_at,
        "events": [{"received_at": e.received_at, "topic": e.topic, "body": _text(e.body)} for e in events.iterator(chunk_size=100)],
        "records": list(held.records.order_by("pk").values("object_type", "source_id", "number", "outcome", "currency", "total", "paid")),
        "links": list(held.links.order_by("pk").values("object_type", "key", "remote_id", "destination__label")),
        "history": list(_history(held.audit)),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, default=str)


def _history(rows: Any) -> Iterator[dict[str, Any]]:
    names = ("at", "action", "object_type", "source_id", "target_id", "outcome", "message", "evidence")
    yield from rows.values(*names).iterator(chunk_size=100)


def _text(body: Any) -> str:
    return bytes(body).decode("utf-8", "replace")
