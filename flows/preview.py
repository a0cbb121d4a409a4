"""What a sync would do, without doing it: the same extract, desire and plan, behind a fence that refuses every write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NoReturn

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Raw
from connectors.kit.errors import Gone, NeedsAttention, NothingToDo, PartOf, Refused, Rejected, SyncError
from flows.models import Flow, SyncRecord
from flows.pipeline.along import made_along
from flows.pipeline.extract import Extracted, extract, normalised
from flows.pipeline.run import decide
from flows.pipeline.view import Sight
from flows.pipeline.workbench import Workbench, open_workbench
from flows.recipes.contract import Plan, Unbooking
from flows.recipes.looks import Along, LinkOf, Look
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
    sides: what both sides come to, as far as the plan had to look; subject: what a mapping would mend ("sku:MUG-XL"); along: what was
    created along with a record that would be voided.

    value, desired and seen are what the plan was made from: the record at its source, what it wants at the destination, and what it saw.
    """

    number: str
    plan: Plan
    sentence: str = ""
    code: str = ""
    changed_at: datetime | None = None
    sides: Sides = UNKNOWN
    value: object = field(default=None, repr=False)
    desired: object = field(default=None, repr=False)
    seen: Mapping[Look, Any] = field(default_factory=dict, repr=False)
    subject: str = ""
    along: tuple[Along, ...] = ()


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
            return source_id, preview_on(bench, source_id)
        except PartOf as part:
            source_id = part.whole
    return None


def preview_on(bench: Workbench, source_id: str, stored: Raw | None = None) -> Preview:
    """One record alone. Raises PartOf for what is only a part of another record.

    stored: the source's aggregate as we hold it already; the source is then not asked.
    """
    bench.source_id = number = source_id
    subject = ""
    sight, value, desired, worth = Sight(bench), None, None, None
    try:
        value = _extracted(bench, source_id, stored).value
        known_as, worth = bench.recipe.describe(value)
        number = known_as or source_id
        desired = bench.recipe.desire(value, bench.context)
        plan = decide(bench, desired, sight)
        sentence, code = "" if plan.changes else IN_ORDER, ""
    except PartOf:
        raise
    except (NothingToDo, NeedsAttention, Rejected, Refused, Gone) as verdict:
        plan, sentence, code = Plan(), sentence_of(verdict), verdict.code
        subject = verdict.subject if isinstance(verdict, NeedsAttention) else ""
    sides = sides_of(worth, desired, plan, sight.seen)
    return Preview(number, plan, sentence, code, getattr(value, "updated_at", None), sides, value, desired, sight.seen, subject)


def preview_unbooking(flow: Flow, record: SyncRecord, why: str) -> Preview:
    """What voiding would take out of the destination, and what could go along with it. The source is not asked."""
    bench = open_workbench(flow, refuse_writes, source_id=record.source_id)
    number = record.number or record.source_id
    if bench.recipe.unbook is None:
        return Preview(number, Plan(), f"What this flow writes to {flow.destination} cannot be voided.", "no_void")
    desired = bench.recipe.unbook(Unbooking(record.source_id, number, record.currency, why), bench.context)
    sight = Sight(bench)
    try:
        plan = decide(bench, desired, sight)
    except (NothingToDo, NeedsAttention, Rejected, Refused, Gone) as verdict:
        return Preview(number, Plan(), sentence_of(verdict), verdict.code)
    if all(change.verb == "remember" for change in plan.changes):
        plan = replace(plan, changes=())
    sentence = "" if plan.changes else "Nothing of it stands in the books any more."
    return Preview(number, plan, sentence, desired=desired, seen=sight.seen, along=_along(bench, sight))


def _along(bench: Workbench, sight: Sight) -> tuple[Along, ...]:
    """What was created along with the record and still stands; nothing where that cannot be asked now."""
    link = sight.seen.get(LinkOf(ObjectType.INVOICE, bench.source_id))
    try:
        return tuple(one for one in made_along(bench, link.destination_id) if not one.link.void) if link else ()
    except SyncError:
        return ()


def _extracted(bench: Workbench, source_id: str, stored: Raw | None) -> Extracted:
    """What vanished from the source goes by one code; whether something still stands for it is the caller's to ask."""
    try:
        return extract(bench, source_id) if stored is None else normalised(bench, bench.source.api, stored)
    except Gone as gone:
        raise Gone(gone.message, code=VANISHED) from gone


def sentence_of(verdict: SyncError) -> str:
    """The verdict as a line for people."""
    kind = "Nothing to do" if isinstance(verdict, NothingToDo) else "Stopped"
    return f"{kind}: {verdict.message}"
