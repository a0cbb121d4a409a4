"""A person takes a connection out of use for a while, and back into it. Its jobs wait meanwhile."""

from __future__ import annotations

from django.db import transaction

from audit.models import Outcome
from credentials.models import Connection
from credentials.status import record_about

Status = Connection.Status


def pause(connection: Connection, actor: str) -> bool:
    """Nothing is sent or read until it is resumed. False when it was paused already."""
    return _change(connection, Status.PAUSED, f"Paused by {actor}."[:300], actor, "pause connection")


def resume(connection: Connection, actor: str) -> bool:
    """Back into use; one that never worked still has to be tested. False when it was not paused."""
    status = Status.ACTIVE if connection.checked_at else Status.NEW
    return _change(connection, status, "", actor, "resume connection")


@transaction.atomic
def _change(connection: Connection, status: Connection.Status, reason: str, actor: str, action: str) -> bool:
    rows = Connection.objects.filter(pk=connection.pk)
    rows = rows.exclude(status=Status.PAUSED) if status is Status.PAUSED else rows.filter(status=Status.PAUSED)
    changed = bool(rows.update(status=status, status_reason=reason))
    connection.refresh_from_db(fields=["status", "status_reason"])
    if changed:
        record_about(connection, action, Outcome.DONE, f"{connection.label} is {connection.get_status_display()}.", actor)
    return changed
