"""Finding things by what people call them: an order number, or the platform's own id."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from connectors.canonical.identity import ObjectType
from flows.models import Flow, SyncJob, SyncRecord

AT_MOST = 50  # records that share one number


def source_id_of(flow: Flow, text: str) -> str:
    """The source id of the record with this number; the text itself when no record is known by it."""
    term = text.strip().removeprefix("#")
    known = SyncRecord.objects.filter(flow=flow, number=term).order_by("-updated_at").values_list("source_id", flat=True)
    return known.first() or term


def matching_jobs(jobs: QuerySet[SyncJob], flows: QuerySet[Flow], text: str) -> QuerySet[SyncJob]:
    """The jobs of these flows about an object with this number or id, or the job with this number. Every look-up has its index."""
    term = text.strip().removeprefix("#")
    records = SyncRecord.objects.filter(flow__in=flows, number=term).values_list("flow_id", "object_type", "source_id")
    found = Q(flow__in=flows, object_type__in=[kind.value for kind in ObjectType], source_id=term)
    for flow_id, object_type, source_id in records[:AT_MOST]:
        found |= Q(flow_id=flow_id, object_type=object_type, source_id=source_id)
    if term.isdecimal() and len(term) < 19:
        found |= Q(pk=int(term))
    return jobs.filter(found)
