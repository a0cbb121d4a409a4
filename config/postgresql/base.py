"""The backend: everything is Django's own but how a connection from the pool is looked at."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

UNASKED_SECONDS = 30.0  # what lay idle for longer is asked: a firewall may have forgotten it without a word


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that has ended is not handed out.

    Django's health check asks the server each time. A job takes a connection anew after each call to a platform, so that question was
    a sixth of all statements (counted over 300 orders). A server that goes away says so, and what it said lies in the socket.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """One from the pool. Those that have ended go back to it closed, and it makes new ones in their place."""
        for _ in range(self.pool.max_size if self.pool else 0):
            connection = super().get_new_connection(conn_params)
            if stands(connection):
                return connection
            connection.close()
            self.pool.putconn(connection)
        return super().get_new_connection(conn_params)

    def _close(self) -> None:
        if self.connection is not None:
            self.connection.used_at = time.monotonic()
        super()._close()  # type: ignore[misc]  # Django's stubs leave it out


def stands(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection can be used. The server is asked only when it has sent something unasked, or after a while."""
    try:
        if has_something_to_say(connection) or time.monotonic() - getattr(connection, "used_at", 0.0) > UNASKED_SECONDS:
            ConnectionPool.check_connection(connection)
    except psycopg.Error:
        return False
    return True


def has_something_to_say(connection: psycopg.Connection[Any]) -> bool:
    """Whether something lies in its socket: a notice, or its end."""
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLIN)
    return bool(watch.poll(0))
