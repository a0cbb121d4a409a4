"""An event can overtake the commit of the very write that caused it, or the answer to that write got lost: until that is settled,
nobody can tell our own work from a person's, so whoever has to know waits.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from django.db.models import QuerySet
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Busy
from flows.models import ExternalLink, SyncJob
from flows.pipeline.workbench import Workbench

AT_WORK_SECONDS = 10.0  # most writes are confirmed well within
DOUBTFUL_SECONDS = 60.0  # whoever settles the doubt wakes us earlier
CLOCKS_APART = timedelta(minutes=1)


def await_booking(bench: Workbench, invoice: ExternalLink) -> None:
    """Raises Busy while the order of this invoice is at work or a payment of it is in doubt."""
    flow = bench.flow
    writing = SyncJob.objects.filter(
        flow__source=flow.destination, flow__destination=flow.source, source_id=invoice.key, state=SyncJob.State.RUNNING
    )
    if writing.exists():
        raise Busy("The order of this invoice is being booked at this moment.", retry_after=1.0)
    doubtful = ExternalLink.objects.filter(
        destination=flow.source,
        scope=invoice.scope,
        object_type=ObjectType.PAYMENT.value,
        key__startswith=f"{invoice.key}:",
        state=ExternalLink.State.INTENDED,
    )
    oldest = doubtful.order_by("intended_at").first()
    if oldest is not None:
        reason = f"It is not certain yet whether this payment is our own: what became of one of order {invoice.key} is still in doubt."
        raise _doubt(oldest, reason, DOUBTFUL_SECONDS)


def write_under_way(bench: Workbench, links: QuerySet[ExternalLink]) -> ExternalLink | None:
    """The oldest of these links that is intended and may be what this job was told of: it was begun before the job came up."""
    heard = SyncJob.objects.filter(pk=bench.job_id or 0).values_list("created_at", flat=True).first() or bench.started
    return links.filter(state=ExternalLink.State.INTENDED, intended_at__lte=heard + CLOCKS_APART).order_by("intended_at").first()


def await_writer(link: ExternalLink) -> NoReturn:
    """Raises Busy: for a moment while the write is under way, for longer once its answer got lost."""
    fresh = link.in_doubt_until is None and (timezone.now() - link.intended_at).total_seconds() < AT_WORK_SECONDS
    reason = f"It is not certain yet who made this {link.object_type}: one for {link.key} of another connection is being written."
    raise _doubt(link, reason, 1.0 if fresh else DOUBTFUL_SECONDS)


def _doubt(link: ExternalLink, reason: str, seconds: float) -> Busy:
    return Busy(reason, retry_after=seconds, code="payment_in_doubt", since=link.intended_at)
