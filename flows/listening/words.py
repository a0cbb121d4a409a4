"""Schedules in words, and when they run next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django_celery_beat.models import PeriodicTask

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def every_in_words(seconds: float) -> str:
    """300: every 5 minutes; 0: never."""
    whole = int(seconds)
    if whole <= 0:
        return "never"
    size, unit = next((size, unit) for size, unit in _UNITS if whole % size == 0)
    return f"every {unit}" if whole == size else f"every {whole // size} {unit}s"


def in_words(entry: PeriodicTask) -> str:
    """What beat has for it."""
    if not entry.enabled:
        return "switched off"
    if entry.crontab:
        return _crontab(entry.crontab)
    return every_in_words(entry.interval.schedule.run_every.total_seconds()) if entry.interval else "at times of its own"


def _crontab(cron: Any) -> str:
    days, rest = str(cron.day_of_week), (str(cron.day_of_month), str(cron.month_of_year))
    minute, hour = str(cron.minute), str(cron.hour)
    if rest != ("*", "*") or not (days == "*" or days.isdecimal()):
        return f"by the rule {minute} {hour} {rest[0]} {rest[1]} {days} (minute, hour, day, month, weekday; {cron.timezone})"
    if minute.isdecimal() and hour.isdecimal():
        which = "day" if days == "*" else _DAYS[int(days) % 8]
        return f"at {int(hour):02}:{int(minute):02} {cron.timezone} every {which}"
    if hour == "*" and days == "*" and minute.startswith("*/"):
        return every_in_words(int(minute[2:]) * 60)
    if hour == "*" and days == "*" and minute.isdecimal():
        return f"every hour at minute {minute}"
    return f"by the rule {minute} {hour} * * {days} (minute, hour, day, month, weekday; {cron.timezone})"


def next_run(entry: PeriodicTask, last: datetime | None, now: datetime) -> datetime | None:
    """When beat sends it next; now for what is due already, None for what is switched off."""
    if not entry.enabled:
        return None
    if entry.interval:
        every: timedelta = entry.interval.schedule.run_every
        return max(now, last + every) if last else now
    if not entry.crontab:
        return None
    about: datetime = now + entry.schedule.remaining_estimate(now)
    return (about + timedelta(seconds=30)).replace(second=0, microsecond=0)  # rules name whole minutes
