"""Dates as the shop's owner sees them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.errors import Rejected

_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$")


def zone(name: str) -> tzinfo:
    """The time zone by its name ("America/Toronto") or offset ("+05:30", "UTC-3": shops may be set to a bare offset)."""
    offset = _OFFSET.match(name.strip())
    try:
        if offset:
            sign = -1 if offset[1] == "-" else 1
            return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0)))
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:  # "America" is a folder, "UTC+25" no offset
        raise Rejected(f"The shop's time zone {name!r} is unknown. Correct it in the connection's settings.") from problem


def shop_date(moment: datetime, time_zone: str) -> date:
    """The calendar day of a moment where the shop is."""
    return moment.astimezone(zone(time_zone)).date()
