"""Checks of the installation itself: settings, database, migrations, broker, the sweep that proves beat and worker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu import Connection as BrokerConnection
from kombu import Exchange, Producer, Queue

from config.databases import LONGEST_IDLE_TRANSACTION
from config.doctor.finding import Finding, ill, well
from config.supervisor.serving import LOOPBACK
from flows.models import PeriodicLease

STALE_SECONDS = 60.0
BROKER_SECONDS = 5.0
_FORGET_IDLE = f"ALTER ROLE CURRENT_USER SET idle_in_transaction_session_timeout = '{LONGEST_IDLE_TRANSACTION}s';"


def check_settings() -> Iterator[Finding]:
    """Django's own checks, and what would be unsafe or useless once platforms shall reach us."""
    problems = [problem for problem in run_checks() if problem.level >= ERROR]
    yield from (ill(f"{problem.msg} {problem.hint or ''}".strip(), str(problem.id)) for problem in problems)
    public = urlsplit(settings.PUBLIC_URL)
    if public.scheme not in ("http", "https") or not public.hostname:
        yield ill(f"PUBLIC_URL is {settings.PUBLIC_URL!r}; it must be the https:// address at which platforms reach us.", "PUBLIC_URL")
        return
    local = public.hostname in LOOPBACK
    if settings.DEBUG and not local:
        yield ill("DEBUG is on: error pages would show settings to anybody. Take DEBUG out of the environment.", "DEBUG")
    if public.scheme == "http" and not local:
        yield ill("PUBLIC_URL begins with http://: webhooks and log-ins would cross the network unencrypted. Use https://.", "PUBLIC_URL")
    if public.hostname not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        yield ill(f"ALLOWED_HOSTS does not name {public.hostname}, so every call would be refused. Add it.", "ALLOWED_HOSTS")
    if not problems:
        reach = "only this machine reaches it" if local else "platforms reach it there"
        yield well(f"The settings are complete. The public address is {settings.PUBLIC_URL} ({reach}).")


def check_database() -> Iterator[Finding]:
    """It answers, takes a write (rolled back), and SQLite is in WAL mode."""
    try:
        version = _database_version()
        _write_and_roll_back()
    except DatabaseError as error:
        yield ill(f"The database does not answer or takes no writes: {_first_line(error)} Check DATABASE_URL and that it runs.")
        return
    yield well(f"{version} answers and takes writes.")
    if connection.vendor == "sqlite" and (mode := _scalar("PRAGMA journal_mode")) != "wal":
        yield ill(f"SQLite is in journal mode {mode}, not WAL: readers would block writers. Is the file on a network drive?")
    if connection.vendor == "postgresql" and _scalar("SHOW idle_in_transaction_session_timeout") == "0":
        yield ill(f"A process that is stopped inside a transaction would keep its locks for ever. Run in PostgreSQL: {_FORGET_IDLE}")


def _database_version() -> str:
    if connection.vendor == "sqlite":
        return f"SQLite {_scalar('SELECT sqlite_version()')} in journal mode {_scalar('PRAGMA journal_mode')}"
    return f"PostgreSQL {_scalar('SHOW server_version')}"


def _scalar(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])


def _write_and_roll_back() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tillbridge_doctor_was_here (id integer)")
        transaction.set_rollback(True)


def check_migrations() -> Iterator[Finding]:
    try:
        missing = missing_migrations()
    except DatabaseError as error:
        yield ill(f"The state of the tables cannot be read: {_first_line(error)}")
        return
    if missing:
        yield ill(f"{len(missing)} migrations are not applied, {missing[0]} first. Run: manage.py migrate")
    else:
        yield well("All migrations are applied.")


def missing_migrations() -> list[str]:
    """Those that are to be applied, in order."""
    executor = MigrationExecutor(connection)
    steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in steps]


def check_broker() -> Iterator[Finding]:
    """A message goes through the broker and comes back."""
    kind = settings.BROKER_URL.split(":")[0]
    try:
        milliseconds = broker_round_trip(settings.BROKER_URL)
    except Exception as error:  # noqa: BLE001 - each kind of broker fails in its own classes; the sentence names the class
        cure = "Start Tillbridge with manage.py up." if kind == "redis+socket" else "Check BROKER_URL and that the broker runs."
        yield ill(f"The broker ({kind}) does not answer ({type(error).__name__}). Work goes on with the next sweep only. {cure}")
        return
    yield well(f"The broker ({kind}) passed a message on and back in {milliseconds} ms.")


def broker_round_trip(url: str) -> int:
    """Milliseconds for one message through a queue of our own that is deleted again. Raises what the broker's client raises."""
    name, started = f"tillbridge-doctor-{uuid.uuid4().hex}", time.monotonic()
    bounds = {"socket_timeout": 3, "socket_connect_timeout": 3} if url.startswith("redis") else {}
    with BrokerConnection(url, connect_timeout=3, transport_options={**bounds, "max_retries": 1}) as broker:
        channel = broker.channel()
        queue = Queue(name, Exchange(""), routing_key=name, durable=False, exclusive=True, auto_delete=True, channel=channel)
        queue.declare()
        try:
            Producer(channel).publish({"doctor": name}, routing_key=name, exchange="")
            while (message := queue.get(no_ack=True)) is None:
                if time.monotonic() - started > BROKER_SECONDS:
                    raise TimeoutError("the message did not come back")
                time.sleep(0.01)
        finally:
            with suppress(Exception):  # what went wrong before is what is told
                queue.delete()
        if message.payload != {"doctor": name}:
            raise ValueError("another message came back")
    return round((time.monotonic() - started) * 1000)


def sweep_age() -> float | None:
    """Seconds since the sweep last ran, None when it never did."""
    ran_at = PeriodicLease.objects.filter(name="sweep").values_list("ran_at", flat=True).first()
    return None if ran_at is None else (timezone.now() - ran_at).total_seconds()


def check_sweep() -> Iterator[Finding]:
    """The sweep is sent by beat, carried by the broker and run by a worker: when it is fresh, all three work."""
    try:
        age = sweep_age()
    except DatabaseError as error:
        yield ill(f"It cannot be told when the sweep last ran: {_first_line(error)}")
        return
    if age is None:
        yield ill("The sweep has never run. Start beat and a worker (manage.py up runs both).")
    elif age > STALE_SECONDS:
        yield ill(f"The sweep last ran {age:.0f} s ago instead of every {settings.SWEEP_SECONDS:g} s. Is beat running? Is a worker?")
    else:
        yield well(f"Beat and worker are at work: the sweep ran {age:.0f} s ago.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
