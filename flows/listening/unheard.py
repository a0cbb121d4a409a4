"""What polls find and no webhook told of: the measure of how well the webhooks do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Sum
from django.utils import timezone

from connectors.canonical.identity import Notice, ObjectType
from flows.models import Flow, InboundEvent, PollDay


def note_poll(flow: Flow, kind: ObjectType, found: Sequence[Notice], told: Mapping[str, str], since: datetime) -> None:
    """Count what a page of a poll found. told: the newest version of each object that anything told of before; since: the beginning of
    the poll's window. Runs in the transaction that stores the page's jobs.
    """
    silent = [notice for notice in found if not notice.version or told.get(notice.source_id, "") < notice.version]
    unheard = len(silent) - len(_delivered(flow, kind, silent, since))
    PollDay.objects.bulk_create([PollDay(flow=flow, day=timezone.now().date())], ignore_conflicts=True)
    today = PollDay.objects.filter(flow=flow, day=timezone.now().date())
    today.update(found=F("found") + len(found), unheard=F("unheard") + unheard)


def _delivered(flow: Flow, kind: ObjectType, notices: Iterable[Notice], since: datetime) -> set[str]:
    """Deliveries that name no version tell of an object all the same."""
    ids = [notice.source_id for notice in notices]
    rows = InboundEvent.objects.filter(connection_id=flow.source_id, object_type=kind.value, source_id__in=ids, received_at__gte=since)
    return set(rows.values_list("source_id", flat=True))


def unheard_by_flow(flows: Iterable[Flow], today: date, days: int = 7) -> dict[int, dict[str, Any]]:
    """{"found", "unheard"} by flow over the last days, in one query."""
    rows = PollDay.objects.filter(flow__in=[flow.pk for flow in flows], day__gt=today - timedelta(days=days)).order_by()
    sums = rows.values("flow_id").annotate(all_found=Sum("found"), all_unheard=Sum("unheard"))
    return {row["flow_id"]: {"found": row["all_found"], "unheard": row["all_unheard"]} for row in sums}
