"""Webhook registrations: wanted versus actual; made, verified, watched, switched on again, and the gap filled."""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager, suppress
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from audit.services import write
from connectors.kit.contract import RemoteSubscription, Webhooks
from connectors.kit.errors import Gone, RateLimited, Refused, SyncError, Transient, Unauthorised
from connectors.kit.http import Api
from connectors.registry import get_connector
from credentials.fields import is_readable
from credentials.models import Connection
from credentials.services import mark_reauthorise, open_api
from flows.crash_points import point
from flows.inbox.handshake import PENDING
from flows.leases import in_turn, periodic
from flows.missed import expect_gap, read_gap
from flows.models import Flow, Subscription
from flows.recipes import RECIPES

Status = Subscription.Status
RETRY_CONFIRMATION = timedelta(minutes=1)
HOLDS = timedelta(hours=1)  # switched off again within this time: re-enabling does not hold, make a new one


def inbox_url(connection: Connection) -> str:
    """The address that this connection's platform calls."""
    return str(settings.PUBLIC_URL) + reverse("inbox", args=[connection.platform, connection.inbox_token])


def check_all() -> None:
    """Look after the subscriptions of every active connection."""
    with periodic("subscriptions", 280) as ours:
        if ours:
            for connection in Connection.objects.filter(status=Connection.Status.ACTIVE):
                ensure_subscriptions(connection)


def wanted_topics(connection: Connection, webhooks: Webhooks) -> list[str]:
    """The topics that the enabled flows from this connection need."""
    recipes = Flow.objects.filter(source=connection, enabled=True).values_list("recipe", flat=True)
    objects = {RECIPES[recipe].source for recipe in recipes}
    found = {topic for kind in objects for topic in webhooks.topics.get(kind, ())}
    return sorted(found | set(webhooks.extra_topics)) if found else []


def ensure_subscriptions(connection: Connection, actor: str = "worker") -> list[str]:
    """Compare wanted with actual and mend what may be mended. Returns what was found, as sentences."""
    with _one_at_a_time(connection):
        return _ensure_all(connection, actor)


def _one_at_a_time(connection: Connection) -> AbstractContextManager[None]:
    """Two who register at once would register everything twice, and the platform would then tell everything twice."""
    return in_turn(f"subscriptions of {connection.pk}", 45)


def _ensure_all(connection: Connection, actor: str) -> list[str]:
    webhooks = get_connector(connection.platform).webhooks
    topics = wanted_topics(connection, webhooks) if webhooks else []
    if webhooks is None or not topics:
        close_alert(connection.organization_id, f"subscriptions:{connection.pk}")
        return []
    try:
        api = open_api(connection)
        ours = {r.topic: r for r in webhooks.subscriptions.list(api) if _address(r.url) == _address(inbox_url(connection))}
        found = [_ensure(connection, webhooks, api, topic, ours.get(topic), actor) for topic in topics]
    except Unauthorised as problem:
        mark_reauthorise(connection, problem.message)
        return [problem.message]
    except SyncError as problem:
        sentence = f"The webhooks of {connection.label} could not be checked: {problem.message}"
        if not isinstance(problem, (Transient, RateLimited)):  # those are tried again in five minutes
            cause = f"subscriptions:{connection.pk}"
            open_alert(connection.organization_id, cause, sentence, Alert.Severity.WARNING, connection_id=connection.pk)
        return [sentence]
    sentences = [sentence for sentence in found if sentence]
    if not sentences:
        close_alert(connection.organization_id, f"subscriptions:{connection.pk}")
    return sentences


def _address(url: str) -> str:
    return url.rstrip("/")


