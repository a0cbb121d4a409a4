"""What a webhook did not deliver while it was off. That it is to be read again is written before the platform is called, and done with
when the reading is asked for: whoever dies in between leaves a wish that the next check of the registration finds.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from flows.models import Flow, Subscription
from flows.polling import start_backfill

GAP_OVERLAP = timedelta(minutes=10)


def silent_since(row: Subscription) -> datetime:
    """Since when something may be missing: a little before the last sign of life, or as was found before it was switched on again."""
    last = (row.delivered_at or row.disabled_at or row.created_at) - GAP_OVERLAP
    return last if row.gap_since is None else min(last, row.gap_since)


def expect_gap(row: Subscription, actor: str) -> None:
    """To be called before the registration is touched at the platform: the first delivery afterwards hides how long it was silent."""
    row.gap_since, row.gap_asked_by = silent_since(row), actor
    row.save(update_fields=["gap_since", "gap_asked_by"])


def read_gap(row: Subscription) -> None:
    """Ask that what changed meanwhile is read again, once; not before changes are delivered again, as what comes until then belongs to the
    gap. Nothing where none is expected.
    """
    with transaction.atomic():
        expected = Subscription.objects.select_for_update().filter(pk=row.pk, gap_since__isnull=False)
        wish = expected.filter(status=Subscription.Status.ACTIVE).first()
        if wish is None or wish.gap_since is None:
            return
        for flow in Flow.objects.filter(source=row.connection, enabled=True):
            start_backfill(flow, wish.gap_since, timezone.now(), reason=f"gap of {row.topic}", asked_by=wish.gap_asked_by)
        Subscription.objects.filter(pk=row.pk).update(gap_since=None, gap_asked_by="")
        write(
            actor=wish.gap_asked_by,
            action="re-enable subscription",
            outcome=Outcome.DONE,
            organization_id=row.connection.organization_id,
            connection=row.connection,
            source_id=row.remote_id,
            message=f"{row.topic} is on again; changes since {wish.gap_since:%Y-%m-%d %H:%M} UTC are read again.",
        )
    row.gap_since, row.gap_asked_by = None, ""
