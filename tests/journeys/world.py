"""A whole installation for a test: real processes, a real database and broker, the sandbox platforms; all on loopback."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from config.databases import worker_processes, worker_threads
from config.supervisor import processes, programs
from config.supervisor.broker import broker_program
from config.supervisor.processes import Running
from config.supervisor.programs import Program
from tests.journeys import clerk, stores
from tests.settings import _answers

LABELS = {"shop": "shop", "ledger": "books", "collector": "till"}  # of the connections, by the role of their sandbox
PLATFORMS = ("woocommerce", "freshbooks")  # the pair that the journeys are about


def services_answer() -> bool:
    """Whether PostgreSQL and Redis may be used here."""
    return os.environ.get("TEST_SERVICES") != "none" and _answers(5432) and _answers(6379)


@dataclass
class World:
    """Started programs by name, the sandboxes' addresses, and ways to ask all of them."""

    directory: Path
    environ: dict[str, str]
    port: int
    sandboxes: dict[str, Any] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)  # exit codes of what `tend` found dead
    server: psycopg.Connection[tuple[Any, ...]] | None = None
    hired: clerk.Clerk | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def say(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    @property
    def workers(self) -> int:
        """How many processes the worker is by default."""
        return worker_processes(self.environ["DATABASE_URL"])

    # ---- processes -----------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        self.running[name] = processes.start(self.program(name), self.say)

    def program(self, name: str) -> Program:
        sqlite = self.environ["DATABASE_URL"].startswith("sqlite")
        if name == "web":
            return programs.web_program("127.0.0.1", self.port, sqlite=sqlite, environ=self.environ)
        if name.startswith("worker"):
            return programs.worker_program(int(self.environ.get("WORKER_THREADS") or worker_threads(self.workers)), self.environ)
        if name == "beat":
            return programs.beat_program(self.environ)
        if name == "broker":
            return broker_program(self.directory / "b.sock", self.directory, self.environ)
        return programs.sandbox_program(self.directory / "sandbox.json", self.environ)

    def kill(self, name: str) -> None:
        """SIGKILL, as a power cut would."""
        processes.sweep_up(self.running.pop(name))

    def end(self) -> None:
        """As a power cut for all of them: how they stop when asked is another test's matter (test_up_journey)."""
        for name in list(self.running):
            self.kill(name)
        if self.hired:
            clerk.dismiss(self.hired)
        if self.server:
            self.server.close()

    def pause(self, name: str) -> None:
        os.killpg(self.running[name].process.pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        os.killpg(self.running[name].process.pid, signal.SIGCONT)

    def tend(self, *names: str) -> int:
        """Start again what has ended; how many were."""
        ended = [name for name in names if name not in self.running or self.running[name].exit_code is not None]
        for name in ended:
            if name in self.running:
                self.ended.append(self.running[name].exit_code or 0)
                processes.sweep_up(self.running.pop(name))
            self.start(name)
        return len(ended)

    def manage(self, *arguments: str, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py; its output is in the result."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env={**self.environ, **more},
            cwd=programs.BASE_DIR,
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert not check or result.returncode == 0, f"{arguments}: {result.stdout}\n{result.stderr}"
        return result

    def shell(self, code: str) -> str:
        """Run code beside the installation, with its settings and models; what it printed."""
        self.hired = self.hired or clerk.hire(self.environ)
        return clerk.have_done(self.hired, code)

    # ---- asking --------------------------------------------------------------------------------------------

    def ask(self, role: str, action: str, **body: Any) -> Any:
        """An action on the admin port of the sandbox with this role."""
        found = next(sandbox for sandbox in self.sandboxes.values() if sandbox["role"] == role)
        answer = requests.post(f"{found['admin_url']}/{action}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def shop(self, action: str, **body: Any) -> Any:
        return self.ask("shop", action, **body)

    def ledger(self, action: str, **body: Any) -> Any:
        return self.ask("ledger", action, **body)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows straight from the installation's database."""
        url = self.environ["DATABASE_URL"]
        if url.startswith("sqlite:///"):
            with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30) as database:
                return database.execute(sql).fetchall()
        if self.server is None:
            self.server = psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True)
        return self.server.execute(sql).fetchall()

    def unfinished(self) -> list[tuple[Any, ...]]:
        """Events not passed on and jobs not ended."""
        return self.query("SELECT 'event', id, note, '' FROM flows_inboundevent WHERE state = 'received'") + self.query(
            "SELECT source_id, id, state, reason FROM flows_syncjob WHERE state NOT IN ('done', 'nothing', 'superseded')"
        )

    def wait(self, what: str, until: Callable[[], bool], seconds: float = 60, tend: tuple[str, ...] = ()) -> None:
        """Poll until it is so; the end of the log is in the failure."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if until():
                return
            if tend:
                self.tend(*tend)
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}; {self.unfinished()[:10]}\n" + "\n".join(self.lines[-40:]))

    def settled(self, orders: int, seconds: float = 60, tend: tuple[str, ...] = ()) -> None:
        """Wait until so many orders have ended well and nothing is under way."""

        def over() -> bool:
            done = self.query("SELECT COUNT(*) FROM flows_syncrecord WHERE object_type = 'order' AND outcome IN ('done', 'nothing')")
            return done[0][0] >= orders and not self.unfinished()

        self.wait(f"{orders} orders settled", over, seconds, tend)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def world(
    directory: Path,
    *,
    services: bool,
    own_broker: bool = False,
    environ: Mapping[str, str] | None = None,
    platforms: Sequence[str] = PLATFORMS,
) -> Iterator[World]:
    """Make one with migrated database and running sandboxes; everything is stopped and dropped afterwards.

    own_broker: a broker of this world alone beside PostgreSQL, for tests that freeze, kill or empty it.
    """
    port = free_port()
    plain = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "HOME", "TZ")}
    made = World(directory, {
        **plain, "STATE_DIR": str(directory), "ENV_FILE": "", "SECRET_KEY": "world", "FERNET_KEYS": "world-key",
        "PUBLIC_URL": f"http://127.0.0.1:{port}", "ALLOW_PRIVATE_STORES": "true",
        "CELERY_SKIP_CHECKS": "1",  # Django's checks: a third of a worker's start, the same each time
        **(environ or {}),
    }, port)  # fmt: skip
    found = _stores(made, services=services)
    made.environ |= found | ({"BROKER_URL": stores.own_broker(directory)} if own_broker else {}) | dict(environ or {})
    try:
        if own_broker or not services:
            made.start("broker")
        if platforms:
            made.start("sandbox")
            made.wait("sandboxes", (directory / "sandbox.json").exists, 90)
            announced = json.loads((directory / "sandbox.json").read_text())
            made.sandboxes = {platform: announced[platform] for platform in platforms}
        yield made
    finally:
        made.end()
        if services:
            stores.drop(found)


def _stores(made: World, *, services: bool) -> dict[str, str]:
    def migrate(where: Mapping[str, str]) -> None:
        made.manage("migrate", "-v", "0", **where)

    if services:
        return stores.services(f"tillbridge_world_{secrets.token_hex(4)}", migrate)
    return stores.embedded(made.directory, migrate)


FLOWS = """
[[flows]]
organization = "acme"
label = "orders"
recipe = "order_to_invoice"
source = "shop"
destination = "books"
poll_seconds = {poll}
{options}

[[flows]]
organization = "acme"
label = "payments"
recipe = "payment_to_order_status"
source = "books"
destination = "shop"
poll_seconds = {poll}
"""


def provision(made: World, *, poll: int = 0, options: str = "", settings: Mapping[str, Any] | None = None, flows: str = FLOWS) -> None:
    """Organization, both connections and the flows, by the real command from a real file."""
    lines = ['[[organizations]]\nname = "Acme"\nslug = "acme"\ncontacts = ["books@acme.test"]\n']
    lines += [connection(platform, sandbox, dict(settings or {})) for platform, sandbox in made.sandboxes.items()]
    lines.append(flows.format(poll=poll, options=options))
    run_provision(made, made.directory / "world.toml", "\n".join(lines))


def run_provision(made: World, file: Path, text: str) -> None:
    file.write_text(text)
    made.shell(f"from django.core.management import call_command\ncall_command('provision', {str(file)!r})")


def connection(platform: str, sandbox: Mapping[str, Any], extra: dict[str, Any]) -> str:
    """A connection of acme to a sandbox, as a provisioning file says it."""
    wanted = sandbox["connection"]
    settings = {**wanted.get("settings", {}), "settle_seconds": 2, "rate_per_second": 5000, **extra}
    if sandbox["role"] != "ledger":
        settings.pop("settle_seconds")
    tables = {"urls": wanted.get("urls", {}), "ids": wanted.get("ids", {}), "secrets": wanted["secrets"], "settings": settings}
    head = {
        "organization": "acme", "platform": platform, "label": LABELS[sandbox["role"]],
        "base_url": wanted["base_url"],
    }  # fmt: skip
    text = "[[connections]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in head.items())
    return text + "".join(
        f"{name} = {{ {', '.join(f'{json.dumps(k)} = {json.dumps(v)}' for k, v in table.items())} }}\n"
        for name, table in tables.items() if table
    )  # fmt: skip
