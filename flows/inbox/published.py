"""Public keys that platforms publish for checking their signatures: fetched from the platform's own host once a day."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings

from connectors.kit.account import Account
from connectors.kit.contract import Delivery, Webhooks
from connectors.kit.errors import Gone, SyncError, Transient
from connectors.kit.http import Api, Plumbing, Response

KEPT_SECONDS = 86400.0
RETRY_SECONDS = 10.0  # a key that could not be had is not asked for again at once, whoever sends
LONGEST_KEY = 8192
_keys: dict[str, tuple[float, str]] = {}


class Unavailable(Exception):
    """None of the keys can be had now: the sender is to come again."""


def published_keys(webhooks: Webhooks, delivery: Delivery, secrets: Sequence[str]) -> tuple[str, ...]:
    """The texts of the keys that this delivery may be signed with, none where the platform signs without. Raises Unavailable.

    The one call that is made before a delivery is answered: once a day, with short time-outs, to a host that the connector fixes.
    """
    addresses = webhooks.published(delivery, secrets) if webhooks.published else ()
    found = tuple(key for address in addresses if (key := _key(address)))
    if addresses and not found:
        raise Unavailable
    return found


def _key(address: str) -> str:
    until, key = _keys.get(address, (0.0, ""))
    if time.monotonic() < until:
        return key
    if len(_keys) > 100:
        _keys.clear()
    key = _fetched(address)
    _keys[address] = (time.monotonic() + (KEPT_SECONDS if key else RETRY_SECONDS), key)
    return key


def _fetched(address: str) -> str:
    parts = urlsplit(address)
    host = f"{parts.scheme}://{parts.netloc}"
    plumbing = Plumbing(allow_private=settings.ALLOW_PRIVATE_STORES, sleep=lambda _seconds: None)
    api = Api(Account("published-keys", host), host, _judge, plumbing, timeout=(1.0, 2.0))
    try:
        body = api.get(parts.path).body
    except SyncError:
        return ""
    text = body.decode("ascii", "replace") if len(body) <= LONGEST_KEY else ""
    return text if text.startswith("-----BEGIN PUBLIC KEY-----") else ""


def _judge(response: Response) -> SyncError | None:
    if response.status == 200:
        return None
    return Transient("No key for now.") if response.status >= 500 else Gone("There is no such key.")
