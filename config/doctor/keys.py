"""Checks of the encryption keys: they work, and every stored secret can be read with them."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from config.doctor.finding import Finding, ill, well
from connectors.kit.errors import Unauthorised
from credentials.fields import fernets, is_readable
from credentials.models import Connection
from credentials.vault import read_secrets
from flows.models import Subscription


def check_keys() -> Iterator[Finding]:
    try:
        box = MultiFernet(fernets())
        works = box.decrypt(box.encrypt(b"doctor")) == b"doctor"
    except (ImproperlyConfigured, InvalidToken, ValueError) as error:
        yield ill(f"FERNET_KEYS cannot be used: {error}")
        return
    if not works:
        yield ill("FERNET_KEYS do not give back what they encrypted.")
        return
    count = len(settings.FERNET_KEYS)
    yield well(f"Encryption works with {count} key{'s' if count > 1 else ''}, the first of which encrypts.")
    try:
        yield from _check_stored()
    except DatabaseError:
        yield ill("The stored secrets cannot be looked at, because the database does not answer.")


def _check_stored() -> Iterator[Finding]:
    problems = list(_unreadable())
    yield from problems
    if not problems:
        yield well("Every stored secret can be decrypted.")


def _unreadable() -> Iterator[Finding]:
    for connection in Connection.objects.order_by("pk"):
        try:
            read_secrets(connection)
        except Unauthorised as error:
            yield ill(error.message, connection.label)
    for subscription in Subscription.objects.select_related("connection").order_by("pk"):
        if not (is_readable(subscription.secret) and is_readable(subscription.previous_secret)):
            yield ill(
                f"The signing secret of the webhook {subscription.topic} cannot be decrypted. Recreate the subscription.",
                subscription.connection.label,
            )
