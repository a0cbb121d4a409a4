"""How far a run over many records has come, from its rows and from what became of the records since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection as database
from django.db.models import Count

from flows.models import BulkItem, BulkRun

_OUTCOMES = """
SELECT r.outcome, COUNT(*) FROM flows_bulkitem i
JOIN flows_syncrecord r ON r.flow_id = i.flow_id AND r.object_type = i.object_type AND r.source_id = i.source_id
WHERE i.run_id = %s AND i.state = 'queued' AND r.updated_at >= i.queued_at GROUP BY r.outcome ORDER BY r.outcome
"""
State = BulkItem.State


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of records. outcomes: of those that were looked at since they were queued, by how it ended."""

    total: int
    states: Mapping[str, int]
    outcomes: tuple[tuple[str, int], ...]

    @property
    def waiting(self) -> int:
        return self.states.get(State.WAITING, 0)

    @property
    def queued(self) -> int:
        return self.states.get(State.QUEUED, 0)

    @property
    def left(self) -> int:
        return self.states.get(State.LEFT, 0)

    @property
    def looked_at(self) -> int:
        """Of all: those that need no further work of this run."""
        return sum(number for _, number in self.outcomes) + sum(self.states.get(s, 0) for s in (State.SAME, State.DIFFERS, State.STOPPED))

    @property
    def through(self) -> int:
        return self.looked_at + self.left

    @property
    def is_live(self) -> bool:
        """Whether it is worth looking again."""
        return self.through < self.total


def progress_of(run: BulkRun) -> Progress:
    """Counted from the index of the run's rows."""
    states = dict(run.items.order_by().values_list("state").annotate(number=Count("*")))
    outcomes: tuple[tuple[str, int], ...] = ()
    if run.kind != BulkRun.Kind.LOOK:
        with database.cursor() as cursor:
            cursor.execute(_OUTCOMES, [run.pk])
            outcomes = tuple((str(outcome), int(number)) for outcome, number in cursor.fetchall())
    return Progress(run.total, states, outcomes)
