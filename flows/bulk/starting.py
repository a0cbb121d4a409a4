"""Beginning and stopping a run over many records: what was chosen is written down as rows, in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from credentials.models import Organization
from flows.models import BulkItem, BulkRun, Flow, SyncRecord

MOST = 200_000  # records of one run; more would be a list that nobody has read
_NAMES = ("flow_id", "object_type", "source_id")
_INSERT = """
INSERT INTO flows_bulkitem (run_id, flow_id, object_type, source_id, state, note, changes)
SELECT {run}, c.*, 'waiting', '', '[]' FROM ({chosen}) c WHERE 1 = 1 ON CONFLICT DO NOTHING
"""


def start(kind: BulkRun.Kind, chosen: QuerySet[Any], about: str, person: str) -> list[BulkRun]:
    """One run for each organization that the chosen rows (jobs, records, or rows of another run) belong to."""
    organizations = Organization.objects.filter(
        pk__in=Flow.objects.filter(pk__in=chosen.order_by().values("flow_id")).values("organization")
    )
    with transaction.atomic():
        runs = [_start(kind, chosen.filter(flow__organization=each), about, person, each) for each in organizations]
    return [run for run in runs if run.total]


def _start(kind: BulkRun.Kind, chosen: QuerySet[Any], about: str, person: str, organization: Organization) -> BulkRun:
    run = BulkRun.objects.create(organization=organization, kind=kind, about=about, asked_by=person)
    run.total = insert_items(run, chosen.order_by().values(*_NAMES).distinct())
    run.save(update_fields=["total"])
    note(run, f"start {run.get_kind_display()} of many", f"{run.total} records: {about}", person)
    return run


def insert_items(run: BulkRun, chosen: QuerySet[Any]) -> int:
    """Write the chosen objects down as the run's items: flow, object type and id, in this order. How many."""
    statement, values = chosen.query.sql_with_params()
    with database.cursor() as cursor:
        cursor.execute(_INSERT.format(run=int(run.pk), chosen=statement), values)
        return int(cursor.rowcount)


def cancel(run: BulkRun, person: str) -> bool:
    """Nothing further is queued or looked at; what was queued already is done all the same. False when it was over already."""
    with transaction.atomic():
        if not BulkRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=timezone.now(), cancelled_by=person):
            return False
        left = run.items.filter(state=BulkItem.State.WAITING).update(state=BulkItem.State.LEFT, note=f"Stopped by {person}.")
        note(run, f"cancel {run.get_kind_display()} of many", f"{left} of {run.total} records were not touched.", person)
    return True


def held(items: Sequence[BulkItem]) -> dict[str, str]:
    """Of these items of one flow and object type those that a person chose to leave alone, by their ids, with a sentence that says so."""
    rows = SyncRecord.objects.filter(flow_id=items[0].flow_id, object_type=items[0].object_type).exclude(hold="")
    found = rows.filter(source_id__in=[item.source_id for item in items]).values_list("source_id", "hold_by", "hold_reason")
    return {source_id: f'{person} chose to leave it alone ("{reason}").' for source_id, person, reason in found}


def finish(run: BulkRun) -> None:
    """All of it was passed on."""
    if BulkRun.objects.filter(pk=run.pk, finished_at=None).update(finished_at=timezone.now()):
        note(run, f"finish {run.get_kind_display()} of many", f"{run.total} records are through.", "worker")


def note(run: BulkRun, action: str, said: str, person: str) -> None:
    """An audit record about the run."""
    write(
        actor=person,
        action=action,
        outcome=Outcome.NOTED,
        organization_id=run.organization_id,
        object_type="bulkrun",
        source_id=str(run.pk),
        message=said,
    )
