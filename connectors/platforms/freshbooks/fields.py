"""How FreshBooks writes things down: naive Eastern times, money objects, percentages, texts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.canonical.identity import Window
from connectors.canonical.money import Money
from connectors.kit.tame import Tame

# Times without a zone are Eastern with daylight saving: observed "updated 12:52:44" in an answer of 16:52:44 GMT in June.
EASTERN = ZoneInfo("America/New_York")
# FreshBooks knows an error for too long texts but tells no limits; these are on the safe side of what its own forms take.
NAME_LIMIT, TEXT_LIMIT = 255, 5000
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def eastern(value: Tame) -> datetime | None:
    """An accounting time as UTC. In the hour that the clock runs twice, the first run is assumed."""
    return value.time_or_none(EASTERN)


def may_be_within(value: Tame, window: Window) -> bool:
    """Whether a change time lies in the window under either reading of the hour that runs twice; True when there is none."""
    first = eastern(value)
    if first is None:
        return True
    naive = datetime.fromisoformat(value.text())
    second = naive.replace(tzinfo=EASTERN, fold=1).astimezone(UTC) if naive.tzinfo is None else first
    # Times come in whole seconds, so the second in which the window opens belongs to it.
    return first <= window.until and second >= window.since.replace(microsecond=0)


def first_day(window: Window) -> str:
    """The day to filter from. Filters on times have day granularity and the zone of that day is not told: one day more."""
    return (window.since.astimezone(EASTERN).date() - timedelta(days=1)).isoformat()


def read_id(value: Tame) -> str:
    """An id that has to be there; FreshBooks counts in whole numbers from one."""
    number = value.integer()
    if number < 1:
        raise value.fail("identifier")
    return str(number)


def read_money(value: Tame) -> Money:
    """{"amount": "12.50", "code": "USD"}."""
    return value["amount"].money(value["code"].currency())


def write_money(value: Money) -> dict[str, str]:
    return {"amount": value.text(), "code": value.currency}


def number_text(value: Decimal) -> str:
    """A quantity or percentage without exponent and trailing zeros."""
    return format(value.normalize(), "f") if value else "0"


def clean(value: str, limit: int = NAME_LIMIT) -> str:
    """Text that can be stored and shown: no control characters, not longer than the limit."""
    return _UNPRINTABLE.sub("", value).strip()[:limit].rstrip()


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something: what we do not know must not erase what a person typed in."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


def day_text(value: date) -> str:
    return value.isoformat()


def is_deleted(value: Tame) -> bool:
    """vis_state 1; 0 is active and 2 archived (archived things still count)."""
    state = value.get("vis_state")
    return not state.is_null and state.integer() == 1
