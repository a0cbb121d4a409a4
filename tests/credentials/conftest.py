"""Connections to the made-up platforms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import get_resolver

from connectors import registry
from connectors.kit.contract import Candidate, Connector, Keys, OAuth2
from credentials.models import Connection, Organization
from credentials.tokens import forget_copies
from credentials.vault import set_secrets
from tests.credentials.browser import person
from tests.credentials.platform_double import TokenServer, make_connector, probe_facts, token_server


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server() as running:
        yield running


@pytest.fixture
def platforms(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Connector]:
    """ "ledgerly" signs in by OAuth, "shopette" uses keys that it can hand over."""
    auth = OAuth2(
        authorize_url="https://ledgerly.example/authorize/",
        token_url=f"{server.url}/token",
        scopes=("books:read", "books:write"),
        candidates=lambda _api: server.accounts,
    )
    found = {
        "ledgerly": make_connector("ledgerly", auth, probe_facts),
        "shopette": make_connector("shopette", Keys(), probe_facts),
    }
    assert get_resolver().url_patterns  # whatever the addresses import has the real registry by now
    monkeypatch.setattr(registry, "all_connectors", lambda: found)
    forget_copies()
    return found


@pytest.fixture
def organization(db: None) -> Organization:
    return Organization.objects.create(name="Ada Ltd", slug="ada")


@pytest.fixture
def connection(organization: Organization, server: TokenServer, platforms: dict[str, Connector]) -> Connection:
    return Connection.objects.create(organization=organization, platform="ledgerly", label="Books", base_url=server.url, status="active")


@pytest.fixture
def owner(organization: Organization) -> Client:
    return person("ada", organization, "change_connection", "view_connection")


@pytest.fixture
def books(connection: Connection, server: TokenServer) -> Connection:
    """Ready to be connected; the platform knows two codes."""
    set_secrets(connection, {"client_id": "app-client-id", "client_secret": "app-client-secret"})
    Connection.objects.filter(pk=connection.pk).update(status="new")
    server.codes = {"code-1", "code-2"}
    server.accounts = (Candidate("Ada Ltd", {"account_id": "Ab3"}),)
    connection.refresh_from_db()
    return connection
