"""How long a connection may still be used without a person, in words: what renews itself, and what somebody has to authorise again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from connectors.kit.contract import ClientCredentials, OAuth2
from connectors.registry import all_connectors
from credentials.accounts import way_of
from credentials.grants import REFRESH
from credentials.models import Connection, Secret

NEEDED = "needs a person now: connect it again"
WORKS = (Connection.Status.ACTIVE, Connection.Status.PAUSED)


def lasting_of(connections: Sequence[Connection], now: datetime) -> dict[int, str]:
    """By connection, one query; "" where nothing runs out, or where its state says already that a person is needed."""
    kept = Secret.objects.filter(connection__in=[one.pk for one in connections], name=REFRESH)
    renewable = set(kept.values_list("connection_id", flat=True))
    return {one.pk: _lasting(one, renewable, now) for one in connections}


def _lasting(connection: Connection, renewable: Collection[int], now: datetime) -> str:
    way = way_of(connection) if connection.platform in all_connectors() else None
    ends = connection.token_expires_at
    if ends is None or connection.status not in WORKS or not isinstance(way, (OAuth2, ClientCredentials)):
        return ""
    by = connection.refresh_expires_at
    if isinstance(way, OAuth2) and connection.pk not in renewable:
        return f"needs a person by {_moment(ends, now)} UTC: connect it again" if ends > now else NEEDED
    if isinstance(way, OAuth2) and by is not None and by <= now:
        return NEEDED  # nothing ran here for so long that what renews it ran out, too
    return f"renews itself; valid until {_moment(ends, now)} UTC" if ends > now else "renews itself when it is used next"


def _moment(at: datetime, now: datetime) -> str:
    """The time alone on the same day."""
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"
