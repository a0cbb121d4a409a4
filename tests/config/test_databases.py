"""How each database is spoken to: directly, or through PgBouncer, which keeps no session for us."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.utils import ConnectionHandler

from config.databases import database_settings
from config.doctor.machine import check_database

URL = "postgres://ada:secret@db.example:6432/books"


def options(url: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = database_settings(url, 8, **more)["OPTIONS"]
    return found


def test_postgresql_directly() -> None:
    made = database_settings(URL, 8)
    assert made["OPTIONS"] == {
        "pool": {"min_size": 1, "max_size": 8, "timeout": 20},
        "server_side_binding": True,
        "prepare_threshold": 2,
        "options": "-c idle_in_transaction_session_timeout=20000",
    }
    assert made["DISABLE_SERVER_SIDE_CURSORS"] is False


def test_through_pgbouncer_nothing_is_left_to_a_session() -> None:
    made = database_settings(URL, 8, pgbouncer=True)
    assert made["OPTIONS"] == {
        "pool": {"min_size": 1, "max_size": 8, "timeout": 20},
        "server_side_binding": True,
        "prepare_threshold": None,
    }
    assert made["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_what_the_address_says_counts() -> None:
    assert options(f"{URL}?sslmode=verify-full&sslrootcert=/etc/ca.pem")["sslmode"] == "verify-full"
    assert options(f"{URL}?sslmode=require")["prepare_threshold"] == 2


def test_sqlite_has_nothing_of_it() -> None:
    assert "prepare_threshold" not in options("sqlite:////tmp/x.sqlite3", pgbouncer=True)


@pytest.mark.django_db
def test_the_doctor_says_how_idle_transactions_are_ended() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL does not answer here")
    assert [finding.ok for finding in check_database()] == [True]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    assert [finding.ok for finding in check_database()] == [True, False]
    assert "ALTER ROLE CURRENT_USER SET idle_in_transaction_session_timeout = '20s';" in list(check_database())[1].message


@pytest.mark.django_db
def test_connections_that_the_server_ended_are_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a restart of the server: every connection of the pool is dead, and nobody notices but the pool."""
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL does not answer here")
    asked: list[str] = []
    monkeypatch.setattr("psycopg_pool.ConnectionPool.check_connection", lambda found: (asked.append("?"), found.execute("")))
    params = settings.DATABASES["default"]
    wrapper = ConnectionHandler({"default": {**params, "NAME": connection.settings_dict["NAME"]}}).create_connection("default")
    wrapper.alias = "pooled apart"  # pools are kept by alias
    wrapper.inc_thread_sharing()

    def session() -> int:
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            number = int(cursor.fetchone()[0])
        wrapper.close()
        return number

    try:
        before = {session() for _ in range(4)}
        asked.clear()  # a new one is asked once
        assert session() in before
        assert not asked
        address = " ".join(f"{name}={params[key]}" for name, key in (("host", "HOST"), ("port", "PORT"), ("user", "USER")) if params[key])
        with psycopg.connect(f"{address} dbname=postgres", password=params["PASSWORD"] or None, autocommit=True) as other:
            for number in before:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
        assert session() not in before
        assert asked
        asked.clear()
        monkeypatch.setattr("config.postgresql.base.UNASKED_SECONDS", -1.0)  # it lay idle for long
        session()
        assert asked
    finally:
        wrapper.close_pool()
