"""What flows and the console may ask of a connection: its account, its API, a real test call, its status."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from connectors.kit.contract import Permission, Probe
from connectors.kit.errors import SyncError, Unauthorised
from connectors.kit.http import Api, Effect, Exchange, Plumbing, Tokens
from counting.tally import count
from credentials.accounts import account_of, connector_of, way_of
from credentials.grants import missing_scopes
from credentials.limits import limiter_for
from credentials.models import Connection
from credentials.status import mark_active, mark_ended, mark_reauthorise, record_about
from credentials.tokens import tokens_of

__all__ = ["account_of", "connector_of", "mark_active", "mark_ended", "mark_reauthorise", "open_api", "probe_connection"]

TOO_MANY = 429
WARNED_EVERY = 3600.0  # seconds
_warned: dict[str, float] = {}  # when this process last told of a cause


def open_api(
    connection: Connection,
    *,
    record: Callable[[Exchange], None] | None = None,
    before_call: Callable[[Effect], Callable[[], None] | None] | None = None,
    tokens: Tokens | None = None,
    choices: Mapping[str, Any] | None = None,
    secrets: dict[str, str] | None = None,
) -> Api:
    """The connector's API over our limiter and tokens. tokens replaces the stored ones (a grant that is not accepted yet);
    choices are settings of one flow; secrets were read already.
    """
    connector = connector_of(connection)
    plumbing = Plumbing(
        limiter=limiter_for(connection, connector.limits),
        tokens=tokens or tokens_of(connection),
        allow_private=settings.ALLOW_PRIVATE_STORES,
        warn=partial(_warn, connection),
        record=partial(_counted, connection, record),
    )
    if before_call is not None:
        plumbing = replace(plumbing, before_call=before_call)
    return connector.open(account_of(connection, choices, secrets), plumbing)


def _counted(connection: Connection, record: Callable[[Exchange], None] | None, call: Exchange) -> None:
    """Each call adds to the connection's totals before it goes on record."""
    key = str(connection.key)
    count("calls", key, f"{call.status // 100}xx" if call.status else "failed")
    count("call_seconds", key, by=call.duration_ms / 1000)
    if call.status == TOO_MANY:
        count("throttles", key, "platform")
    if record is not None:
        record(call)


def _warn(connection: Connection, code: str, sentence: str) -> None:
    """At most once an hour and process: a platform may say it with each of its answers."""
    cause, now = f"platform:{connection.pk}:{code}", time.monotonic()
    if now - _warned.get(cause, float("-inf")) < WARNED_EVERY:
        return
    _warned[cause] = now
    open_alert(connection.organization_id, cause, f"{connection.label}: {sentence}", Alert.Severity.WARNING, connection.pk)


def probe_connection(connection: Connection, *, actor: str = "worker") -> Probe:
    """A real authenticated call. Stores what it found; the status and the alert follow; never raises a SyncError."""
    refused = False
    try:
        probe = _with_scopes(connection, connector_of(connection).probe(open_api(connection)))
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


def _with_scopes(connection: Connection, probe: Probe) -> Probe:
    """The probe, and what the authorisation lacks."""
    missing = missing_scopes(way_of(connection), connection.ids)
    if not missing:
        return probe
    mend = "Allow it in the app's settings at the platform and connect again."
    lacks = f"The authorisation lacks {', '.join(missing)}. {mend}"
    scopes = tuple(Permission(f"Scope {scope}", False, mend) for scope in missing)
    return replace(probe, problems=(*probe.problems, lacks), permissions=(*probe.permissions, *scopes))


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
    elif connection.status not in (Connection.Status.REAUTHORISE, Connection.Status.ENDED):  # those have an alert of their own
        message = f'"{connection.label}" failed its test: {problem}'
        open_alert(connection.organization_id, cause, message, Alert.Severity.ERROR, connection.pk)
    evidence = {"facts": probe.facts, "ids": probe.ids, "currency": probe.currency, "time_zone": probe.time_zone}
    outcome = Outcome.DONE if probe.ok else Outcome.FAILED
    record_about(connection, "connection_test", outcome, problem or "The connection works.", actor, evidence)
