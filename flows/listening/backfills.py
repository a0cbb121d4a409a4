"""How far a backfill is: what was found, what became of it, and how long the rest will take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from flows.models import Backfill, SyncJob

State = SyncJob.State
_LEFT = (State.WAITING, State.RUNNING)
_FAILED = (State.ATTENTION, State.DEAD)


@dataclass(frozen=True, slots=True)
class Progress:
    """Records by what became of them. elsewhere: looked at already, or by another job that was asked for meanwhile."""

    found: int
    booked: int
    same: int
    waiting: int
    failed: int
    elsewhere: int
    remaining: timedelta | None

    @property
    def ended(self) -> int:
        return self.found - self.waiting


def progress_of(backfill: Backfill, now: datetime) -> Progress:
    """One query, over the jobs that name the backfill."""
    rows = SyncJob.objects.filter(backfill=backfill).order_by().values("state").annotate(number=Count("pk"))
    by_state = {row["state"]: row["number"] for row in rows}
    booked, same = by_state.get(State.DONE, 0), by_state.get(State.NOTHING, 0)
    left, failed = (sum(by_state.get(state, 0) for state in states) for states in (_LEFT, _FAILED))
    ended = booked + same + failed
    remaining = (now - backfill.created_at) * left / ended if left and ended and backfill.finished_at else None
    return Progress(backfill.found, booked, same, left, failed, max(0, backfill.found - ended - left), remaining)


def under_way(backfill: Backfill, progress: Progress) -> bool:
    """Whether anything still happens."""
    return backfill.finished_at is None or progress.waiting > 0


def in_words(span: timedelta) -> str:
    """About how long, as a person says it."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} minute{'s' if minutes != 1 else ''}"
    return f"about {round(minutes / 60)} hour{'s' if round(minutes / 60) != 1 else ''}"
