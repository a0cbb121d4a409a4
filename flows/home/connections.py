"""How each connection is: whether it is authorised, whether its webhooks arrive, when it was last polled, and what is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q

from credentials.lasting import lasting_of
from credentials.models import Connection
from flows.models import Flow, Subscription, SyncCursor, SyncJob


@dataclass(frozen=True, slots=True)
class Health:
    """late_since: when the oldest job that is due became so, None when nothing waits; webhooks: active and all of them; lasts: how long
    its authorisation does, in words.
    """

    connection: Connection
    active: int
    webhooks: int
    delivered_at: datetime | None
    polled_at: datetime | None
    late_since: datetime | None
    lasts: str = ""

    @property
    def webhooks_well(self) -> bool:
        return self.active == self.webhooks


def health_of(connections: Sequence[Connection], flows: Sequence[Flow], now: datetime) -> list[Health]:
    """One for each connection, in their order; five queries in all."""
    ids = [connection.pk for connection in connections]
    good = Count("pk", filter=Q(status=Subscription.Status.ACTIVE))
    counted = Subscription.objects.filter(connection__in=ids).order_by().values("connection_id")
    hooks = {row["connection_id"]: row for row in counted.annotate(active=good, every=Count("pk"), last=Max("delivered_at"))}
    polled = _latest_polls(ids)
    late = _oldest_due(flows, now)
    lasts = lasting_of(connections, now)
    found = [_health(connection, hooks.get(connection.pk, {}), polled, late) for connection in connections]
    return [replace(one, lasts=lasts[one.connection.pk]) for one in found]


def _health(connection: Connection, hooks: Mapping[str, Any], polled: Mapping[int, datetime], late: Mapping[int, datetime]) -> Health:
    here = connection.pk
    return Health(connection, hooks.get("active", 0), hooks.get("every", 0), hooks.get("last"), polled.get(here), late.get(here))


def _latest_polls(ids: Sequence[int]) -> dict[int, datetime]:
    rows = SyncCursor.objects.filter(flow__source__in=ids, polled_at__isnull=False).order_by().values("flow__source_id")
    return {row["flow__source_id"]: row["at"] for row in rows.annotate(at=Max("polled_at"))}


def _oldest_due(flows: Sequence[Flow], now: datetime) -> dict[int, datetime]:
    """By source connection; asked of the waiting jobs only, which have an index of their own."""
    due = SyncJob.objects.filter(flow__in=[flow.pk for flow in flows], state=SyncJob.State.WAITING, not_before__lte=now)
    rows = due.order_by().values("flow__source_id").annotate(at=Min("not_before"))
    return {row["flow__source_id"]: row["at"] for row in rows}
