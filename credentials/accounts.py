"""Turns a connection into what its connector needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from connectors import registry
from connectors.kit.account import Account
from connectors.kit.contract import Auth, Connector, OAuth2, Whose
from credentials.models import Connection
from credentials.vault import PREVIOUS, read_secrets

PENDING = "pending_grant"  # an authorisation that still waits for the choice of an account
ACTIVATING = "pending_activation"  # consumer credentials of a shop that were not exchanged yet
OURS = {PENDING, ACTIVATING, PREVIOUS}  # no connector ever sees these


def connector_of(connection: Connection) -> Connector:
    """The connector of its platform; KeyError naming the known ones when its folder is gone."""
    return registry.get_connector(connection.platform)


def account_of(connection: Connection, choices: Mapping[str, Any] | None = None, secrets: dict[str, str] | None = None) -> Account:
    """The connection with its secrets, for the connector; choices are settings of one flow, over its own; secrets were read
    already. Raises Unauthorised when a secret cannot be read.
    """
    account = account_with(connection, read_secrets(connection) if secrets is None else secrets)
    return replace(account, settings={**account.settings, **choices}) if choices else account


def account_with(connection: Connection, secrets: dict[str, str]) -> Account:
    """The same with secrets that were read already."""
    return Account(
        key=str(connection.key),
        base_url=connection.base_url.rstrip("/"),
        urls=dict(connection.urls),
        ids={name: str(value) for name, value in connection.ids.items()},
        settings=dict(connection.settings),
        secrets={name: value for name, value in secrets.items() if name not in OURS},
        time_zone=connection.time_zone,
        currency=connection.currency,
    )


def way_of(connection: Connection) -> Auth:
    """The way of authorising that this connection uses."""
    return connector_of(connection).way(connection.settings)[1]


def oauth_of(connection: Connection) -> OAuth2 | None:
    """How it does OAuth 2, None when it uses another way."""
    auth = way_of(connection)
    return auth if isinstance(auth, OAuth2) else None


def is_about(whose: Whose, connection: Connection) -> bool:
    """Whether this connection is the one that is named."""
    if whose.base_url and same_address(whose.base_url, connection.base_url):
        return True
    known = {**connection.settings, **connection.ids}
    named = {name: value for name, value in whose.ids.items() if value}
    return bool(named) and all(str(known.get(name, "")) == value for name, value in named.items())


def same_address(one: str, other: str) -> bool:
    """Whether two web addresses are the same place: host names know no case, a last slash says nothing."""
    a, b = urlsplit(one.strip()), urlsplit(other.strip())
    return (a.scheme.lower(), a.netloc.lower(), a.path.rstrip("/")) == (b.scheme.lower(), b.netloc.lower(), b.path.rstrip("/"))
