"""The dead span of a connection's webhooks: what changed in it was never delivered, and is read again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from credentials.models import Connection
from flows.missed import silent_since
from flows.models import Backfill, Flow, Subscription
from flows.polling import start_backfill

GOOD = Subscription.Status.ACTIVE


def gap_since(rows: Iterable[Subscription]) -> datetime | None:
    """Since when something may be missing: the earliest last sign of life of what is not active; of all, where all are."""
    known = list(rows)
    dead = [row for row in known if row.status != GOOD] or known
    return min((silent_since(row) for row in dead), default=None)


def fill_gap(connection: Connection, person: str) -> list[Backfill]:
    """Read again what changed since then, for every enabled flow that reads from the connection."""
    since, now = gap_since(Subscription.objects.filter(connection=connection)), timezone.now()
    flows = Flow.objects.filter(source=connection, enabled=True)
    if since is None or not flows:
        return []
    made = [start_backfill(flow, since, now, reason="gap of the webhooks", asked_by=person) for flow in flows]
    write(
        actor=person,
        action="fill webhook gap",
        outcome=Outcome.NOTED,
        organization_id=connection.organization_id,
        connection=connection,
        message=f"What changed in {connection.label} since {since:%Y-%m-%d %H:%M} UTC is read again.",
    )
    return made
