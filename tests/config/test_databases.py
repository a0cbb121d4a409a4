"""How each database is spoken to: directly, or through PgBouncer, which keeps no session for us."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

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
