"""What can be asked about one record: both sides now with the plan as a diff, and what voiding would do."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms

from audit.console.buttons import REASON_LENGTH, Said
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import SyncError
from flows.admin.parts import web_address
from flows.comparing import Difference, Row, differences_of, invoice_of, lines_now, rows_now
from flows.holding import void
from flows.models import ExternalLink, SyncRecord
from flows.preview import Preview, preview, preview_unbooking
from flows.recipes import RECIPES

BOOKED = (ObjectType.INVOICE.value,)


class VoidForm(forms.Form):
    """Why, and how thoroughly."""

    reason = forms.CharField(label="Why?", max_length=REASON_LENGTH, help_text="It is kept with your name.")
    along = forms.BooleanField(
        label="Remove what was created for it, too",
        required=False,
        help_text="It can be restored in the books, and is restored by itself when an order needs it again.",
    )


@dataclass(frozen=True, slots=True)
class Now:
    """A look at both sides. problem: why there is none."""

    seen: Preview | None = None
    problem: str = ""
    rows: tuple[Row, ...] = ()
    lines: tuple[Row, ...] = ()
    changes: tuple[Difference, ...] = ()
    here_url: str = ""
    there_url: str = ""

    @property
    def removable(self) -> bool:
        """Whether something was created for it that nothing else uses."""
        return self.seen is not None and any(not one.used for one in self.seen.along)

    @property
    def differing(self) -> int:
        """On how many points the two sides differ."""
        return sum(bool(row.off) for row in (*self.rows, *self.lines))


def compare(record: SyncRecord) -> Now:
    """Both sides as they are now. Calls both, writes to neither."""
    try:
        seen = preview(record.flow, record.source_id)
    except SyncError as problem:
        return Now(problem=problem.message)
    invoice = invoice_of(seen)
    return Now(
        seen,
        rows=rows_now(seen),
        lines=lines_now(seen),
        changes=differences_of(seen),
        here_url=web_address(record.flow.source, record.object_type, record.source_id),
        there_url=web_address(record.flow.destination, ObjectType.INVOICE.value, invoice.id) if invoice else "",
    )


def may_be_voided(record: SyncRecord) -> bool:
    """Whether something of it stands that its recipe can take back."""
    recipe = RECIPES.get(record.flow.recipe)
    return recipe is not None and recipe.unbook is not None and record.hold != SyncRecord.Hold.VOID and _posted(record)


def _posted(record: SyncRecord) -> bool:
    flow = record.flow
    own = ExternalLink.objects.filter(destination=flow.destination_id, scope=str(flow.source.key), key=record.source_id, void=False)
    return own.filter(object_type__in=BOOKED, state=ExternalLink.State.CONFIRMED).exists()


def look_at_voiding(record: SyncRecord, person: str) -> Now:
    """What would be taken out of the books; seen.code is set where that is refused."""
    try:
        seen = preview_unbooking(record.flow, record, f"{person} voids it.")
    except SyncError as problem:
        return Now(problem=problem.message)
    return Now(seen, changes=differences_of(seen))


def take_out(record: SyncRecord, reason: str, person: str, *, along: bool = False) -> Said:
    """Queue the voiding, unless a look shows that it is refused; the job looks again before it writes."""
    now = look_at_voiding(record, person)
    if now.problem or now.seen is None or not (now.changes or (along and now.removable)):
        return Said(now.problem or (now.seen.sentence if now.seen else ""), ok=False)
    try:
        job = void(record, reason, person, along=along)
    except SyncError as problem:
        return Said(problem.message, ok=False)
    return Said(f"What was posted for {record} is being voided by job {job.pk}. Reload this page in a moment to see it done.")