def _ensure(connection: Connection, webhooks: Webhooks, api: Api, topic: str, remote: RemoteSubscription | None, actor: str) -> str:
    """Look after one topic; a sentence when something was or is wrong."""
    row, _ = Subscription.objects.get_or_create(connection=connection, topic=topic)
    known = row.status not in (Status.WANTED,)
    if remote is None:
        _register_and_read(row, webhooks, api, actor if known else "")
        if not known:
            return ""
        return _complain(row, "was gone from the platform and was registered anew", Status.MISSING, actor)
    lost_secret = not (row.secret and is_readable(row.secret))
    told_once = webhooks.own_secret or (webhooks.subscriptions.resend is None and webhooks.secrets is None)
    if row.remote_id != remote.id or (lost_secret and told_once):  # not the one that we hold the secret of
        webhooks.subscriptions.delete(api, remote.id)
        _register_and_read(row, webhooks, api, actor if known else "")  # what came meanwhile was signed with a secret that we do not hold
        return ""
    if remote.status == "disabled":
        return _disabled(row, webhooks, api, actor)
    unproven = webhooks.subscriptions.resend is not None and (remote.status == "unverified" or lost_secret)
    row.status, row.checked_at = Status.UNVERIFIED if unproven else Status(remote.status), timezone.now()
    row.save(update_fields=["status", "checked_at"])  # before the handshake can come: a verified one takes no other secret
    if unproven and webhooks.subscriptions.resend:
        webhooks.subscriptions.resend(api, remote.id)
    if row.status == Status.ACTIVE:
        read_gap(row)  # of somebody who died on the way
    return f"{topic} of {connection.label} is paused at the platform by a person." if remote.status == "paused" else ""


def _register_and_read(row: Subscription, webhooks: Webhooks, api: Api, actor: str) -> None:
    """Make it, and read what was missed; actor: "" for one that was never there before."""
    if actor:
        expect_gap(row, actor)
    _register(row, webhooks, api)
    read_gap(row)


def _disabled(row: Subscription, webhooks: Webhooks, api: Api, actor: str) -> str:
    """The platform switched it off: tell, and switch it on again if the connection says so."""
    now = timezone.now()
    if row.status != Status.DISABLED:
        row.status, row.disabled_at = Status.DISABLED, now
    row.checked_at = now
    row.save(update_fields=["status", "disabled_at", "checked_at"])
    if not row.connection.reenable_subscriptions:
        return _complain(row, "was switched off by the platform after failed deliveries. Switch it on again here", Status.DISABLED, actor)
    _reenable(row, actor, webhooks, api)
    return _complain(row, "was switched off by the platform after failed deliveries and was switched on again", Status.DISABLED, actor)


def reenable(row: Subscription, actor: str) -> None:
    """Switch a subscription on again, or make a new one when that does not hold, and fill the gap."""
    webhooks = get_connector(row.connection.platform).webhooks
    if webhooks is None:
        return
    seen = row.reenabled_at
    with _one_at_a_time(row.connection):
        row.refresh_from_db()
        if row.reenabled_at != seen:  # somebody else was faster
            return
        _reenable(row, actor, webhooks, open_api(row.connection))


def _reenable(row: Subscription, actor: str, webhooks: Webhooks, api: Api) -> None:
    now = timezone.now()
    fell_again = row.reenabled_at is not None and now - row.reenabled_at < HOLDS
    expect_gap(row, actor)
    point("before_reenable")
    enable = webhooks.subscriptions.enable
    if enable is None or fell_again or not row.remote_id:
        _register_anew(row, webhooks, api)
    else:
        enable(api, row.remote_id)
        row.status = Status.ACTIVE
    point("after_reenable")
    row.reenabled_at = now
    row.save(update_fields=["status", "reenabled_at"])  # the secret may come at any moment
    point("before_gap")
    read_gap(row)


def recreate(row: Subscription, actor: str) -> None:
    """Take it away at the platform and register it anew, with a new count of failures; the gap is filled."""
    webhooks = get_connector(row.connection.platform).webhooks
    if webhooks is None:
        return
    with _one_at_a_time(row.connection):
        row.refresh_from_db()
        expect_gap(row, actor)
        _register_anew(row, webhooks, open_api(row.connection))
        point("before_gap")
        read_gap(row)


def _register_anew(row: Subscription, webhooks: Webhooks, api: Api) -> None:
    if row.remote_id:
        with suppress(Gone):
            webhooks.subscriptions.delete(api, row.remote_id)
    _register(row, webhooks, api)


