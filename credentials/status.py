"""Whether a connection may be used: the status, its alert and its audit record change together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from audit.services import write
from credentials.models import Connection, Secret

Status = Connection.Status


def reauthorise_cause(connection: Connection) -> str:
    """The alert's cause."""
    return f"reauthorise:{connection.pk}"


@transaction.atomic
def mark_reauthorise(connection: Connection, reason: str, *, actor: str = "worker") -> bool:
    """The platform refuses our credentials: jobs wait, an alert says so. True when that is news. A paused one stays paused."""
    reason = reason[:300]
    rows = Connection.objects.filter(pk=connection.pk).exclude(status__in=[Status.REAUTHORISE, Status.ENDED, Status.PAUSED])
    changed = bool(rows.update(status=Status.REAUTHORISE, status_reason=reason))
    connection.refresh_from_db(fields=["status", "status_reason"])
    if connection.status == Status.ENDED:
        return False  # its alert says so already, and why
    open_alert(
        connection.organization_id,
        reauthorise_cause(connection),
        f'"{connection.label}" needs to be authorised again: {reason} Open the connection and click "Connect".',
        Alert.Severity.ERROR,
        connection.pk,
    )
    if changed:
        record_about(connection, "connection_reauthorise", Outcome.ATTENTION, reason, actor)
    return changed


@transaction.atomic
def mark_ended(connection: Connection, reason: str, *, at: datetime | None = None, actor: str = "inbox") -> bool:
    """The platform ended the connection (the app was removed there): its jobs wait until someone connects it again. True when that is
    news. at: when it happened there; the end of an authorisation that was replaced since is no end. A paused one stays paused.
    """
    if at is not None and Secret.objects.filter(connection=connection, name="access_token", updated_at__gt=at).exists():
        return False
    reason = reason[:300]
    rows = Connection.objects.filter(pk=connection.pk).exclude(status__in=[Status.ENDED, Status.PAUSED])
    changed = bool(rows.update(status=Status.ENDED, status_reason=reason))
    connection.refresh_from_db(fields=["status", "status_reason"])
    open_alert(
        connection.organization_id,
        reauthorise_cause(connection),
        f'"{connection.label}" was disconnected: {reason} Its orders wait. Open the connection and connect it again to go on.',
        Alert.Severity.ERROR,
        connection.pk,
    )
    if changed:
        record_about(connection, "connection_ended", Outcome.ATTENTION, reason, actor)
    return changed


@transaction.atomic
def mark_active(connection: Connection, *, actor: str = "worker") -> bool:
    """The credentials were seen to work. True when the connection was not active before: then its waiting jobs may be released.

    A paused one stays paused, because a person said so.
    """
    rows = Connection.objects.filter(pk=connection.pk).exclude(status__in=[Status.ACTIVE, Status.PAUSED])
    changed = bool(rows.update(status=Status.ACTIVE, status_reason=""))
    connection.refresh_from_db(fields=["status", "status_reason"])
    close_alert(connection.organization_id, reauthorise_cause(connection))
    if changed:
        record_about(connection, "connection_active", Outcome.DONE, "The connection works.", actor)
    return changed


def record_about(
    connection: Connection, action: str, outcome: Outcome, message: str, actor: str, evidence: Mapping[str, Any] | None = None
) -> None:
    """An audit record about the connection itself."""
    write(
        actor=actor,
        action=action,
        outcome=outcome,
        organization_id=connection.organization_id,
        connection=connection,
        object_type="connection",
        source_id=str(connection.pk),
        message=message,
        evidence=evidence,
    )
