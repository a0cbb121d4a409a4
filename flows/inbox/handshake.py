"""Unsigned greetings. A ping needs no more than its 200; a handshake's secret is kept with the subscription that it names."""

from __future__ import annotations

import re

from django.db import transaction

from connectors.kit.contract import Greeting
from credentials.fields import is_readable
from credentials.models import Connection
from flows.models import Subscription

PENDING_HANDSHAKES = 20
LONGEST_SECRET = 500
PENDING = "pending:"
_ID = re.compile(r"[\w.:-]{1,60}", re.ASCII)
Status = Subscription.Status


def keep_secret(connection_id: int, greeting: Greeting) -> None:
    """Keep what a handshake brings, if it can be one that we wait for. Anybody may send these, so they change nothing proven.

    The connection's row is locked: two handshakes at once are kept one after the other.
    """
    if greeting.kind != "handshake" or not _ID.fullmatch(greeting.subscription_id):
        return
    if not 0 < len(greeting.secret) <= LONGEST_SECRET:
        return
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection_id)
        row = _expecting(connection_id, greeting.subscription_id)
        if row is None:
            return
        if row.secret != greeting.secret:
            row.previous_secret, row.secret = row.secret, greeting.secret
        row.status, row.retry_at = Status.UNVERIFIED, None
        row.save()


def _expecting(connection_id: int, remote_id: str) -> Subscription | None:
    """The subscription that this handshake may belong to. It may overtake the answer to the call that asked for it: then it
    waits under its remote id. A verified subscription takes no other secret before the platform calls it unverified again.
    """
    rows = Subscription.objects.filter(connection_id=connection_id)
    known = rows.filter(remote_id=remote_id).first()
    if known is not None:
        proven = known.status == Status.ACTIVE and known.secret and is_readable(known.secret)
        return None if proven else known
    asked = rows.filter(status=Status.WANTED).exists()
    if not asked or rows.filter(topic__startswith=PENDING).count() >= PENDING_HANDSHAKES:
        return None
    return Subscription(connection_id=connection_id, topic=f"{PENDING}{remote_id}", remote_id=remote_id)
