"""Who is calling, and is it really them: the rules of the webhook endpoint, apart from HTTP."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from audit.alerts import open_alert
from audit.models import Alert
from connectors.kit.contract import Connector, Delivery, Event, Webhooks, Whose
from connectors.kit.errors import BadSignature, Rejected
from connectors.registry import all_connectors
from credentials.accounts import is_about
from credentials.models import Connection
from credentials.services import mark_ended
from flows.inbox.handshake import keep_secret
from flows.inbox.published import Unavailable, published_keys
from flows.inbox.signers import signing_secrets
from flows.inbox.store import store_event
from flows.notices import tidy
from flows.privacy.cases import open_case

CACHED_SECONDS = 3.0
_CHALLENGE = re.compile(r"[\w.=+/-]{1,200}", re.ASCII)


class Sender(NamedTuple):
    """The connection behind an inbox address, with the secrets that may sign its deliveries, newest first."""

    connection_id: int
    organization_id: int
    label: str
    platform: str
    secrets: tuple[str, ...]
    connection: Connection


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
    connector = all_connectors().get(platform)
    if connection is None or connector is None or connector.webhooks is None:
        return None
    secrets = signing_secrets(connection, connector.webhooks)
    sender = Sender(connection.pk, connection.organization_id, connection.label, platform, secrets, connection)
    if len(_senders) > 10000:
        _senders.clear()
    _senders[key] = (time.monotonic(), sender)
    return sender


def is_address(platform: str, token: str) -> bool:
    """Whether deliveries may come to this address at all."""
    return find_sender(platform, token) is not None


def is_app_address(platform: str) -> bool:
    """Whether the platform's apps have one address for the deliveries of all connections."""
    connector = all_connectors().get(platform)
    return connector is not None and connector.webhooks is not None and connector.webhooks.whose is not None


def receive(platform: str, token: str, delivery: Delivery) -> Receipt:
    """Take one delivery: 404 unknown address, 401 bad signature, 503 a signature that cannot be checked now, else 200 once it is
    stored (or needs no storing).
    """
    webhooks, sender = _webhooks(platform), find_sender(platform, token)
    if webhooks is None or sender is None:
        return Receipt(404)
    greeting = webhooks.greet(delivery)
    if greeting:
        keep_secret(sender.connection_id, greeting)
        return Receipt(200)
    try:
        signed = _signed(webhooks, delivery, sender, token)
    except Unavailable:
        return Receipt(503)
    if not signed:
        _complain(sender)
        return Receipt(401)
    return _stored(webhooks, delivery, sender)


def answer_challenge(platform: str, token: str, query: Mapping[str, str]) -> str | None:
    """What a platform that asks whether the address is ours wants to read; None for anything else, and for text that could be markup."""
    webhooks, sender = _webhooks(platform), find_sender(platform, token)
    if webhooks is None or sender is None or webhooks.challenge is None:
        return None
    answer = webhooks.challenge(query)
    return answer if answer and _CHALLENGE.fullmatch(answer) else None


def receive_for_app(platform: str, delivery: Delivery) -> Receipt:
    """Take one delivery that came to the one address of all connections: 401 unless a connection that it names has the secret that
    signed it, else 200 once it is stored with each of those.
    """
    webhooks = _webhooks(platform)
    if webhooks is None or webhooks.whose is None:
        return Receipt(404)
    whose = _whose(webhooks, delivery)
    named = [row for row in Connection.objects.filter(platform=platform) if whose is not None and is_about(whose, row)]
    senders = [sender for row in named if (sender := find_sender(platform, row.inbox_token))]
    proven = [sender for sender in senders if _signed(webhooks, delivery, sender, sender.connection.inbox_token)]
    receipts = [_stored(webhooks, delivery, sender) for sender in proven]
    return Receipt(200 if receipts else 401, stored=any(receipt.stored for receipt in receipts))


def _webhooks(platform: str) -> Webhooks | None:
    connector: Connector | None = all_connectors().get(platform)
    return connector.webhooks if connector else None


def _whose(webhooks: Webhooks, delivery: Delivery) -> Whose | None:
    """What the delivery says of itself; None when it cannot be read."""
    try:
        return webhooks.whose(delivery) if webhooks.whose else None
    except Rejected:
        return None


def _signed(webhooks: Webhooks, delivery: Delivery, sender: Sender, token: str) -> bool:
    for fresh in (False, True):  # the second look is for a secret that changed a moment ago
        known = find_sender(sender.platform, token, fresh=True) if fresh else sender
        if known is None or (fresh and known.secrets == sender.secrets):
            return False
        try:
            webhooks.verify(delivery, (*known.secrets, *published_keys(webhooks, delivery, known.secrets)))
        except BadSignature:
            continue
        return not _names_another(webhooks, delivery, known)
    return False


def _names_another(webhooks: Webhooks, delivery: Delivery, sender: Sender) -> bool:
    """Whether a delivery that our secret signed is about another connection: those of one app share its secret."""
    whose = _whose(webhooks, delivery)
    return whose is not None and whose.names_someone and not is_about(whose, sender.connection)


def _stored(webhooks: Webhooks, delivery: Delivery, sender: Sender) -> Receipt:
    now = timezone.now()
    try:
        event = webhooks.parse(delivery)
    except Rejected as problem:  # signed, but nothing that we can read: kept as evidence, polling finds the object
        event = Event(f"malformed:{hash_body(delivery.body)}", "malformed", (), problem.message)
    event = tidy(event)
    bind_contextvars(connection_id=sender.connection_id, event_key=event.dedupe_key)
    if event.problem:
        open_alert(
            sender.organization_id,
            f"webhook:{sender.connection_id}",
            f"{sender.label}: {event.problem}",
            Alert.Severity.WARNING,
            connection_id=sender.connection_id,
        )
    return Receipt(200, stored=_kept(sender, delivery, event, now))


def _kept(sender: Sender, delivery: Delivery, event: Event, now: datetime) -> bool:
    """Store it, together with what it does at once; False when it was stored before."""
    if not event.ends and event.privacy is None:
        return store_event(sender.connection_id, delivery, event, now)
    with transaction.atomic():
        stored = store_event(sender.connection_id, delivery, event, now)
        if stored and event.ends:
            mark_ended(sender.connection, event.ends, at=event.at)
        if stored and event.privacy:
            open_case(sender.connection, event.privacy, event.dedupe_key, now)
    return stored


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
