"""Sets the demo's stage: the stack with its sandboxes is started, an organization with connections and flows provisioned."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connections as databases

from config.demo.platforms import Miniature, read_announcement
from config.demo.progress import tell
from config.health import answers
from config.provision.apply import provision
from config.supervisor.broker import tidy_up
from config.supervisor.processes import Say, speaker
from config.supervisor.programs import sandbox_program
from config.supervisor.serving import Wanted, programs_for, stop_or_kill, tend_until
from config.supervisor.stack import Stack, start_stack
from connectors.registry import get_connector
from credentials.models import Connection
from credentials.services import probe_connection
from flows.models import Flow, Subscription
from flows.recipes import RECIPES
from flows.subscriptions import ensure_subscriptions

ORGANIZATION = "demo"
START_SECONDS = 60.0
DEMO_POLL = 2  # seconds
BACKFILL_POLL = 30


class DemoFailed(Exception):
    """The demo cannot go on; the message says why."""


class DemoStopped(Exception):
    """A person pressed Ctrl-C."""


@dataclass(frozen=True)
class Stage:
    """What is set up: the shops, the books, and the flows between them. collecting: those with the collectors, still switched off."""

    shops: tuple[Miniature, ...]
    ledger: Miniature
    connections: Mapping[str, Connection]
    flows_out: Mapping[str, Flow]
    flows_back: Mapping[str, Flow]
    user: str
    password: str
    collectors: tuple[Miniature, ...] = ()
    collecting: tuple[Flow, ...] = ()
    flows_more: tuple[Flow, ...] = ()

    @property
    def flows(self) -> tuple[Flow, ...]:
        """All of them, both ways."""
        return (*self.flows_out.values(), *self.flows_back.values(), *self.flows_more, *self.collecting)


def wait_until(condition: Callable[[], bool], stopping: threading.Event, seconds: float, what: str) -> None:
    """Raises DemoFailed when it does not come true in time, DemoStopped at Ctrl-C."""
    until = time.monotonic() + seconds
    while not condition():
        if stopping.wait(0.1):
            raise DemoStopped
        if time.monotonic() > until:
            raise DemoFailed(f"{what} did not happen within {seconds:g} s.")


@contextmanager
def running_stack(log: Path, stopping: threading.Event, seed: int) -> Iterator[tuple[Miniature, ...]]:
    """The stack and its sandboxes, stopped again at the end; its log lines go to the file."""
    announce = settings.STATE_DIR / "sandboxes.json"
    call_command("migrate", interactive=False, verbosity=0)
    databases.close_all()
    with log.open("w") as out, _tended(_start(speaker(out), announce, seed)):
        address = urlsplit(settings.PUBLIC_URL)
        wait_until(announce.exists, stopping, START_SECONDS, "The start of the sandboxes")
        host, port = str(address.hostname), int(address.port or 80)
        wait_until(lambda: answers(host, port, "/readyz"), stopping, START_SECONDS, "The start of the web process")
        yield read_announcement(announce)


def _start(say: Say, announce: Path, seed: int) -> Stack:
    address = urlsplit(settings.PUBLIC_URL)
    environ = dict(os.environ)
    wanted = Wanted(
        state_dir=settings.STATE_DIR,
        broker_url=settings.BROKER_URL,
        sqlite=databases["default"].vendor == "sqlite",
        worker_threads=settings.WORKER_THREADS,
        worker_processes=settings.WORKER_PROCESSES,
        host=str(address.hostname),
        port=int(address.port or 80),
        environ=environ,
    )
    programs = [*programs_for(wanted), sandbox_program(announce, environ, "--seed", str(seed))]
    return start_stack(programs, settings.STATE_DIR, say)


@contextmanager
def _tended(stack: Stack) -> Iterator[None]:
    """Look after the stack in the background, stop it at the end."""
    ending = threading.Event()
    keeper = threading.Thread(target=tend_until, args=(stack, ending), name="keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        keeper.join()
        stop_or_kill(stack)
        tidy_up(settings.BROKER_URL, settings.STATE_DIR)


def set_up(miniatures: tuple[Miniature, ...], stopping: threading.Event) -> Stage:
    """Provision everything, try the connections out, register the webhooks and wait for their handshakes. Raises DemoFailed."""
    shops = tuple(miniature for miniature in miniatures if miniature.role == "shop")
    ledgers = [miniature for miniature in miniatures if miniature.role == "ledger"]
    collectors = tuple(miniature for miniature in miniatures if miniature.role == "collector")
    if not shops or not ledgers:
        raise DemoFailed("The demo needs the sandbox of a shop and of a ledger.")
    password = secrets.token_urlsafe(9)
    provision(_document(shops, ledgers[0], collectors, password), os.environ)
    connections = {row.platform: row for row in Connection.objects.filter(organization__slug=ORGANIZATION)}
    for connection in connections.values():
        _try_out(connection)
    inactive = Subscription.objects.filter(connection__organization__slug=ORGANIZATION).exclude(status=Subscription.Status.ACTIVE)
    wait_until(lambda: not inactive.exists(), stopping, START_SECONDS, "The handshake of every webhook")
    flows = Flow.objects.filter(organization__slug=ORGANIZATION).select_related("source", "destination")
    return Stage(
        shops,
        ledgers[0],
        {platform: Connection.objects.get(pk=row.pk) for platform, row in connections.items()},
        {flow.source.platform: flow for flow in flows if flow.recipe == OUT},
        {flow.destination.platform: flow for flow in flows if flow.recipe == BACK},
        "demo",
        password,
        collectors,
        tuple(flow for flow in flows if flow.recipe in COLLECTING and not _concerns(flow, shops)),
        tuple(flow for flow in flows if flow.recipe in (MARK, CLIENTS) and _concerns(flow, shops)),
    )


def switch_on(stage: Stage, stopping: threading.Event) -> None:
    """Switch the flows with the collectors on, and wait for the webhooks that they need. Raises DemoFailed."""
    Flow.objects.filter(pk__in=[flow.pk for flow in stage.collecting]).update(enabled=True)
    for connection in {flow.source_id: flow.source for flow in stage.collecting}.values():
        problems = ensure_subscriptions(connection, actor="demo")
        if problems:
            raise DemoFailed(f"{connection.label}: {' '.join(problems)}")
    inactive = Subscription.objects.filter(connection__organization__slug=ORGANIZATION).exclude(status=Subscription.Status.ACTIVE)
    wait_until(lambda: not inactive.exists(), stopping, START_SECONDS, "The handshake of every webhook")


def _concerns(flow: Flow, shops: tuple[Miniature, ...]) -> bool:
    """Whether a flow from the books goes to one of the shops."""
    return flow.destination.platform in [shop.platform for shop in shops]


def _try_out(connection: Connection) -> None:
    probe = probe_connection(connection)
    if not probe.ok:
        raise DemoFailed(f"{connection.label}: {' '.join(probe.problems)}")
    connection.refresh_from_db()
    problems = ensure_subscriptions(connection, actor="demo")
    if problems:
        raise DemoFailed(f"{connection.label}: {' '.join(problems)}")
    tell(f"Connected to {connection.label}.")


OUT, BACK = "order_to_invoice", "payment_to_order_status"
MARK, CLIENTS = "invoice_to_order_mark", "client_to_customer"


COLLECTING = ("client_to_customer", "invoice_to_collection", "collection_to_payment")


def _document(shops: tuple[Miniature, ...], ledger: Miniature, collectors: tuple[Miniature, ...], password: str) -> dict[str, Any]:
    """What a provisioning file for the demo would say."""
    connections = [_connection(miniature) for miniature in (*shops, ledger, *collectors)]
    flows = [flow for collector in collectors for flow in _circle(ledger, collector)]
    for shop in shops:
        options = {"statuses": booked_statuses(shop), "invoice_prefix": invoice_prefix(shop)}
        there = {"recipe": OUT, "source": shop.label, "destination": ledger.label, "options": options, **polled(shop)}
        flows.append({"organization": ORGANIZATION, "label": f"{shop.label} orders to {ledger.label}", **there})
        if hears_of_payments(shop):
            back = {"recipe": BACK, "source": ledger.label, "destination": shop.label}
            flows.append({"organization": ORGANIZATION, "label": f"{ledger.label} payments to {shop.label}", **back})
        flows += _more_flows(shop, ledger)
    return {
        "organizations": [{"name": "Demo Trading", "slug": ORGANIZATION}],
        "users": [{"username": "demo", "password": password, "superuser": True, "organizations": [ORGANIZATION]}],
        "connections": connections,
        "flows": flows,
    }


def _circle(ledger: Miniature, collector: Miniature) -> list[dict[str, Any]]:
    """The three flows with a collector. They are switched on once the orders are done, whose figures they would blur."""
    made = []
    for recipe in COLLECTING:
        ends = (collector.label, ledger.label) if recipe == COLLECTING[-1] else (ledger.label, collector.label)
        label = f"{ends[0]} to {ends[1]}: {RECIPES[recipe].label}"
        pair: dict[str, Any] = {"source": ends[0], "destination": ends[1]}
        if recipe == COLLECTING[-1]:
            pair["options"] = {"test_money": "book"}  # a sandbox has no other
        made.append({"organization": ORGANIZATION, "label": label, "recipe": recipe, "enabled": False, **pair})
    return made


def _more_flows(shop: Miniature, ledger: Miniature) -> list[dict[str, Any]]:
    """Orders that are marked as booked, and clients that go to the shop, where it can be told so."""
    words = {MARK: "marks", CLIENTS: "clients"}
    back = {"organization": ORGANIZATION, "source": ledger.label, "destination": shop.label}
    return [
        {**back, "recipe": recipe, "label": f"{ledger.label} {word} to {shop.label}"}
        for recipe, word in words.items()
        if told(shop, recipe)
    ]


def _connection(miniature: Miniature) -> dict[str, Any]:
    given = {name: value for name, value in miniature.connection.items() if value}
    given["settings"] = {**miniature.connection["settings"], "rate_per_second": 1000}  # a sandbox need not be spared
    return {"organization": ORGANIZATION, "label": miniature.label, "platform": miniature.platform, **given}


def invoice_prefix(shop: Miniature) -> str:
    """What stands before the order number on the shop's invoices: "WOO-" and the like."""
    return f"{shop.platform[:3].upper()}-"


