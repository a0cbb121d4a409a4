"""What flows and the console may ask of a connection: its account, its API, a real test call, its status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from audit.services import write
from connectors.kit.contract import Probe
from connectors.kit.errors import SyncError, Unauthorised
from connectors.kit.http import Api, Effect, Exchange, Plumbing, Tokens
from credentials.accounts import account_of, connector_of, oauth_of
from credentials.limits import limiter_for
from credentials.models import Connection
from credentials.status import mark_active, mark_reauthorise
from credentials.tokens import StoredTokens

__all__ = ["account_of", "connector_of", "mark_active", "mark_reauthorise", "open_api", "probe_connection"]


def open_api(
    connection: Connection,
    *,
    record: Callable[[Exchange], None] | None = None,
    before_call: Callable[[Effect], Callable[[], None] | None] | None = None,
    tokens: Tokens | None = None,
) -> Api:
    """The connector's API over our limiter and tokens. tokens replaces the stored ones (a grant that is not accepted yet)."""
    connector = connector_of(connection)
    if tokens is None and oauth_of(connection) is not None:
        tokens = StoredTokens(connection)
    plumbing = Plumbing(limiter=limiter_for(connection, connector.limits), tokens=tokens, allow_private=settings.ALLOW_PRIVATE_STORES)
    if record is not None:
        plumbing = replace(plumbing, record=record)
    if before_call is not None:
        plumbing = replace(plumbing, before_call=before_call)
    return connector.open(account_of(connection), plumbing)


def probe_connection(connection: Connection, *, actor: str = "worker") -> Probe:
    """A real authenticated call. Stores what it found; the status and the alert follow; never raises a SyncError."""
    refused = False
    try:
        probe = connector_of(connection).probe(open_api(connection))
    except SyncError as error:
        refused = isinstance(error, Unauthorised)
        probe = Probe(problems=(error.message,))
    _store(connection, probe)
    if refused:
        mark_reauthorise(connection, probe.problems[0], actor=actor)
    elif probe.ok:
        mark_active(connection, actor=actor)
    _tell(connection, probe, actor)
    return probe


def _store(connection: Connection, probe: Probe) -> None:
    connection.checked_at = timezone.now()
    changed = ["checked_at"]
    if probe.ok:
        connection.ids = {**connection.ids, **probe.ids}
        connection.currency = probe.currency or connection.currency
        connection.time_zone = probe.time_zone or connection.time_zone
        changed += ["ids", "currency", "time_zone"]
    connection.save(update_fields=changed)


def _tell(connection: Connection, probe: Probe, actor: str) -> None:
    cause, problem = f"probe:{connection.pk}", " ".join(probe.problems)
    if probe.ok:
        close_alert(connection.organization_id, cause)
    elif connection.status != Connection.Status.REAUTHORISE:  # that has an alert of its own
        message = f'"{connection.label}" failed its test: {problem}'
        open_alert(connection.organization_id, cause, message, Alert.Severity.ERROR, connection.pk)
    write(
        actor=actor,
        action="connection_test",
        outcome=Outcome.DONE if probe.ok else Outcome.FAILED,
        organization_id=connection.organization_id,
        connection=connection,
        object_type="connection",
        source_id=str(connection.pk),
        message=problem or "The connection works.",
        evidence={"facts": probe.facts, "ids": probe.ids, "currency": probe.currency, "time_zone": probe.time_zone},
    )
