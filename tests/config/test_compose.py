"""docker-compose.yml: the very commands and health checks in it are run here against the real PostgreSQL and Redis."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import yaml

from config.demo.comparison import compare_order, sort_invoices
from config.health import answers
from config.ports import free_port
from config.supervisor.programs import beat_command, web_command, worker_command
from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from tests.config.real_stack import ROOT, manage, wait_for

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")
SERVER = "postgres://postgres@127.0.0.1:5432"
BROKER = "redis://127.0.0.1:6379/11"


def test_the_supervisor_and_the_compose_file_run_the_same_commands() -> None:
    assert tuple(SERVICES["web"]["command"]) == web_command("0.0.0.0", 8000, 2, 4)
    assert [part.replace("${WORKER_THREADS:-64}", "64") for part in SERVICES["worker"]["command"]] == list(worker_command(64))
    assert tuple(SERVICES["beat"]["command"]) == beat_command()


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("SECRET_KEY", "FERNET_KEYS", "POSTGRES_PASSWORD", "PUBLIC_URL"):
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", text)
        assert uses, name
        assert all(use.startswith(":?") for use in uses), (name, uses)


def test_every_service_is_checked_and_data_lives_in_named_volumes() -> None:
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"migrate"}
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert mounted == set(COMPOSE["volumes"]) == {"database", "broker"}
    assert SERVICES["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


def test_the_image_does_not_run_as_root_and_installs_by_hash() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last_user = [line for line in lines if line.startswith("USER ")][-1]
    assert last_user == "USER tillbridge"
    assert any("pip install" in line and "--require-hashes" in line for line in lines)
    assert not [line for line in lines if line.startswith(("ENV SECRET", "ARG SECRET", "ENV FERNET"))]


def interpolated(value: str, environ: dict[str, str]) -> str:
    """${NAME:?why} and ${NAME:-default}, as compose does it."""

    def replace(match: re.Match[str]) -> str:
        name, rule, text = match.group(1), match.group(2), match.group(3)
        if environ.get(name):
            return environ[name]
        assert rule != ":?", f"{name}: {text}"
        return text or ""

    return re.sub(r"\$\{(\w+)(:\?|:-)?([^}]*)\}", replace, value)


class Installation:
    """The four services as processes of this machine, with the environment of the compose file."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.port = folder, free_port()
        given = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FERNET_KEYS": secrets.token_urlsafe(32),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "POSTGRES_PASSWORD": "unused",
            "WORKER_THREADS": "4",
        }
        settings = {name: interpolated(value, given) for name, value in SERVICES["web"]["environment"].items()}
        settings["DATABASE_URL"] = f"{SERVER}/{database}"  # the same settings, pointing to this machine's servers
        settings["BROKER_URL"] = BROKER
        settings["STATE_DIR"] = str(folder / "state")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environ = {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "ENV_FILE": "", **settings, "ALLOW_PRIVATE_STORES": "true"}
        self.given, self.processes = given, dict[str, subprocess.Popen[bytes]]()

    def words(self, command: list[str]) -> list[str]:
        return [interpolated(word, self.given).replace("8000", str(self.port)) for word in command]

    def run(self, name: str) -> int:
        return subprocess.run(self.words(SERVICES[name]["command"]), cwd=ROOT, env=self.environ, timeout=120).returncode

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                self.words(SERVICES[name]["command"]), cwd=ROOT, env=self.environ, stdout=log, stderr=subprocess.STDOUT, process_group=0
            )

    def healthy(self, name: str) -> bool:
        kind, *command = SERVICES[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return subprocess.run(self.words(command), cwd=ROOT, env=self.environ, capture_output=True, timeout=60).returncode == 0

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.glob("*.log"))

    def stop(self) -> dict[str, int]:
        codes = {}
        for name, process in self.processes.items():
            process.send_signal(signal.SIGTERM)
            grace = float(SERVICES[name]["stop_grace_period"].removesuffix("s"))
            try:
                codes[name] = process.wait(grace)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                codes[name] = process.wait()
        return codes


