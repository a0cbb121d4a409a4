"""What a sync would do, without doing it: the same extract, desire and plan, behind a fence that refuses every write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from connectors.kit.errors import Gone, NeedsAttention, NothingToDo, Refused, Rejected, SyncError
from flows.models import Flow
from flows.pipeline.extract import extract
from flows.pipeline.run import decide
from flows.pipeline.view import Sight
from flows.pipeline.workbench import Workbench, open_workbench
from flows.recipes.contract import Plan

IN_ORDER = "Nothing to do: the destination is as it should be."


class WriteRefused(RuntimeError):
    """A preview tried to write: a defect of ours, stopped at the fence."""


def refuse_writes() -> NoReturn:
    raise WriteRefused("a preview must not write")


@dataclass(frozen=True, slots=True)
class Preview:
    """The missing changes of one record, or the sentence why there are none. changed_at: when the record last changed at its source."""

    number: str
    plan: Plan
    sentence: str = ""
    code: str = ""
    changed_at: datetime | None = None


def preview(flow: Flow, source_id: str) -> Preview:
    """Plan one record of a flow without writing. Network errors are raised; verdicts about the record are in the answer."""
    bench = open_workbench(flow, refuse_writes)
    return preview_on(bench, source_id)[0]


def preview_on(bench: Workbench, source_id: str) -> tuple[Preview, object | None]:
    """The same on an open workbench; also the desired state, when there is one."""
    bench.source_id = number = source_id
    changed_at: datetime | None = None
    try:
        extracted = extract(bench, source_id)
        changed_at = getattr(extracted.value, "updated_at", None)
        number = bench.recipe.describe(extracted.value)[0] or source_id
        desired = bench.recipe.desire(extracted.value, bench.context)
        plan = decide(bench, desired, Sight(bench))
        return Preview(number, plan, "" if plan.changes else IN_ORDER, changed_at=changed_at), desired
    except (NothingToDo, NeedsAttention, Rejected, Refused, Gone) as verdict:
        return Preview(number, Plan(), sentence_of(verdict), verdict.code, changed_at), None


def sentence_of(verdict: SyncError) -> str:
    """The verdict as a line for people."""
    kind = "Nothing to do" if isinstance(verdict, NothingToDo) else "Stopped"
    return f"{kind}: {verdict.message}"
