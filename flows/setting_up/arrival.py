"""How far a flow is that was just switched on: its webhooks, its polls, what is read again, and the first record that arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from audit.models import Outcome
from connectors.registry import get_connector
from flows.home.attention import Cause, causes_of
from flows.models import Backfill, ExternalLink, Flow, Subscription, SyncCursor, SyncRecord
from flows.pairing import problem_with_pair

MANY = 100  # counted no further
_BOOKED = (Outcome.DONE.value, Outcome.ADOPTED.value)


@dataclass(frozen=True, slots=True)
class Arrival:
    """first: the first record that was brought over, None while nothing arrived; link: of what stands for it at the destination."""

    webhooks: int
    webhooks_active: int
    by_hand: bool
    polled_at: datetime | None
    backfill: Backfill | None
    first: SyncRecord | None
    link: ExternalLink | None
    arrived: int
    causes: tuple[Cause, ...]
    problem: str = ""


def arrival_of(flow: Flow) -> Arrival:
    """As it is now; a handful of queries."""
    hooks = list(Subscription.objects.filter(connection=flow.source_id).values_list("status", flat=True))
    booked = [SyncRecord.objects.filter(flow=flow, outcome=outcome) for outcome in _BOOKED]  # one walk of the index for each
    earliest = [row for rows in booked if (row := rows.order_by("updated_at").first())]
    first = min(earliest, key=lambda row: row.updated_at, default=None)
    registers = get_connector(flow.source.platform).webhooks
    return Arrival(
        webhooks=len(hooks),
        webhooks_active=hooks.count(Subscription.Status.ACTIVE.value),
        by_hand=registers is not None and registers.by_hand,
        polled_at=SyncCursor.objects.filter(flow=flow).values_list("polled_at", flat=True).first(),
        backfill=Backfill.objects.filter(flow=flow).order_by("-id").first(),
        first=first,
        link=_link(flow, first) if first else None,
        arrived=sum(len(rows.values_list("pk")[:MANY]) for rows in booked),
        causes=tuple(causes_of([flow])[0]),
        problem=problem_with_pair(flow.recipe, flow.source, flow.destination),
    )


def _link(flow: Flow, record: SyncRecord) -> ExternalLink | None:
    rows = ExternalLink.objects.filter(destination=flow.destination_id, scope=str(flow.source.key), key=record.source_id)
    return rows.filter(state=ExternalLink.State.CONFIRMED).order_by("id").first()