def port_answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    if os.environ.get("TEST_SERVICES") == "none" or not (port_answers(5432) and port_answers(6379)):
        pytest.skip("needs PostgreSQL on 5432 and Redis on 6379")
    database = f"tillbridge_compose_{secrets.token_hex(4)}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}")
    broker = redis.Redis.from_url(BROKER)
    broker.flushdb()
    installed = Installation(tmp_path, database)
    yield installed
    installed.stop()
    broker.flushdb()
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture
def sandboxes() -> Iterator[dict[str, Served]]:
    """The miniature platforms by role, in threads of this process."""
    served = {}
    for connector in (get_connector("woocommerce"), get_connector("freshbooks")):
        assert connector.sandbox is not None
        served[connector.sandbox.role] = serve(connector.sandbox.build, {"seed": 3})
    yield served
    for sandbox in served.values():
        sandbox.stop()


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {toml_value(part)}" for name, part in value.items()) + " }"
    return json.dumps(value)


def provisioning_file(served: dict[str, Served]) -> str:
    lines = ['[[organizations]]\nname = "Lantern"\nslug = "lantern"']
    for label, platform, role in (("Shop", "woocommerce", "shop"), ("Books", "freshbooks", "ledger")):
        spec = get_connector(platform).sandbox
        assert spec is not None
        given = {"organization": "lantern", "label": label, "platform": platform, **spec.connection(served[role].url)}
        lines.append("\n".join(["[[connections]]", *(f"{name} = {toml_value(value)}" for name, value in given.items() if value)]))
    flow = {"organization": "lantern", "label": "Orders", "recipe": "order_to_invoice", "source": "Shop", "destination": "Books"}
    options = {"statuses": ["processing", "completed", "on-hold", "pending", "refunded"], "invoice_prefix": "L-"}
    lines.append("\n".join(["[[flows]]", *(f"{name} = {toml_value(value)}" for name, value in {**flow, "options": options}.items())]))
    return "\n\n".join(lines)


def _an_order_becomes_an_exact_invoice(installation: Installation, served: dict[str, Served]) -> None:
    """Provision, subscribe, order in the shop: its webhooks go to the web process, the worker books them."""
    path = installation.folder / "lantern.toml"
    path.write_text(provisioning_file(served))
    done = manage(installation.environ, "provision", str(path))
    assert (done.returncode, "Shop: answers to its credentials." in done.stdout) == (0, True), done.stdout + done.stderr
    done = manage(installation.environ, "shell", "-c", "from flows.subscriptions import check_all; check_all()")
    assert done.returncode == 0, done.stderr
    orders = served["shop"].sandbox.command("place_orders", {"count": 3, "seed": 3})["orders"]

    def verdicts() -> list[bool]:
        books = served["ledger"].sandbox.command("books", {})["invoices"]
        found, unexplained = sort_invoices(books, {str(order["id"]): f"L-{order['number']}" for order in orders})
        return [compare_order("woocommerce", order, found[str(order["id"])], None).exact for order in orders] + [not unexplained]

    wait_for(lambda: all(verdicts()), 60, installation.logs)
    done = manage(installation.environ, "doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Nothing is wrong."), done.stdout


@pytest.mark.journey
def test_the_services_of_the_compose_file_run_and_are_healthy(installation: Installation, sandboxes: dict[str, Served]) -> None:
    assert not installation.healthy("web")
    assert installation.run("migrate") == 0
    assert not installation.healthy("worker"), "no sweep has run yet"
    for name in ("web", "worker", "beat"):
        installation.start(name)
    wait_for(lambda: answers("127.0.0.1", installation.port), 60, installation.logs)
    for name in ("web", "worker", "beat"):
        wait_for(lambda name=name: installation.healthy(name), 60, installation.logs)
    assert not answers("127.0.0.1", installation.port, public_url="https://another.example.com"), "an unknown host name is refused"
    _an_order_becomes_an_exact_invoice(installation, sandboxes)
    assert {process.poll() for process in installation.processes.values()} == {None}
    assert installation.stop() == {"web": 0, "worker": 0, "beat": 0}, installation.logs()
    assert not installation.healthy("web")
