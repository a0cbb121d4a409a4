"""Database settings: SQLite in WAL mode by default, PostgreSQL with psycopg's native pool when told so."""

from __future__ import annotations

import os
from typing import Any

import environ

LONGEST_IDLE_TRANSACTION = 20  # seconds


def worker_processes(url: str) -> int:
    """How many processes a worker is unless told otherwise. Python runs one thread of a process at a time, so from two processors on a
    second one pays (measured on two that also ran the database, the web and the sandboxes: a tenth to a sixth more orders). SQLite has
    one writer anyway.
    """
    return 2 if not url.startswith("sqlite") and _processors() >= 2 else 1


def worker_threads(processes: int) -> int:
    """How many threads each of them has unless told otherwise. Threads that want the processor cost one another: on a small machine two
    processes of 64 did a fifth less than two of 32.
    """
    return 64 if _processors() >= 4 else max(64 // processes, 8)


def _processors() -> int:
    return os.cpu_count() or 1


def database_settings(url: str, pool_size: int, *, pgbouncer: bool = False) -> dict[str, Any]:
    """Django's settings for one database URL; its own options (?sslmode=require) win.

    SQLite: WAL, IMMEDIATE transactions and a busy time-out, so that writers wait for each other and none fails.
    PostgreSQL: a pool whose connections are looked at before they are handed out (config.postgresql).
    """
    settings: dict[str, Any] = dict(environ.Env.db_url_config(url))
    if settings["ENGINE"].endswith("sqlite3"):
        settings["CONN_MAX_AGE"] = None
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000; PRAGMA foreign_keys=ON;",
        }
        # A file, not shared memory: tests of threads and processes must meet the same database.
        settings["TEST"] = {"NAME": settings["NAME"] + ".test" if settings["NAME"] != ":memory:" else None}
    else:
        settings["ENGINE"] = "config.postgresql"
        settings["CONN_MAX_AGE"] = 0
        settings["DISABLE_SERVER_SIDE_CURSORS"] = pgbouncer
        settings["OPTIONS"] = {**_postgresql_options(pool_size, pgbouncer), **settings.get("OPTIONS", {})}
    return settings


def _postgresql_options(pool_size: int, pgbouncer: bool) -> dict[str, Any]:
    """Behind PgBouncer nothing is left to a session, as each transaction may have another one: no prepared statement (before 1.21 the
    server would be asked for what it never saw) and no option at its start (which PgBouncer refuses).
    """
    options: dict[str, Any] = {
        "pool": {"min_size": 1, "max_size": pool_size, "timeout": 20},
        # Statement and values apart: the server parses and plans what it is asked often once for each connection, and not each
        # time anew, which was a third of its work for an order.
        "server_side_binding": True,
        "prepare_threshold": None if pgbouncer else 2,
    }
    if not pgbouncer:
        # A process that is stopped inside a transaction must not keep its locks: everybody else would wait with it. The longest
        # honest pause is a token refresh (ten seconds).
        options["options"] = f"-c idle_in_transaction_session_timeout={LONGEST_IDLE_TRANSACTION * 1000}"
    return options
