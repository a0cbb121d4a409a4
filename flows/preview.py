"""What a sync would do, without doing it: the same extract, desire and plan, behind a fence that refuses every write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from connectors.kit.errors import Gone, NeedsAttention, NothingToDo, PartOf, Refused, Rejected, SyncError
from flows.models import Flow
from flows.pipeline.extract import Extracted, extract
from flows.pipeline.run import decide
from flows.pipeline.view import Sight
from flows.pipeline.workbench import Workbench, open_workbench
from flows.recipes.contract import Plan
from flows.sides import UNKNOWN, Sides, sides_of

VANISHED = "vanished"
IN_ORDER = "Nothing to do: the destination is as it should be."


class WriteRefused(RuntimeError):
    """A preview tried to write: a defect of ours, stopped at the fence."""


def refuse_writes() -> NoReturn:
    raise WriteRefused("a preview must not write")


@dataclass(frozen=True, slots=True)
class Preview:
    """The missing changes of one record, or the sentence why there are none. changed_at: when the record last changed at its source;
    sides: what both sides come to, as far as the plan had to look.
    """

    number: str
    plan: Plan
    sentence: str = ""
    code: str = ""
    changed_at: datetime | None = None
    sides: Sides = UNKNOWN


def preview(flow: Flow, source_id: str) -> Preview:
    """Plan one record of a flow without writing. Network errors are raised; verdicts about the record are in the answer."""
    found = preview_whole(open_workbench(flow, refuse_writes), source_id, set())
    if found is None:
        raise Rejected(f"{source_id} is part of something that is part of itself.", code="endless")
    return found[1]


def preview_whole(bench: Workbench, source_id: str, looked: set[str]) -> tuple[str, Preview] | None:
    """The same on an open workbench, and the id that was looked at: of a part, its whole. None for what was looked at before."""
    while source_id not in looked:
        looked.add(source_id)
        try:
            return source_id, preview_on(bench, source_id)[0]
        except PartOf as part:
            source_id = part.whole
    return None


def preview_on(bench: Workbench, source_id: str) -> tuple[Preview, object | None]:
    """One record alone; also the desired state, when there is one. Raises PartOf for what is only a part of another record."""
    bench.source_id = number = source_id
    changed_at, worth, desired, sight = None, None, None, Sight(bench)
    try:
        extracted = _extracted(bench, source_id)
        changed_at = getattr(extracted.value, "updated_at", None)
        known_as, worth = bench.recipe.describe(extracted.value)
        number = known_as or source_id
        desired = bench.recipe.desire(extracted.value, bench.context)
        plan = decide(bench, desired, sight)
        sides = sides_of(worth, desired, plan, sight.seen)
        return Preview(number, plan, "" if plan.changes else IN_ORDER, changed_at=changed_at, sides=sides), desired
    except PartOf:
        raise
    except (NothingToDo, NeedsAttention, Rejected, Refused, Gone) as verdict:
        sides = sides_of(worth, desired, Plan(), sight.seen)
        return Preview(number, Plan(), sentence_of(verdict), verdict.code, changed_at, sides), None


def _extracted(bench: Workbench, source_id: str) -> Extracted:
    """What vanished from the source goes by one code; whether something still stands for it is the caller's to ask."""
    try:
        return extract(bench, source_id)
    except Gone as gone:
        raise Gone(gone.message, code=VANISHED) from gone


def sentence_of(verdict: SyncError) -> str:
    """The verdict as a line for people."""
    kind = "Nothing to do" if isinstance(verdict, NothingToDo) else "Stopped"
    return f"{kind}: {verdict.message}"
