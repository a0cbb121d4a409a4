"""Daily housekeeping: access that nobody used, retention."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.services import prune
from credentials.idle import refresh_idle
from credentials.people.attempts import forget_quiet
from credentials.people.sign_ins import forget_ended
from flows.alerting.delivering import forget_old
from flows.leases import periodic
from flows.models import BulkRun, Comparison, InboundEvent
from flows.privacy.cases import forget_old_exports


def keep_access_alive() -> None:
    """Renew the access of connections that nobody used for a week, before it runs out."""
    with periodic("idle access", 3000) as ours:
        if ours:
            refresh_idle(timezone.now())


def prune_old(events_days: int, audit_days: int) -> None:
    """Raw bodies, runs over many records, comparisons and sealed audit batches past their time go; what waits or is unsealed stays."""
    with periodic("upkeep", 3000) as ours:
        if not ours:
            return
        now = timezone.now()
        old = (
            InboundEvent.objects.exclude(state=InboundEvent.State.RECEIVED)
            .filter(received_at__lt=now - timedelta(days=events_days))
            .exclude(body=b"")
        )
        old.update(body=b"")  # the dedupe keys stay for ever
        while prune(now - timedelta(days=audit_days)).seals:  # some in each transaction; a busy day makes tens of thousands
            pass
        Comparison.objects.filter(created_at__lt=now - timedelta(days=audit_days)).delete()
        forget_old_exports(now)
        BulkRun.objects.filter(finished_at__lt=now - timedelta(days=events_days)).delete()
        forget_old(now - timedelta(days=events_days))
        forget_quiet(now)
        forget_ended(now)
