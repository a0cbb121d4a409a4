"""Repairing what a comparison found: the records are synced again, in the name of the person who asked."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Outcome
from audit.services import write
from flows.bell import ring
from flows.comparisons.drifts import BY_A_PERSON
from flows.jobs.queue import Wanted, enqueue
from flows.models import Comparison, Difference
from flows.models.job import Priority
from flows.recipes import RECIPES


def mendable(comparison: Comparison) -> QuerySet[Difference]:
    """Where a sync can mend something; doubles and extras alone are a person's decision."""
    alone = [",".join(kinds) for number in range(1, len(BY_A_PERSON) + 1) for kinds in permutations(BY_A_PERSON, number)]
    return comparison.differences.exclude(kinds__in=alone)


def is_mendable(row: Difference) -> bool:
    """The same of one row."""
    return any(kind not in BY_A_PERSON for kind in row.each_kind)


def repair(comparison: Comparison, rows: Iterable[Difference], person: str) -> int:
    """Queue the records of these rows, ahead of everything else. Returns how many records."""
    chosen, flow = [row for row in rows if is_mendable(row)], comparison.flow
    kind, now = RECIPES[flow.recipe].source, timezone.now()
    numbers = {row.source_id: row.number or row.source_id for row in chosen}
    wanted = [Wanted(flow.pk, kind, source_id, Priority.PERSON, "reconcile", None, person, force=True) for source_id in numbers]
    if not wanted:
        return 0
    with transaction.atomic():
        Difference.objects.filter(pk__in=[row.pk for row in chosen]).update(repair_asked_by=person, repair_asked_at=now)
        queued = enqueue(wanted, now)
        told = ", ".join(list(numbers.values())[:20]) + (" ..." if queued > 20 else "")
        write(
            actor=person,
            action="repair differences",
            outcome=Outcome.NOTED,
            organization_id=flow.organization_id,
            flow_id=flow.pk,
            object_type=kind.value,
            source_id=next(iter(numbers)) if queued == 1 else "",
            message=f"{flow.label}: {queued} record(s) of comparison {comparison.pk} are repaired: {told}.",
            evidence={"comparison": comparison.pk, "records": sorted(numbers)[:500]},
        )
        transaction.on_commit(ring)
    return queued
