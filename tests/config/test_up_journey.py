"""`manage.py up` and `manage.py demo` with real processes on the embedded defaults."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from config.firstrun import embedded_broker_url
from config.health import answers
from config.ports import free_port
from config.supervisor.broker import socket_of
from tests.config.real_stack import ROOT, bare_environment, manage, processes_with, wait_for

pytestmark = [
    pytest.mark.journey,
    pytest.mark.embedded,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


class Up:
    """A running `manage.py up`."""

    def __init__(self, folder: Path) -> None:
        self.state_dir, self.log, self.port = folder / "state", folder / "log", free_port()
        self.environ = bare_environment(self.state_dir)
        command = [sys.executable, "manage.py", "up", "--port", str(self.port)]
        with self.log.open("w") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=out, stderr=subprocess.STDOUT)

    def wait_until_well(self) -> None:
        wait_for(lambda: answers("127.0.0.1", self.port), 60, self.log.read_text)
        wait_for(lambda: self.doctor("sweep").returncode == 0, 30, self.log.read_text)

    def doctor(self, *only: str) -> subprocess.CompletedProcess[str]:
        environ = {**self.environ, "PUBLIC_URL": f"http://127.0.0.1:{self.port}"}
        return manage(environ, "doctor", "--json", *(f"--only={name}" for name in only))

    def pid_of(self, part: str) -> int:
        """The process of a part: Granian's or Celery's first, or the broker."""
        needles = {"web": "-m granian", "worker": "celery -A config.celery:app worker", "beat": "app beat", "broker": "valkey-server"}
        pids = [pid for pid, command in processes_with(str(self.state_dir)).items() if needles[part] in command]
        return min(pids, default=0)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()
    wait_for(lambda: not processes_with(str(running.state_dir)), 20, lambda: str(processes_with(str(running.state_dir))))


def test_up_serves_restarts_what_is_killed_and_stops_cleanly(up: Up) -> None:
    up.wait_until_well()
    done = up.doctor()
    checks = {(check["check"], check["ok"]) for check in json.loads(done.stdout)["checks"]}
    assert checks == {(name, True) for name in CHECK_NAMES}, done.stdout
    assert done.returncode == 0

    victims = {part: up.pid_of(part) for part in ("web", "worker", "beat", "broker")}
    assert all(victims.values()), processes_with(str(up.state_dir))
    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: all(up.pid_of(part) not in (0, pid) for part, pid in victims.items()), 30, up.log.read_text)
    up.wait_until_well()
    said = up.log.read_text()
    for part in victims:
        assert f"{part} was ended by SIGKILL; it starts again in 0.5 s" in said

    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(40) == 0, up.log.read_text()
    stops = re.findall(r"stopping (\w+)", up.log.read_text())
    assert stops == ["web", "beat", "worker", "broker"]
    assert "did not stop within" not in up.log.read_text()
    socket = socket_of(embedded_broker_url(up.state_dir))
    assert socket is not None
    assert not socket.exists()
    assert socket.parent == up.state_dir or not socket.parent.exists()
    wait_for(lambda: not processes_with(str(up.state_dir)), 5, lambda: str(processes_with(str(up.state_dir))))


CHECK_NAMES = ("settings", "database", "migrations", "broker", "sweep", "keys", "connections", "subscriptions")


def test_kill_nine_of_the_supervisor_takes_the_whole_stack_with_it(up: Up) -> None:
    up.wait_until_well()
    assert len(processes_with(str(up.state_dir))) >= 6
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not processes_with(str(up.state_dir)), 15, lambda: str(processes_with(str(up.state_dir))))


def test_a_taken_port_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = manage(bare_environment(tmp_path / "state"), "up", "--port", str(port))
    assert done.returncode == 1
    assert f"127.0.0.1:{port} is taken by another program. Choose another port: manage.py up --port N." in done.stderr
    assert not processes_with(str(tmp_path / "state"))


def test_the_demo_books_every_order_exactly_in_a_world_of_its_own(tmp_path: Path) -> None:
    environ = bare_environment(
        tmp_path / "real",
        TMPDIR=str(tmp_path),
        DATABASE_URL="postgres://nobody@127.0.0.1:9/real",
        BROKER_URL="redis://127.0.0.1:9/0",
        SECRET_KEY="real",
        FERNET_KEYS="real",
    )
    done = manage(environ, "demo", "--once", "--orders", "12", "--json", seconds=240)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["exact"], document["waiting"], document["failed"]) == (True, 0, 0)
    assert len(document["orders"]) == 12
    for order in document["orders"]:
        assert set(order) == ORDER_FIELDS
        assert order["exact"] is True
        assert Decimal(order["invoice_amount"]) == Decimal(order["order_total"])
        assert Decimal(order["paid"]) == Decimal(order["captured"])
        assert order["invoice_number"].endswith(order["order"])
        assert isinstance(order["latency_ms"], int)
    assert document["returns"]
    assert all(back["ok"] for back in document["returns"])
    assert document["freshbooks_calls"] > 0
    assert not (tmp_path / "real").exists()
    assert list(tmp_path.glob("tillbridge-demo-*")) == []
    assert not processes_with(str(tmp_path))


ORDER_FIELDS = {
    *("platform", "order", "currency", "order_total", "invoice_number", "invoice_amount", "captured", "paid", "exact", "latency_ms"),
}


def test_the_demo_serves_until_told_to_stop_and_removes_what_it_made(tmp_path: Path) -> None:
    environ = bare_environment(tmp_path / "real", TMPDIR=str(tmp_path))
    command = [sys.executable, "manage.py", "demo", "--orders", "3", "--port", str(free_port())]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT)
    try:
        said = (tmp_path / "out").read_text
        wait_for(lambda: "Ctrl-C stops everything" in said(), 120, said)
        address = re.search(r"Console: http://127\.0\.0\.1:(\d+)/admin/   user: demo   password: \S{12}", said())
        assert address, said()
        assert answers("127.0.0.1", int(address.group(1)), "/admin/login/")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, said()
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.glob("tillbridge-demo-*")) == []
    wait_for(lambda: not processes_with(str(tmp_path)), 5, lambda: str(processes_with(str(tmp_path))))
