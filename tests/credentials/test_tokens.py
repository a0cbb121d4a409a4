"""Access tokens: refreshed ahead of time, once, stored before use, and never in a loop when the platform says no."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from audit.models import Alert, AuditRecord
from connectors.kit.errors import Transient, Unauthorised
from credentials import single_flight
from credentials import tokens as tokens_module
from credentials.models import Connection, Secret
from credentials.services import mark_active
from credentials.tokens import StoredTokens, forget_copies
from credentials.vault import read_secrets, set_secrets
from tests.credentials.platform_double import TokenServer

ROUNDS, WORKERS = 20, 16
NEVER = {"client_id": "app-client-id", "client_secret": "app-client-secret"}


def give(
    connection: Connection, *, left: timedelta | None, life: timedelta = timedelta(hours=12), refresh: str = "refresh-token-0"
) -> None:
    """Store a pair that lives so much longer."""
    now = datetime.now(UTC)
    set_secrets(connection, {**NEVER, "access_token": "access-token-0", "refresh_token": refresh})
    connection.token_expires_at = None if left is None else now + left
    connection.save()
    if left is not None:
        Secret.objects.filter(name="access_token").update(updated_at=now + left - life)
    forget_copies()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("left", "life", "token"),
    [
        (None, timedelta(hours=12), "access-token-0"),
        (timedelta(minutes=11), timedelta(hours=12), "access-token-0"),
        (timedelta(minutes=9), timedelta(hours=12), "access-token-1"),
        (timedelta(minutes=9), timedelta(minutes=60), "access-token-0"),
        (timedelta(minutes=5), timedelta(minutes=60), "access-token-1"),
        (timedelta(minutes=-5), timedelta(minutes=60), "access-token-1"),
    ],
)
def test_refreshes_ahead_of_expiry(
    connection: Connection, server: TokenServer, left: timedelta | None, life: timedelta, token: str
) -> None:
    give(connection, left=left, life=life)
    assert StoredTokens(connection).current() == token
    assert len(server.forms) == (token == "access-token-1")


@pytest.mark.django_db
def test_sends_the_form_and_stores_the_pair(connection: Connection, server: TokenServer) -> None:
    give(connection, left=timedelta(0))
    assert StoredTokens(connection).current() == "access-token-1"
    assert server.forms == [
        {
            "grant_type": "refresh_token",
            "client_id": "app-client-id",
            "client_secret": "app-client-secret",
            "refresh_token": "refresh-token-0",
            "redirect_uri": "http://127.0.0.1:8000/connect/callback/",
        }
    ]
    secrets = read_secrets(connection)
    assert (secrets["access_token"], secrets["refresh_token"]) == ("access-token-1", "refresh-token-1")
    connection.refresh_from_db()
    assert connection.token_expires_at is not None
    assert abs(connection.token_expires_at - datetime.now(UTC) - timedelta(hours=12)) < timedelta(seconds=5)


@pytest.mark.django_db
def test_the_copy_saves_the_database(connection: Connection, server: TokenServer) -> None:
    give(connection, left=timedelta(hours=5))
    held = StoredTokens(connection)
    held.current()
    with CaptureQueriesContext(database) as queries:
        assert {held.current() for _ in range(50)} == {"access-token-0"}
    assert len(queries) == 0
    assert held.renew("access-token-0") == "access-token-1"
    assert StoredTokens(connection).current() == "access-token-1"


@pytest.mark.django_db
def test_renewing_an_older_token_only_reads(connection: Connection, server: TokenServer) -> None:
    give(connection, left=timedelta(hours=5))
    assert StoredTokens(connection).renew("a token from before") == "access-token-0"
    assert server.forms == []


@pytest.mark.django_db
@pytest.mark.parametrize("status", [400, 401])
def test_invalid_grant_calls_a_person_once(connection: Connection, server: TokenServer, status: int) -> None:
    server.refusal_status = status
    give(connection, left=timedelta(0), refresh="burned")
    held = StoredTokens(connection)
    for _ in range(3):
        with pytest.raises(Unauthorised, match=r"refused \(invalid_grant\)"):
            held.current()
    connection.refresh_from_db()
    assert connection.status == "reauthorise"
    alert = Alert.objects.get()
    assert (alert.cause, alert.count, alert.closed_at) == (f"reauthorise:{connection.pk}", 3, None)
    assert 'Open the connection and click "Connect"' in alert.message
    assert list(AuditRecord.objects.values_list("action", "outcome")) == [("connection_reauthorise", "attention")]
    assert mark_active(connection)
    assert not mark_active(connection)
    assert Alert.objects.get().closed_at is not None


@pytest.mark.django_db
def test_invalid_grant_after_someone_else_connected_again(
    connection: Connection, server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(connection, left=timedelta(0), refresh="burned")

    def connected_meanwhile(*_args: object) -> object:
        give(connection, left=timedelta(hours=1), refresh="other")
        set_secrets(connection, {"access_token": "access-token-of-the-other"})
        raise Unauthorised("used", code="invalid_grant")

    monkeypatch.setattr(tokens_module, "refresh_grant", connected_meanwhile)
    monkeypatch.setattr(tokens_module, "alone", lambda _connection: nullcontext())  # it happens just after the lock is left
    assert StoredTokens(connection).current() == "access-token-of-the-other"
    connection.refresh_from_db()
    assert connection.status == "active"
    assert not Alert.objects.exists()


@pytest.mark.django_db
def test_a_wrong_client_secret_calls_a_person(connection: Connection, server: TokenServer) -> None:
    give(connection, left=timedelta(0))
    set_secrets(connection, {"client_secret": "wrong"})
    with pytest.raises(Unauthorised, match="invalid_client"):
        StoredTokens(connection).current()
    connection.refresh_from_db()
    assert connection.status == "reauthorise"


@pytest.mark.django_db
def test_without_refresh_token(connection: Connection, server: TokenServer) -> None:
    set_secrets(connection, NEVER)
    with pytest.raises(Unauthorised, match="never gave us a refresh token"):
        StoredTokens(connection).current()
    assert server.forms == []


BROKEN = [(500, b"oops"), (502, b"<html>"), (503, b"{}"), (200, b"<html>"), (200, b'{"access_token":""}'), (200, b'{"access_token":7}')]


@pytest.mark.django_db
@pytest.mark.parametrize("broken", BROKEN)
def test_trouble_at_the_token_service_leaves_the_old_token(connection: Connection, server: TokenServer, broken: tuple[int, bytes]) -> None:
    server.broken = broken
    give(connection, left=timedelta(minutes=5))
    held = StoredTokens(connection)
    assert [held.current() for _ in range(5)] == ["access-token-0"] * 5
    assert len(server.forms) == 1  # not asked again with each call, and never sent twice: it may have been used up
    give(connection, left=timedelta(seconds=-1))
    with pytest.raises(Transient, match="no usable answer"):
        held.current()
    assert read_secrets(connection)["refresh_token"] == "refresh-token-0"
    connection.refresh_from_db()
    assert connection.status == "active"
    server.broken = None
    assert held.current() == "access-token-1"


@pytest.mark.django_db
def test_an_unreachable_token_service_is_transient(connection: Connection, server: TokenServer) -> None:
    connection.urls = {"token": "http://127.0.0.1:9/token"}
    give(connection, left=timedelta(0))
    with pytest.raises(Transient, match="could not be reached"):
        StoredTokens(connection).current()
    connection.urls = {"token": f"{server.url}/elsewhere"}
    assert StoredTokens(connection).current() == "access-token-1"


@pytest.mark.django_db(transaction=True)
def test_never_inside_a_transaction(connection: Connection, server: TokenServer) -> None:
    give(connection, left=timedelta(0))
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        StoredTokens(connection).current()
    assert server.forms == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_process", [True, False], ids=["one process", "many processes"])
def test_sixteen_workers_make_one_refresh(
    connection: Connection, server: TokenServer, monkeypatch: pytest.MonkeyPatch, same_process: bool
) -> None:
    if not same_process:  # threads of different processes share no lock in memory: the database's lock must do
        monkeypatch.setattr(single_flight, "_thread_lock", lambda _key: threading.Lock())
    server.delay = 0.02
    set_secrets(connection, {**NEVER, "access_token": "access-token-0", "refresh_token": "refresh-token-0"})
    for round_number in range(ROUNDS):
        Connection.objects.update(token_expires_at=datetime.now(UTC) - timedelta(seconds=1))
        forget_copies()
        got: list[str] = []
        failures: list[BaseException] = []
        start = threading.Barrier(WORKERS)

        def work(start: threading.Barrier = start, got: list[str] = got, failures: list[BaseException] = failures) -> None:
            try:
                mine = Connection.objects.get(pk=connection.pk)
                start.wait(10)
                got.append(StoredTokens(mine).current())
            except BaseException as error:  # noqa: BLE001 - a failure in a thread must fail the test
                failures.append(error)
            finally:
                database.close()

        threads = [threading.Thread(target=work) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert got == [f"access-token-{round_number + 1}"] * WORKERS
    assert (server.issued, len(server.forms), server.reused) == (ROUNDS, ROUNDS, 0)
