"""One refresh at a time per connection, over all threads, processes and machines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.db import connection as database
from django.db import transaction

from credentials.models import Connection
from credentials.waiting import leave_database

try:
    import fcntl
except ImportError:  # not on Windows, where only the one-process start is offered
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """While inside, nobody else is, for this connection. Must not be entered inside a transaction: what was stored inside is
    committed on leaving. A dead holder lets go by itself.

    PostgreSQL: the connection's row is locked (NO KEY, so that inserts that refer to it do not wait). SQLite has one lock for the whole
    database, which would hold up every webhook while a slow token service answers: a file lock beside the database file instead.
    """
    leave_database()
    with _thread_lock(str(connection.key)):  # threads of this process queue here and not with a database connection each
        if database.features.has_select_for_update:
            with transaction.atomic(durable=True):
                Connection.objects.select_for_update(no_key=True).filter(pk=connection.pk).values_list("pk").first()
                yield
        else:
            with transaction.atomic(durable=True):
                pass  # complains, as above, when we are inside a transaction
            with _file_lock(f"{database.settings_dict['NAME']}.refresh-{connection.key}.lock"):
                yield


@cache
def _thread_lock(_key: str) -> threading.Lock:
    return threading.Lock()


@contextmanager
def _file_lock(path: str) -> Iterator[None]:
    if fcntl is None or "memory" in path:
        yield
        return
    with Path(path).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # closing the file lets go
        yield
