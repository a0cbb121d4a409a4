"""The databases and brokers of worlds: a database is migrated once in each test process and copied for every world."""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import redis

POSTGRES = "postgres://postgres@127.0.0.1:5432/"
NUMBERS, TAKEN = range(1, 9), "tillbridge:world:{}"
Migrate = Callable[[Mapping[str, str]], object]

_templates: dict[str, str] = {}  # "postgresql": the database's name, "sqlite": the file's path


def _maintenance(statement: str) -> None:
    with psycopg.connect(POSTGRES.replace("postgres://", "postgresql://") + "postgres", autocommit=True) as server:
        server.execute(statement)  # type: ignore[call-overload]


def services(name: str, migrate: Migrate) -> dict[str, str]:
    """A database of this name on PostgreSQL, migrated, and an empty database of Redis: where they are."""
    if "postgresql" not in _templates:
        template = f"tillbridge_world_{secrets.token_hex(4)}"
        _maintenance(f"CREATE DATABASE {template}")
        atexit.register(_drop_database, template)
        migrate({"DATABASE_URL": POSTGRES + template})
        _templates["postgresql"] = template
    _maintenance(f"CREATE DATABASE {name} TEMPLATE {_templates['postgresql']}")
    return {"DATABASE_URL": POSTGRES + name, "BROKER_URL": _a_free_redis(name)}


def _a_free_redis(name: str) -> str:
    """One of eight of Redis' databases that no other world has: their workers would take each other's messages."""
    server = redis.Redis()
    free = (number for number in NUMBERS if server.set(TAKEN.format(number), name, nx=True, ex=3600))
    number = next(free, NUMBERS[int(name[-4:], 16) % len(NUMBERS)])
    redis.Redis(db=number).flushdb()
    return f"redis://127.0.0.1:6379/{number}"


def embedded(directory: Path, migrate: Migrate) -> dict[str, str]:
    """A migrated file of SQLite and the place of a broker's socket."""
    if "sqlite" not in _templates:
        folder = tempfile.mkdtemp(prefix="tillbridge-template-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        migrate({"DATABASE_URL": f"sqlite:///{folder}/world.sqlite3"})
        _templates["sqlite"] = f"{folder}/world.sqlite3"
    shutil.copyfile(_templates["sqlite"], directory / "world.sqlite3")
    return {"DATABASE_URL": f"sqlite:///{directory / 'world.sqlite3'}", "BROKER_URL": own_broker(directory)}


def own_broker(directory: Path) -> str:
    """The address of a broker of this world alone."""
    return f"redis+socket://{directory / 'b.sock'}"


def drop(stores: Mapping[str, str]) -> None:
    """Away with a world's database on PostgreSQL, and what it left in Redis."""
    redis.Redis.from_url(stores["BROKER_URL"]).flushdb()
    redis.Redis().delete(TAKEN.format(stores["BROKER_URL"].rpartition("/")[2]))
    _drop_database(stores["DATABASE_URL"].removeprefix(POSTGRES))


def _drop_database(name: str) -> None:
    _maintenance(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
