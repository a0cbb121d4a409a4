"""One comparison as a row: asked for, held by one worker at a time, told of as it goes, finished or stopped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from flows.comparisons.drifts import Compared, Drift
from flows.models import Comparison, Difference, Flow
from flows.sides import Sides

HELD = timedelta(minutes=5)  # without a sign of life for so long, another worker begins anew
TRIES = 3
GIVEN_UP = "It was interrupted several times and given up. Compare again, a shorter period at once."
AMOUNTS = ("sold", "invoiced", "captured", "paid")


class Stopped(Exception):
    """Somebody stopped the comparison, or another worker took it over."""


def ask(flow: Flow, since: datetime, until: datetime, *, asked_by: str, repair: bool = False) -> Comparison:
    """A row that a worker takes up."""
    return Comparison.objects.create(flow=flow, since=since, until=until, asked_by=asked_by, repair=repair, created_at=timezone.now())


def unfinished() -> list[Comparison]:
    """Those that nobody is at."""
    free = Comparison.objects.filter(finished_at=None).filter(_free(timezone.now()))
    return list(free.select_related("flow__source", "flow__destination").order_by("id"))


def _free(now: datetime) -> Q:
    return Q(held_until=None) | Q(held_until__lt=now)


def take(comparison: Comparison) -> bool:
    """Hold it, from the beginning. False when another worker does, or when it failed too often."""
    now = timezone.now()
    mine = Comparison.objects.filter(_free(now), pk=comparison.pk, finished_at=None, tries=comparison.tries)
    if comparison.tries >= TRIES:
        mine.update(finished_at=now, problem=GIVEN_UP)
        return False
    with transaction.atomic():
        if not mine.update(held_until=now + HELD, tries=F("tries") + 1, listed=0, compared=0):
            return False
        comparison.tries += 1
        comparison.differences.all().delete()
    return True


@dataclass
class Tally:
    """What has been seen so far."""

    compared: int = 0
    differing: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    sums: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def add(self, found: Compared) -> None:
        self.compared += 1
        if found.drift is not None:
            self.differing += 1
            self.kinds.update(found.drift.kinds)
        known = {name: getattr(found.sides, name) for name in AMOUNTS}
        if found.sides.currency and any(amount is not None for amount in known.values()):
            sums = self.sums.setdefault(found.sides.currency, dict.fromkeys((*AMOUNTS, "records"), Decimal(0)))
            sums["records"] += 1
            for name, amount in known.items():
                sums[name] += amount or 0

    def as_json(self) -> list[dict[str, Any]]:
        """Exact decimals as text, by currency."""
        return [{"currency": currency, **{name: f"{sums[name]:f}" for name in sums}} for currency, sums in sorted(self.sums.items())]


def note(comparison: Comparison, tally: Tally, found: Compared | None = None) -> None:
    """Keep what was found, and show how far it is. Raises Stopped when it is no longer ours to go on with."""
    with transaction.atomic():
        _mine(comparison, compared=tally.compared, listed=comparison.listed, held_until=timezone.now() + HELD)
        if found is not None and found.drift is not None:
            _difference(comparison, found.drift, found.sides).save()


def _mine(comparison: Comparison, **fields: Any) -> None:
    rows = Comparison.objects.filter(pk=comparison.pk, finished_at=None, tries=comparison.tries)
    if not rows.update(**fields):
        raise Stopped


def _difference(comparison: Comparison, drift: Drift, sides: Sides) -> Difference:
    amounts = {name: getattr(sides, name) for name in AMOUNTS}
    names = {"kinds": ",".join(drift.kinds), "source_id": drift.source_id[:100], "number": drift.number[:100], "sentence": drift.sentence}
    return Difference(comparison=comparison, age_days=drift.age_days, currency=sides.currency, **names, **amounts)


def finish(comparison: Comparison, tally: Tally, repaired: int = 0) -> None:
    """All was looked at."""
    found = {"differing": tally.differing, "kinds": dict(tally.kinds), "sums": tally.as_json()}
    _mine(comparison, finished_at=timezone.now(), repaired=repaired, held_until=None, **found)


def fail(comparison: Comparison, problem: str) -> None:
    """It cannot be made; what was found until then stays on its page."""
    rows = Comparison.objects.filter(pk=comparison.pk, finished_at=None, tries=comparison.tries)
    rows.update(finished_at=timezone.now(), problem=problem, held_until=None, **_found(comparison))


def stop(comparison: Comparison, person: str) -> bool:
    """A person has seen enough. False when it was over already."""
    running = Comparison.objects.filter(pk=comparison.pk, finished_at=None)
    return bool(running.update(finished_at=timezone.now(), stopped_by=person, held_until=None, **_found(comparison)))


def _found(comparison: Comparison) -> dict[str, Any]:
    """What stands there until now."""
    rows = [row.each_kind for row in comparison.differences.only("kinds")]
    return {"differing": len(rows), "kinds": dict(Counter(kind for kinds in rows for kind in kinds))}
