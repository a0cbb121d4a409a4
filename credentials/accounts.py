"""Turns a connection into what its connector needs to know of it."""

from __future__ import annotations

from connectors import registry
from connectors.kit.contract import Account, Connector, OAuth2
from credentials.models import Connection
from credentials.vault import read_secrets

PENDING = "pending_grant"  # an authorisation that still waits for the choice of an account; no connector ever sees it


def connector_of(connection: Connection) -> Connector:
    """The connector of its platform; KeyError naming the known ones when its folder is gone."""
    return registry.get_connector(connection.platform)


def account_of(connection: Connection) -> Account:
    """The connection with its secrets, for the connector. Raises Unauthorised when a secret cannot be read."""
    return account_with(connection, read_secrets(connection))


def account_with(connection: Connection, secrets: dict[str, str]) -> Account:
    """The same with secrets that were read already."""
    return Account(
        key=str(connection.key),
        base_url=connection.base_url.rstrip("/"),
        urls=dict(connection.urls),
        ids={name: str(value) for name, value in connection.ids.items()},
        settings=dict(connection.settings),
        secrets={name: value for name, value in secrets.items() if name != PENDING},
        time_zone=connection.time_zone,
        currency=connection.currency,
    )


def oauth_of(connection: Connection) -> OAuth2 | None:
    """How its platform does OAuth 2, None when it does not."""
    auth = connector_of(connection).auth
    return auth if isinstance(auth, OAuth2) else None
