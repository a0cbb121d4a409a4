"""Nobody waits on somebody else with a connection to the database in hand: there may be fewer of them than threads."""

from __future__ import annotations

from django.db import connection as database


def leave_database() -> None:
    """Hand a pooled connection back; inside a transaction it stays. The next statement takes another one."""
    if database.vendor == "postgresql" and not database.in_atomic_block:
        database.close()
