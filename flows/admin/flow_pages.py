"""What can be asked of a flow: a plan of one record, a backfill. Each is a form with its answer on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms

from connectors.canonical.ledger import Credit, Invoice
from connectors.kit.errors import SyncError
from flows.finding import source_id_of
from flows.models import Flow
from flows.preview import Preview, preview
from flows.recipes.contract import Change
from flows.recipes.proof import TieOut

EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)  # beyond them the calendar ends somewhere: no time zone can be reckoned with


class PlanForm(forms.Form):
    """Which record."""

    record = forms.CharField(label="Number or id", max_length=100, help_text="As the source shows it, like an order number.")


class PeriodForm(forms.Form):
    """Which days, both included, as the source's calendar has them."""

    since = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))
    longest: int | None = None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            raise forms.ValidationError("The first day must not come after the last one.")
        if since and until and self.longest and (until - since).days >= self.longest:
            raise forms.ValidationError(f"At most {self.longest} days at once: each record is read from both sides.")
        return cleaned

    def window(self, flow: Flow, now: datetime) -> tuple[datetime, datetime]:
        """The days as times; never beyond now."""
        return days(flow, self.cleaned_data["since"], self.cleaned_data["until"], now)


def days(flow: Flow, since: date, until: date, now: datetime) -> tuple[datetime, datetime]:
    """From the first moment of one day to the last of the other, in the source's time zone."""
    since, until = (min(max(day, EARLIEST), LATEST) for day in (since, until))
    try:
        zone = ZoneInfo(flow.source.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    first = datetime.combine(since, time.min, zone).astimezone(UTC)
    last = datetime.combine(until + timedelta(days=1), time.min, zone).astimezone(UTC)
    return min(first, now), min(last, now)


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One change as a row of the plan; lines are those of an invoice or credit."""

    verb: str
    what: str
    title: str
    lines: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """The answer to "what would a sync do?"; problem is why there is none."""

    record: str
    found: Preview | None = None
    changes: tuple[ShownChange, ...] = ()
    problem: str = ""
    proof: Mapping[str, Any] | None = None


def plan(flow: Flow, text: str) -> ShownPlan:
    """Plan the record with this number or id. Reads from both sides, writes nothing."""
    try:
        found = preview(flow, source_id_of(flow, text))
    except SyncError as problem:
        return ShownPlan(text, problem=problem.message)
    changes = tuple(_shown(change) for change in found.plan.changes)
    return ShownPlan(text, found, changes, proof=_proof(found.plan.tie_out) if found.plan.tie_out else None)


def _proof(tie_out: TieOut) -> dict[str, Any]:
    names = {"total": "source_total", "refunded": "refunded", "invoiced": "invoiced", "captured": "captured", "paid": "paid"}
    return {"exact": tie_out.exact, **{name: str(getattr(tie_out, known)) for name, known in names.items()}}


def _shown(change: Change) -> ShownChange:
    verb = change.does.replace("_", " ")
    return ShownChange(verb, change.object_type.value.replace("_", " "), change.title, tuple(_lines(change.value)))


def _lines(value: Any) -> list[tuple[str, ...]]:
    if not isinstance(value, (Invoice, Credit)):
        return []
    return [
        (
            line.name,
            f"{line.quantity:f}",
            str(line.unit_price),
            ", ".join(f"{tax.name} {tax.percent:f} %" for tax in line.taxes),
        )
        for line in value.lines
    ]
