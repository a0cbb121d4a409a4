"""Which secrets may sign the deliveries of a connection."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from connectors.kit.contract import Webhooks
from connectors.kit.errors import Unauthorised
from credentials.fields import is_readable
from credentials.models import Connection, Secret
from credentials.vault import PREVIOUS, SIGNING, read_secrets
from flows.inbox.handshake import PENDING
from flows.models import Subscription

OLD_ONE_HOLDS = timedelta(days=1)  # platforms go on signing with a replaced app secret for an hour or so


def signing_secrets(connection: Connection, webhooks: Webhooks) -> tuple[str, ...]:
    """Those of its subscriptions and those of the app, newest first. An unreadable one must never sign."""
    proven = Subscription.objects.filter(connection=connection).exclude(topic__startswith=PENDING)
    rows = proven.order_by("-id").values_list("secret", "previous_secret")
    stored = [new for new, _ in rows] + [old for _, old in rows]
    found = [str(secret) for secret in stored if secret and is_readable(secret)]
    return tuple(dict.fromkeys([*found, *_app_secrets(connection, webhooks)]))


def _app_secrets(connection: Connection, webhooks: Webhooks) -> list[str]:
    if webhooks.secrets is None:
        return []
    try:
        known = read_secrets(connection)
    except Unauthorised:
        return []
    found = [str(secret) for secret in webhooks.secrets(known) if secret]
    if known.get(SIGNING, "") in found and PREVIOUS in known:
        fresh = Secret.objects.filter(connection=connection, name=PREVIOUS, updated_at__gt=timezone.now() - OLD_ONE_HOLDS)
        found += [str(known[PREVIOUS])] if fresh.exists() else []
    return found
