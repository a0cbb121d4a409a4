"""Who is calling, and is it really them: the rules of the webhook endpoint, apart from HTTP."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import NamedTuple

from django.utils import timezone

from audit.alerts import open_alert
from audit.models import Alert
from connectors.kit.contract import Delivery, Event, Webhooks
from connectors.kit.errors import BadSignature, Rejected
from connectors.registry import all_connectors
from credentials.fields import is_readable
from credentials.models import Connection
from flows.inbox.handshake import PENDING, keep_secret
from flows.inbox.store import store_event
from flows.models import Subscription
from flows.notices import tidy

CACHED_SECONDS = 3.0


class Sender(NamedTuple):
    """The connection behind an inbox address, with the secrets that may sign its deliveries, newest first."""

    connection_id: int
    organization_id: int
    label: str
    platform: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What to answer. stored: a new event is in the inbox."""

    status: int
    stored: bool = False


_senders: dict[tuple[str, str], tuple[float, Sender]] = {}
_complained: dict[int, tuple[float, int]] = {}


def find_sender(platform: str, token: str, *, fresh: bool = False) -> Sender | None:
    """Look the address up; kept for a moment, so that a burst of deliveries costs one look-up."""
    key = (platform, token)
    kept = _senders.get(key)
    if kept and not fresh and time.monotonic() - kept[0] < CACHED_SECONDS:
        return kept[1]
    connection = Connection.objects.filter(platform=platform, inbox_token=token).first()
    if connection is None:
        return None
    proven = Subscription.objects.filter(connection=connection).exclude(topic__startswith=PENDING)
    rows = proven.order_by("-id").values_list("secret", "previous_secret")
    stored = [new for new, _ in rows] + [old for _, old in rows]
    secrets = dict.fromkeys(secret for secret in stored if secret and is_readable(secret))  # an unreadable one must never sign
    sender = Sender(connection.pk, connection.organization_id, connection.label, platform, tuple(str(s) for s in secrets))
    if len(_senders) > 10000:
        _senders.clear()
    _senders[key] = (time.monotonic(), sender)
    return sender


def is_address(platform: str, token: str) -> bool:
    """Whether deliveries may come to this address at all."""
    connector = all_connectors().get(platform)
    return connector is not None and connector.webhooks is not None and find_sender(platform, token) is not None


def receive(platform: str, token: str, delivery: Delivery) -> Receipt:
    """Take one delivery: 404 unknown address, 401 bad signature, else 200 once it is stored (or needs no storing)."""
    connector = all_connectors().get(platform)
    sender = find_sender(platform, token) if connector and connector.webhooks else None
    if connector is None or connector.webhooks is None or sender is None:
        return Receipt(404)
    greeting = connector.webhooks.greet(delivery)
    if greeting:
        keep_secret(sender.connection_id, greeting)
        return Receipt(200)
    if not _signed(connector.webhooks, delivery, sender, token):
        _complain(sender)
        return Receipt(401)
    return _stored(connector.webhooks, delivery, sender)


def _signed(webhooks: Webhooks, delivery: Delivery, sender: Sender, token: str) -> bool:
    for fresh in (False, True):  # the second look is for a secret that changed a moment ago
        known = find_sender(sender.platform, token, fresh=True) if fresh else sender
        if known is None or (fresh and known.secrets == sender.secrets):
            return False
        try:
            webhooks.verify(delivery, known.secrets)
        except BadSignature:
            continue
        return True
    return False


def _stored(webhooks: Webhooks, delivery: Delivery, sender: Sender) -> Receipt:
    now = timezone.now()
    try:
        event = webhooks.parse(delivery)
    except Rejected as problem:  # signed, but nothing that we can read: kept as evidence, polling finds the object
        event = Event(f"malformed:{hash_body(delivery.body)}", "malformed", (), problem.message)
    event = tidy(event)
    if event.problem:
        open_alert(
            sender.organization_id,
            f"webhook:{sender.connection_id}",
            f"{sender.label}: {event.problem}",
            Alert.Severity.WARNING,
            connection_id=sender.connection_id,
        )
    return Receipt(200, stored=store_event(sender.connection_id, delivery, event, now))


def hash_body(body: bytes) -> str:
    """SHA-256 of a body, for keys."""
    return hashlib.sha256(body).hexdigest()


def _complain(sender: Sender) -> None:
    """Bad signatures are counted and told at most once a minute per connection."""
    last, count = _complained.get(sender.connection_id, (0.0, 0))
    now = time.monotonic()
    if now - last < 60:
        _complained[sender.connection_id] = (last, count + 1)
        return
    _complained[sender.connection_id] = (now, 0)
    open_alert(
        sender.organization_id,
        f"signature:{sender.connection_id}",
        f"{sender.label}: a webhook with a wrong signature was refused ({count + 1} since the last notice). If its secret was changed "
        "at the platform, register the webhooks anew.",
        Alert.Severity.WARNING,
        connection_id=sender.connection_id,
    )
