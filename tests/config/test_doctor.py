"""The doctor tells what is wrong, in sentences, and goes on when a check breaks."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from config.doctor import accounts, examination, machine
from config.doctor.finding import Finding
from config.doctor.keys import check_keys
from config.health import answers
from connectors.kit.contract import Probe, RemoteSubscription
from credentials.models import Connection, Organization, Secret
from credentials.vault import set_secrets
from flows.models import Flow, PeriodicLease, Subscription
from flows.subscriptions import inbox_url

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def sentences(findings: Iterator[Finding]) -> list[tuple[bool, str]]:
    return [(finding.ok, finding.message) for finding in findings]


@pytest.fixture
def shop() -> Connection:
    organization = Organization.objects.create(name="Fern & Flint", slug="fern")
    shop = Connection.objects.create(
        organization=organization, platform="woocommerce", label="Shop", base_url="https://fern.example", status="active"
    )
    set_secrets(shop, {"consumer_key": "ck_fern_0001", "consumer_secret": "cs_fern_0001"})
    return shop


@pytest.fixture
def flow(shop: Connection) -> Flow:
    books = Connection.objects.create(organization=shop.organization, platform="freshbooks", label="Books", status="paused")
    return Flow.objects.create(organization=shop.organization, label="Orders", source=shop, destination=books, recipe="order_to_invoice")


def test_the_database_is_named_and_written_to_without_a_trace() -> None:
    findings = sentences(machine.check_database())
    assert [ok for ok, _ in findings] == [True]
    assert findings[0][1].endswith(" answers and takes writes.")
    assert list(machine.check_database()) == list(machine.check_database()), "a table that was left behind would be in the way"


def test_all_migrations_are_applied_here() -> None:
    assert sentences(machine.check_migrations()) == [(True, "All migrations are applied.")]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (None, (False, "The sweep has never run. Start beat and a worker (manage.py up runs both).")),
        (2, (True, "Beat and worker are at work: the sweep ran 2 s ago.")),
        (300, (False, "The sweep last ran 300 s ago instead of every 2 s. Is beat running? Is a worker?")),
    ],
)
def test_a_stale_sweep_is_told(age: int | None, expected: tuple[bool, str]) -> None:
    if age is not None:
        now = timezone.now()
        PeriodicLease.objects.create(name="sweep", held_until=now, ran_at=now - timedelta(seconds=age))
    assert sentences(machine.check_sweep()) == [expected]


def test_a_broker_that_is_not_there_is_told_with_what_to_do(settings: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.BROKER_URL = f"redis://127.0.0.1:{probe.getsockname()[1]}/0"
        [(ok, sentence)] = sentences(machine.check_broker())
    assert not ok
    assert sentence.startswith("The broker (redis) does not answer (")
    assert sentence.endswith("Check BROKER_URL and that the broker runs.")


def test_settings_that_would_be_unsafe_are_told(settings: Any) -> None:
    settings.PUBLIC_URL, settings.DEBUG, settings.ALLOWED_HOSTS = "http://books.example", True, ["127.0.0.1"]
    findings = {finding.subject: finding.message for finding in machine.check_settings() if not finding.ok}
    assert set(findings) == {"DEBUG", "PUBLIC_URL", "ALLOWED_HOSTS"}
    assert findings["ALLOWED_HOSTS"] == "ALLOWED_HOSTS does not name books.example, so every call would be refused. Add it."


def test_a_public_address_that_is_none_is_told(settings: Any) -> None:
    settings.PUBLIC_URL = "books.example"
    assert [finding.subject for finding in machine.check_settings() if not finding.ok] == ["PUBLIC_URL"]


def test_keys_that_fit_are_fine_and_lost_ones_are_named(shop: Connection, settings: Any) -> None:
    assert [ok for ok, _ in sentences(check_keys())] == [True, True]
    settings.FERNET_KEYS = ["quite another key"]
    findings = list(check_keys())
    assert [(finding.ok, finding.subject) for finding in findings] == [(True, ""), (False, "Shop")]
    assert "cannot be decrypted" in findings[1].message
    assert "cs_fern_0001" not in str(findings)


def test_a_secret_moved_to_another_row_is_found(shop: Connection) -> None:
    other = Connection.objects.create(organization=shop.organization, platform="woocommerce", label="Other", base_url="https://o.example")
    Secret.objects.filter(connection=shop, name="consumer_key").update(connection=other)
    assert [finding.subject for finding in check_keys() if not finding.ok] == ["Other"]


def test_each_connection_is_really_called_and_paused_ones_are_not(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def probe(connection: Connection, *, actor: str) -> Probe:
        called.append((connection.label, actor))
        return Probe(problems=("The shop answers 404 at its address.",))

    monkeypatch.setattr(accounts, "probe_connection", probe)
    findings = list(accounts.check_connections())
    assert called == [("Shop", "doctor")]
    assert [(finding.ok, finding.subject, finding.message) for finding in findings] == [
        (False, "Shop of Fern & Flint", "The shop answers 404 at its address."),
        (True, "Books of Fern & Flint", "Is paused and was not called."),
    ]


TOPICS = ("order.created", "order.deleted", "order.restored", "order.updated")


def test_each_webhook_is_compared_with_what_its_platform_shows(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = flow.source
    for number, topic in enumerate(TOPICS[:3], 1):
        Subscription.objects.create(connection=shop, topic=topic, remote_id=str(number), status="active", secret="signing")
    address = inbox_url(shop)
    remote = (
        RemoteSubscription("1", TOPICS[0], address, "active"),
        RemoteSubscription("2", TOPICS[1], address, "disabled"),
        RemoteSubscription("3", TOPICS[2], "https://old.example/in/", "active"),
    )
    monkeypatch.setattr(accounts, "open_api", lambda connection: None)
    webhooks = accounts.get_connector("woocommerce").webhooks
    assert webhooks is not None
    listing = type(webhooks.subscriptions)
    monkeypatch.setattr(
        accounts, "get_connector", lambda platform: _with_list(platform, listing(list=lambda api: remote, create=None, delete=None))
    )
    findings = {finding.subject.split(" of ")[0]: (finding.ok, finding.message) for finding in accounts.check_subscriptions()}
    assert findings[TOPICS[0]] == (True, "The webhook is active.")
    assert findings[TOPICS[1]] == (False, "The platform shows the webhook as disabled. Open Subscriptions and choose re-enable.")
    assert findings[TOPICS[2]][1].startswith("The webhook calls another address than ours. Is PUBLIC_URL (")
    assert findings[TOPICS[3]] == (False, "The webhook is not registered yet; beat does it within five minutes.")


def _with_list(platform: str, subscriptions: Any) -> Any:
    from dataclasses import replace

    from connectors.registry import get_connector

    connector = get_connector(platform)
    assert connector.webhooks is not None
    return replace(connector, webhooks=replace(connector.webhooks, subscriptions=subscriptions))


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Finding]:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setitem(examination.CHECKS, "settings", broken)
    code, text = run("--json", "--only", "settings", "--only", "migrations")
    document = json.loads(text)
    assert (code, document["ok"]) == (1, False)
    assert [(check["check"], check["ok"]) for check in document["checks"]] == [("settings", False), ("migrations", True)]
    assert document["checks"][0]["message"] == "The check itself failed (RuntimeError: nobody foresaw this)."


def test_exit_code_and_sentences() -> None:
    assert run("--only", "migrations") == (0, "ok  migrations    All migrations are applied.\n\nNothing is wrong.\n")
    code, text = run("--only", "sweep")
    assert (code, text.splitlines()[-1]) == (1, "1 of 1 findings need you.")
    assert text.startswith("BAD sweep         The sweep has never run.")


def test_health_addresses_tell_alive_and_ready_apart(client: Client) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").json()) == (200, {"status": "alive"})
    ready = client.get("/readyz")
    told = {"status": "ready", "database": "answers", "migrations": "applied", "broker": "answers", "sweep_age_seconds": None}
    assert (ready.status_code, {**ready.json(), "broker": "answers"}) == (200, told)


def test_ready_without_a_broker_but_not_without_migrations(client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr("config.views._broker", (float("-inf"), False))
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    started = time.monotonic()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["broker"]) == (200, "does not answer")
    assert time.monotonic() - started < 3
    monkeypatch.setattr("config.views._migrated", False)
    monkeypatch.setattr("config.views.missing_migrations", lambda: ["flows.0099_later"])
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "database": "answers", "migrations": "1 to be applied"})


def test_not_ready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def fail() -> float:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("config.views.sweep_age", fail)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "database": "does not answer"})
    assert client.get("/healthz").status_code == 200


def test_nobody_answers_on_a_closed_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert not answers("127.0.0.1", probe.getsockname()[1], timeout=0.5)
