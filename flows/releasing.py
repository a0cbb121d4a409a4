"""Jobs that wait for a choice go on by themselves once it is made: a mapping was saved, the flow's options were changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from flows.bell import ring
from flows.jobs.queue import Wanted, enqueue
from flows.jobs.telling import STUCK
from flows.models import FieldMapping, Flow, ItemMapping, SyncJob, ValueMapping
from flows.models.job import Priority

Mapping = ItemMapping | ValueMapping | FieldMapping
# A job names the tax by its code, or by what it is called in the books; its mapping may name it otherwise.
_ALIKE = {ValueMapping.Kind.TAX: ("tax_unmapped", "tax_rate_differs")}


def subject_of(row: Mapping) -> str:
    """What jobs call the thing that they wait for a mapping of ("sku:MUG-XL")."""
    match row:
        case ItemMapping():
            return f"sku:{row.sku}"
        case ValueMapping():
            return f"{row.kind}:{row.source}"
    return f"field:{row.target}"


def mapping_saved(row: Mapping, asked_by: str) -> int:
    """Queue the jobs that waited for it; one that waits for something else stops again. Returns how many."""
    alike = _ALIKE.get(ValueMapping.Kind(row.kind), ()) if isinstance(row, ValueMapping) else ()
    return _release(row.flow, Q(subject=subject_of(row)) | Q(reason_code__in=alike), Priority.PERSON, asked_by)


def mappings_saved(rows: Sequence[Mapping], asked_by: str) -> int:
    """The same for many at once: a query for each flow, not for each mapping."""
    wanted: list[Wanted] = []
    began = timezone.now()
    by_flow: dict[int, list[Mapping]] = {}
    for row in rows:
        by_flow.setdefault(row.flow_id, []).append(row)
    for flow_id, mine in by_flow.items():
        subjects = {subject_of(row) for row in mine}
        alike = {code for row in mine if isinstance(row, ValueMapping) for code in _ALIKE.get(ValueMapping.Kind(row.kind), ())}
        stuck = SyncJob.objects.filter(flow=flow_id, state__in=STUCK).exclude(subject="", reason_code="").distinct()
        for subject, code, kind, source_id in stuck.values_list("subject", "reason_code", "object_type", "source_id"):
            if subject in subjects or code in alike:
                wanted.append(Wanted(flow_id, ObjectType(kind), source_id, Priority.PERSON, "mapping", None, asked_by))
        transaction.on_commit(partial(_latecomers, flow_id, began, asked_by))
    return _queue(wanted)


def options_changed(flow: Flow, asked_by: str) -> int:
    """Queue all that needs attention, behind what comes from the shop: any of it may have waited for this. Returns how many."""
    return _release(flow, Q(state=SyncJob.State.ATTENTION), Priority.POLL, asked_by)


def _release(flow: Flow, waits: Q, priority: Priority, asked_by: str) -> int:
    transaction.on_commit(partial(_latecomers, flow.pk, timezone.now(), asked_by))
    stuck = SyncJob.objects.filter(waits, flow=flow, state__in=STUCK)
    wanted = [
        Wanted(flow.pk, ObjectType(kind), source_id, priority, "mapping", None, asked_by)
        for kind, source_id in stuck.values_list("object_type", "source_id").distinct()
    ]
    return _queue(wanted)


def _latecomers(flow_id: int, began: datetime, asked_by: str) -> None:
    """Jobs that had read the old rules when the new ones were committed: they run now, or stopped in between. They look once more."""
    stopped = Q(state__in=STUCK, finished_at__gte=began)
    late = SyncJob.objects.filter(stopped | Q(state=SyncJob.State.RUNNING), flow=flow_id)
    rows = late.values_list("object_type", "source_id").distinct()
    _queue([Wanted(flow_id, ObjectType(kind), source_id, Priority.PERSON, "mapping", None, asked_by) for kind, source_id in rows])


def _queue(wanted: Sequence[Wanted]) -> int:
    made = enqueue(wanted, timezone.now())
    if made:
        transaction.on_commit(ring)
    return made