def _register(row: Subscription, webhooks: Webhooks, api: Api) -> None:
    """Create it at the platform. The receiver must answer while this very call is in flight (pings, handshakes)."""
    connection = row.connection
    secret = _own_secret(connection) if webhooks.own_secret else ""
    if secret and secret != row.secret:
        row.previous_secret, row.secret = row.secret, secret  # committed before the first delivery can come
    row.status, row.remote_id = Status.WANTED, ""
    row.save()
    remote = webhooks.subscriptions.create(api, row.topic, inbox_url(connection), secret)
    row.remote_id, row.status, row.checked_at = remote.id, Status(remote.status), timezone.now()
    if remote.secret:
        row.previous_secret, row.secret = row.secret, remote.secret
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)  # a handshake is kept before this or after it, never in between
        row.save()
    _take_early_secrets()
    row.refresh_from_db()


def _take_early_secrets() -> None:
    """Handshakes that overtook the answer to their registration wait under the remote id: their secret goes to its row.

    Looked for again before each confirmation: one may be stored in the very moment in which the answer is.
    """
    early = Subscription.objects.filter(topic__startswith=PENDING)
    for pending in early.select_related("connection"):
        rows = Subscription.objects.filter(connection=pending.connection, remote_id=pending.remote_id, status=Status.UNVERIFIED)
        row = rows.exclude(pk=pending.pk).first()
        if row is not None:
            with transaction.atomic():
                row.previous_secret, row.secret = row.secret, pending.secret
                row.save(update_fields=["previous_secret", "secret"])
                pending.delete()
    early.filter(created_at__lt=timezone.now() - HOLDS).delete()  # of registrations that never came to be


def _own_secret(connection: Connection) -> str:
    """One secret per connection for all its topics; hex, since some shops decode HTML entities in secrets."""
    rows = Subscription.objects.filter(connection=connection).order_by("-id")
    return next((str(row.secret) for row in rows if row.secret and is_readable(row.secret)), "") or secrets.token_hex(32)


def _complain(row: Subscription, what: str, status: Subscription.Status, actor: str) -> str:
    connection = row.connection
    sentence = f"The webhook {row.topic} of {connection.label} {what}."
    open_alert(connection.organization_id, f"subscriptions:{connection.pk}", sentence, Alert.Severity.ERROR, connection_id=connection.pk)
    write(
        actor=actor,
        action="check subscription",
        outcome=Outcome.ATTENTION,
        organization_id=connection.organization_id,
        connection=connection,
        source_id=row.remote_id,
        message=sentence,
        evidence={"status": status.value},
    )
    return sentence


def confirm_handshakes() -> None:
    """Finish the handshakes whose secret has come."""
    _take_early_secrets()
    now = timezone.now()
    rows = Subscription.objects.filter(status=Status.UNVERIFIED, connection__status=Connection.Status.ACTIVE)
    rows = rows.exclude(remote_id="").exclude(topic__startswith=PENDING).exclude(retry_at__gt=now)
    for row in rows.select_related("connection"):
        webhooks = get_connector(row.connection.platform).webhooks
        if not row.secret or not is_readable(row.secret) or webhooks is None or webhooks.subscriptions.confirm is None:
            continue
        try:
            remote = webhooks.subscriptions.confirm(open_api(row.connection), row.remote_id, str(row.secret))
        except SyncError as problem:
            if isinstance(problem, Refused):  # a wrong secret: back to the one before, else wait for another handshake
                row.secret, row.previous_secret = row.previous_secret, ""
            else:
                row.retry_at = now + RETRY_CONFIRMATION
            if isinstance(problem, Unauthorised):
                mark_reauthorise(row.connection, problem.message)
            row.save(update_fields=["secret", "previous_secret", "retry_at"])
            write(
                actor="worker",
                action="confirm subscription",
                outcome=Outcome.WAITING,
                message=problem.message,
                organization_id=row.connection.organization_id,
                connection=row.connection,
                source_id=row.remote_id,
            )
            continue
        row.status, row.checked_at = Status(remote.status), timezone.now()
        row.save(update_fields=["status", "checked_at"])
        read_gap(row)