def polled(shop: Miniature) -> dict[str, Any]:
    """Often where no webhook tells, and soon enough that a webhook lost on a busy machine is made good: nobody watches for minutes."""
    webhooks = get_connector(shop.platform).webhooks
    return {"poll_seconds": BACKFILL_POLL if webhooks and not webhooks.by_hand else DEMO_POLL}


def hears_of_payments(shop: Miniature) -> bool:
    """Whether its orders can be moved on from here."""
    return told(shop, BACK)


def told(shop: Miniature, recipe: str) -> bool:
    """Whether this recipe can write there."""
    return set(RECIPES[recipe].writes) <= set(get_connector(shop.platform).writes)


def booked_statuses(shop: Miniature) -> list[str]:
    """Nothing, so that the shop's own notion of paid counts; where it hears of payments, also the statuses that wait for one: those are
    paid later.
    """
    if not hears_of_payments(shop):
        return []
    connector, waiting = get_connector(shop.platform), waiting_statuses()
    return [*connector.paid_statuses, *(name for name, _label in connector.statuses if name in waiting)]


def waiting_statuses() -> tuple[str, ...]:
    """The statuses that the way back moves on, as its option has them by default."""
    option = next(option for option in RECIPES[BACK].options if option.name == "waiting_statuses")
    return tuple(str(option.default).split(","))
