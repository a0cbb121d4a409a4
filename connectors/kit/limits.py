"""Waiting as told: Retry-After in both forms."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 3600.0


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds from a Retry-After header (a number of seconds, or an HTTP date; RFC 9110 section 10.2.3).

    None when there is none or it makes no sense; never negative, at most an hour.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)
