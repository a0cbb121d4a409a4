"""The secrets of connections. Which connection and name a secret belongs to is inside its ciphertext, so that one that was
moved to another row is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.db import connection as database
from django.db import transaction

from audit.redaction import remember
from connectors.kit.errors import Unauthorised
from credentials.fields import SecretText, Undecryptable, decrypted_before
from credentials.models import Connection, Secret

SIGNING = "client_secret"  # platforms go on signing with the old one for a while after it was replaced
PREVIOUS = "previous_client_secret"


def set_secrets(connection: Connection, values: Mapping[str, str]) -> None:
    """Store these secrets, all or none; an empty text forgets that one. Others stay as they are."""
    values = {**values, **_replaced(connection, values)}
    kept = {name: value for name, value in values.items() if value}
    rows = [Secret(connection=connection, name=name, value=_pack(connection, name, value)) for name, value in kept.items()]
    with transaction.atomic():
        Secret.objects.bulk_create(rows, update_conflicts=True, unique_fields=["connection", "name"], update_fields=["value", "updated_at"])
        forget(connection, *(name for name in values if name not in kept))
    for name, value in kept.items():
        remember(f"{connection.key} {name}", value)


def _replaced(connection: Connection, values: Mapping[str, str]) -> dict[str, str]:
    """The app's secret that these values replace by another, to be kept beside it."""
    if not values.get(SIGNING):
        return {}
    old = Secret.objects.filter(connection=connection, name=SIGNING).values_list("value", flat=True).first()
    try:
        known = "" if old is None else unpack(connection, SIGNING, old)
    except Unauthorised:
        return {}
    return {PREVIOUS: str(known)} if known and known != values[SIGNING] else {}


def read_secrets(connection: Connection) -> dict[str, str]:
    """All secrets by name. Raises Unauthorised naming the first one that cannot be used."""
    rows = Secret.objects.filter(connection=connection).order_by("name").values_list("name", "value")
    return {name: unpack(connection, name, value) for name, value in rows}


Stored = Mapping[int, Mapping[str, SecretText | Undecryptable]]  # payloads by connection and name
_SELECT = "SELECT connection_id, name, value FROM credentials_secret WHERE connection_id IN ({places}) ORDER BY name"


def stored_secrets(*connections: Connection) -> Stored:
    """The secrets of several connections in one statement, as they are stored; `unpacked` reads those of one."""
    found: dict[int, dict[str, SecretText | Undecryptable]] = {connection.pk: {} for connection in connections}
    with database.cursor() as cursor:
        cursor.execute(_SELECT.format(places=", ".join(["%s"] * len(found))), list(found))
        for owner, name, token in cursor.fetchall():
            found[owner][name] = decrypted_before(bytes(token))
    return found


def unpacked(connection: Connection, stored: Stored) -> dict[str, str]:
    """All secrets of one connection by name. Raises Unauthorised naming the first one that cannot be used."""
    return {name: unpack(connection, name, value) for name, value in stored[connection.pk].items()}


def has_secret(connection: Connection, name: str) -> bool:
    """Whether one is stored; it may still turn out to be unreadable."""
    return Secret.objects.filter(connection=connection, name=name).exists()


def forget(connection: Connection, *names: str) -> None:
    """Delete these secrets."""
    if names:
        Secret.objects.filter(connection=connection, name__in=names).delete()


def unpack(connection: Connection, name: str, stored: object) -> str:
    """The secret out of its row's payload, checked to belong to this connection under this name."""
    if not isinstance(stored, str):
        raise _unusable(connection, name, "cannot be decrypted (was its key taken out of FERNET_KEYS?)")
    try:
        payload = json.loads(stored)
        owner, value = (payload["connection"], payload["name"]), payload["value"]
    except (ValueError, TypeError, KeyError):
        raise _unusable(connection, name, "is not in the form in which we store secrets") from None
    if owner != (str(connection.key), name) or not isinstance(value, str):
        raise _unusable(connection, name, "was stored for another connection")
    remember(f"{connection.key} {name}", value)
    return SecretText(value)


def _pack(connection: Connection, name: str, value: str) -> str:
    return json.dumps({"connection": str(connection.key), "name": name, "value": value})


def _unusable(connection: Connection, name: str, why: str) -> Unauthorised:
    return Unauthorised(
        f'The secret "{name}" of "{connection.label}" {why}. Open the connection and enter it again.', code="secret_unusable"
    )
