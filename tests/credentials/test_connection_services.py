"""Accounts, the test call, and what it does to status, alert and audit."""

from __future__ import annotations

import pytest

from audit.models import Alert, AuditRecord
from connectors.kit.contract import Probe
from connectors.kit.errors import Transient, Unauthorised
from connectors.kit.http import Api, Effect, Exchange
from credentials.models import Connection
from credentials.services import account_of, mark_active, mark_reauthorise, open_api, probe_connection
from credentials.tokens import StoredTokens
from credentials.vault import set_secrets
from tests.credentials.platform_double import TokenServer, make_connector

pytestmark = pytest.mark.django_db
TOKENS = {"access_token": "access-token-0", "refresh_token": "refresh-token-0"}


def test_the_account_holds_what_the_connector_needs(connection: Connection) -> None:
    connection.base_url += "/"
    connection.ids, connection.urls, connection.settings = {"account_id": 7}, {"api": "https://a.example"}, {"x": 1}
    connection.time_zone, connection.currency = "America/Toronto", "CAD"
    set_secrets(connection, {"key": "secret-key-value", "pending_grant": "[]"})
    account = account_of(connection)
    assert account.key == str(connection.key)
    assert account.base_url == connection.base_url.rstrip("/")
    assert (account.ids, account.urls, account.settings) == ({"account_id": "7"}, {"api": "https://a.example"}, {"x": 1})
    assert (account.time_zone, account.currency) == ("America/Toronto", "CAD")
    assert account.secrets == {"key": "secret-key-value"}
    assert "secret-key-value" not in repr(account)


def test_the_api_has_tokens_limits_and_hooks(connection: Connection) -> None:
    set_secrets(connection, TOKENS)
    seen: list[Exchange] = []
    effects: list[Effect] = []
    api = open_api(connection, record=seen.append, before_call=effects.append)
    assert api.get("/me").status == 200
    assert [exchange.status for exchange in seen] == [200]
    assert effects == [Effect.READ]
    assert isinstance(api.plumbing.tokens, StoredTokens)
    assert api.plumbing.allow_private is True
    connection.platform = "shopette"
    assert open_api(connection).plumbing.tokens is None


def test_a_good_probe_stores_what_it_found_and_activates(connection: Connection) -> None:
    connection.status = "new"
    connection.ids = {"account_id": "kept"}
    connection.save()
    set_secrets(connection, TOKENS)
    assert probe_connection(connection, actor="ada").ok
    stored = Connection.objects.get()
    assert (stored.status, stored.ids) == ("active", {"account_id": "kept", "probed": "yes"})
    assert (stored.currency, stored.time_zone) == ("CAD", "America/Toronto")
    assert stored.checked_at is not None
    records = AuditRecord.objects.order_by("id").values_list("actor", "action", "outcome", "connection_label", "organization_id")
    assert list(records) == [
        ("ada", "connection_active", "done", "Books", connection.organization_id),
        ("ada", "connection_test", "done", "Books", connection.organization_id),
    ]


def failing(connection: Connection, platforms: dict[str, object], error: Exception | Probe) -> None:
    def probe(_api: Api) -> Probe:
        if isinstance(error, Probe):
            return error
        raise error

    platforms["shopette"] = make_connector("shopette", platforms["shopette"].auth, probe)  # type: ignore[attr-defined]
    connection.platform = "shopette"
    connection.save()


@pytest.mark.parametrize("error", [Transient("It did not answer."), Probe(problems=("It did not", "answer."))])
def test_a_failed_probe_alerts_and_leaves_the_status(
    connection: Connection, platforms: dict[str, object], error: Exception | Probe
) -> None:
    failing(connection, platforms, error)
    assert not probe_connection(connection).ok
    probe_connection(connection)
    assert Connection.objects.get().status == "active"
    alert = Alert.objects.get()
    assert (alert.cause, alert.count, alert.message) == (f"probe:{connection.pk}", 2, '"Books" failed its test: It did not answer.')
    failing(connection, platforms, Probe(currency="EUR"))
    assert probe_connection(connection).ok
    assert Alert.objects.get().closed_at is not None
    assert list(AuditRecord.objects.order_by("id").values_list("outcome", flat=True)) == ["failed", "failed", "done"]


def test_refused_credentials_need_a_person(connection: Connection, platforms: dict[str, object]) -> None:
    failing(connection, platforms, Unauthorised("The key was revoked."))
    assert not probe_connection(connection).ok
    assert (connection.status, connection.status_reason) == ("reauthorise", "The key was revoked.")
    assert Alert.objects.get().cause == f"reauthorise:{connection.pk}"
    failing(connection, platforms, Probe())
    assert probe_connection(connection).ok
    assert (connection.status, connection.status_reason) == ("active", "")
    assert Alert.objects.get().closed_at is not None


def test_a_paused_connection_stays_paused(connection: Connection) -> None:
    Connection.objects.update(status="paused")
    assert not mark_reauthorise(connection, "refused")
    assert not mark_active(connection)
    assert Connection.objects.get().status == "paused"


def test_marking_tells_whether_it_is_news(connection: Connection, server: TokenServer) -> None:
    assert mark_reauthorise(connection, "x" * 500)
    assert not mark_reauthorise(connection, "again")
    assert connection.status_reason == "x" * 300
    assert mark_active(connection, actor="ada")
    assert not mark_active(connection)
    assert AuditRecord.objects.filter(action="connection_active").count() == 1
