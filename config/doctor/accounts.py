"""Checks of what lies outside: a real authenticated call per connection, and each webhook registration as its platform shows it."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError

from config.doctor.finding import Finding, ill, well
from connectors.kit.contract import RemoteSubscription, Webhooks
from connectors.kit.errors import SyncError
from connectors.registry import get_connector
from credentials.models import Connection
from credentials.services import open_api, probe_connection
from flows.models import Subscription
from flows.subscriptions import inbox_url, wanted_topics


def check_connections() -> Iterator[Finding]:
    """Every connection that is not paused answers an authenticated call."""
    try:
        connections = list(Connection.objects.select_related("organization").order_by("pk"))
    except DatabaseError:
        yield ill("The connections cannot be looked at, because the database does not answer.")
        return
    if not connections:
        yield well("There are no connections yet.")
    for connection in connections:
        subject = f"{connection.label} of {connection.organization}"
        if connection.status == Connection.Status.PAUSED:
            yield well("Is paused and was not called.", subject)
            continue
        yield _probed(connection, subject)


def _probed(connection: Connection, subject: str) -> Finding:
    probe = probe_connection(connection, actor="doctor")
    if not probe.ok:
        return ill(" ".join(probe.problems), subject)
    facts = ", ".join(f"{name} {value}" for name, value in probe.facts.items())
    return well(f"Answers to our credentials{f' ({facts})' if facts else ''}.", subject)


def check_subscriptions() -> Iterator[Finding]:
    """Every webhook that an enabled flow needs is registered, switched on, and calls our address."""
    try:
        connections = list(Connection.objects.filter(status=Connection.Status.ACTIVE).select_related("organization").order_by("pk"))
    except DatabaseError:
        yield ill("The webhooks cannot be looked at, because the database does not answer.")
        return
    found = False
    for connection in connections:
        for finding in _subscriptions_of(connection):
            found = True
            yield finding
    if not found:
        yield well("No flow needs a webhook yet.")


def _subscriptions_of(connection: Connection) -> Iterator[Finding]:
    webhooks = get_connector(connection.platform).webhooks
    topics = wanted_topics(connection, webhooks) if webhooks else []
    if not webhooks or not topics:
        return
    subject = f"{connection.label} of {connection.organization}"
    try:
        remote = webhooks.subscriptions.list(open_api(connection))
    except SyncError as error:
        yield ill(f"Its webhooks cannot be listed. {error.message}", subject)
        return
    rows = {row.topic: row for row in Subscription.objects.filter(connection=connection)}
    for topic in topics:
        yield _subscription(f"{topic} of {subject}", rows.get(topic), remote, inbox_url(connection), webhooks)


def _subscription(
    subject: str, row: Subscription | None, remote: tuple[RemoteSubscription, ...], address: str, webhooks: Webhooks
) -> Finding:
    if row is None or not row.remote_id:
        return ill("The webhook is not registered yet; beat does it within five minutes.", subject)
    there = next((entry for entry in remote if entry.id == row.remote_id), None)
    if there is None:
        return ill("The platform does not know the webhook any more; it is registered anew within five minutes.", subject)
    if there.url.rstrip("/") != address.rstrip("/"):
        return ill(f"The webhook calls another address than ours. Is PUBLIC_URL ({address.split('/in/')[0]}) right?", subject)
    if there.status != "active":
        return ill(f"The platform shows the webhook as {there.status}. Open Subscriptions and choose re-enable.", subject)
    if webhooks.own_secret and not row.secret:
        return ill("We hold no signing secret for the webhook, so its deliveries are refused. Recreate it.", subject)
    last = f"; the last delivery came {row.delivered_at:%Y-%m-%d %H:%M} UTC" if row.delivered_at else ""
    return well(f"The webhook is active{last}.", subject)
