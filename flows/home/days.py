"""Orders per day as bars: how many were brought into the books, and how many stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from audit.models import Outcome
from connectors.canonical.identity import ObjectType
from flows.home.sums import summed
from flows.models import Flow, SyncRecord

BOOKED = (Outcome.DONE.value, Outcome.ADOPTED.value)
STOPPED = (Outcome.ATTENTION.value, Outcome.REJECTED.value, Outcome.FAILED.value)
HEIGHT, WIDTH, STEP = 96, 24, 32  # units of the drawing


@dataclass(frozen=True, slots=True)
class Day:
    """One day (UTC). The rest are places in the drawing: x of the bar, top and height of each of its two parts."""

    on: date
    booked: int
    stopped: int
    amounts: tuple[str, ...]
    x: int = 0
    booked_top: int = 0
    booked_height: int = 0
    stopped_top: int = 0
    stopped_height: int = 0


def days_of(flows: Sequence[Flow], today: date, count: int = 14) -> list[Day]:
    """The last so many days, oldest first, in one query."""
    first = today - timedelta(days=count - 1)
    booked: dict[date, int] = defaultdict(int)
    stopped: dict[date, int] = defaultdict(int)
    worth: dict[date, dict[str, Decimal]] = defaultdict(dict)
    for row in _rows(flows, first):
        number = stopped if row["outcome"] in STOPPED else booked
        number[row["day"]] += row["records"]
        if row["outcome"] in BOOKED and row["amount"] and row["currency"]:
            worth[row["day"]][row["currency"]] = worth[row["day"]].get(row["currency"], Decimal(0)) + row["amount"]
    days = [first + timedelta(days=n) for n in range(count)]
    most = max([booked[day] + stopped[day] for day in days] + [1])
    return [_drawn(place, day, booked[day], stopped[day], worth[day], most) for place, day in enumerate(days)]


def _rows(flows: Sequence[Flow], first: date) -> Iterable[Mapping[str, Any]]:
    since = datetime.combine(first, time(), UTC)
    wanted = [flow.pk for flow in flows]
    rows = SyncRecord.objects.filter(flow__in=wanted, outcome__in=(*BOOKED, *STOPPED), updated_at__gte=since, object_type=ObjectType.ORDER)
    by_day = rows.order_by().annotate(day=TruncDate("updated_at", tzinfo=UTC)).values("day", "outcome", "currency")
    return by_day.annotate(records=Count("pk"), amount=Sum("total"))


def _drawn(place: int, day: date, booked: int, stopped: int, worth: dict[str, Decimal], most: int) -> Day:
    """Stopped stands on booked; what is there at all is at least two units high."""
    low, high = (max(2, number * HEIGHT // most) if number else 0 for number in (booked, stopped))
    low = min(low, HEIGHT - high)
    amounts = tuple(str(summed(amount, currency)) for currency, amount in sorted(worth.items()))
    return Day(day, booked, stopped, amounts, place * STEP, HEIGHT - low, low, HEIGHT - low - high, high)
