"""Times on BigCommerce's wire: RFC 2822 in v2, ISO 8601 in v3, whole seconds, "" for never."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connectors.kit.tame import Tame


def rfc_time(value: Tame) -> datetime:
    """A v2 date ("Tue, 05 Mar 2019 21:40:11 +0000") as aware UTC; one without zone is UTC."""
    try:
        moment = parsedate_to_datetime(value.text())
    except (ValueError, TypeError, OverflowError):
        raise value.fail("RFC 2822 date") from None
    if not 1900 <= moment.year <= 9000:
        raise value.fail("date of a sane size")
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)


def as_version(moment: datetime) -> str:
    """A change time that sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_second(moment: datetime) -> str:
    """A full time stamp for filters: bare dates get the time of day added by the catalogue (BigCommerce documentation)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
