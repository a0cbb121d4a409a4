"""RabbitMQ instead of Redis, by environment alone: orders once each over a killed worker and a cut wire, one rate for all workers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from kombu import Connection

from tests.journeys.effects import assert_exactly_once
from tests.journeys.relay import Relay, relay
from tests.journeys.traffic import Summary, deliver_times, follow, open_for_business, place
from tests.journeys.world import World, services_answer, world
from tests.settings import _answers

PORT = 5672
RATE, BURST = 25, 5  # calls per second to the books, of all workers together
LEASES = {"LEASE_SECONDS": "3", "HEARTBEAT_SECONDS": "1", "SWEEP_SECONDS": "1", "WORKER_THREADS": "16", "DATABASE_POOL_SIZE": "8"}

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(not services_answer() or not _answers(PORT), reason="PostgreSQL, Redis and RabbitMQ (5672) do not all answer here"),
]


@pytest.fixture
def wire() -> Iterator[Relay]:
    with relay(PORT) as made:
        yield made


@pytest.fixture
def shop_world(tmp_path: Path, wire: Relay) -> Iterator[World]:
    """With a queue of its own, as others may use this RabbitMQ."""
    queue = f"tillbridge-world-{secrets.token_hex(4)}"
    address = {"BROKER_URL": f"amqp://guest:guest@127.0.0.1:{wire.port}//", "BROKER_QUEUE": queue}
    try:
        with world(tmp_path, services=True, environ={**LEASES, **address}) as made:
            open_for_business(made, rate_per_second=RATE, rate_burst=BURST)
            made.start("worker2")
            yield made
    finally:
        with Connection(f"amqp://guest:guest@127.0.0.1:{PORT}//") as broker:
            broker.default_channel.queue_delete(queue)


def book_at_the_rate(made: World) -> list[Summary]:
    """Orders that two workers book together, no faster than their connection allows."""
    made.shop("deliveries", hold=True)
    orders = place(made, 20, seed=70)
    made.ledger("forget")
    began = time.monotonic()
    made.shop("deliveries", hold=False)
    follow(made, orders)
    seconds, calls = time.monotonic() - began, made.ledger("counters")["calls"]
    assert 4 * len(orders) < calls <= RATE * seconds + BURST
    counted = "SELECT COUNT(*) FROM credentials_ratebucket JOIN credentials_connection ON credentials_ratebucket.key = CAST({} AS text)"
    assert made.query(counted.format("credentials_connection.key")) == [(2,)], "without Redis the database counts"
    return orders


def test_rabbitmq_carries_the_bell(shop_world: World, wire: Relay) -> None:
    made = shop_world
    told = requests.get(f"{made.url}/readyz", timeout=10).json()
    assert (told["status"], told["broker"]) == ("ready", "answers")
    assert "The broker (amqp) passed a message on and back" in made.manage("doctor", "--only", "broker", "--only", "sweep").stdout
    orders = book_at_the_rate(made)
    orders += place(made, 10, seed=71)
    made.wait("in the middle of it", lambda: made.query("SELECT COUNT(*) FROM flows_syncjob WHERE state = 'running'") != [(0,)], 30)
    made.kill("worker")
    assert wire.cut() >= 3, "worker, beat and web are connected"
    orders += place(made, 5, seed=72)
    time.sleep(1.5)
    wire.mend()
    made.start("worker")
    follow(made, orders, 60)
    assert_exactly_once(made, orders)
    deliver_times(made)  # each delivery was answered with 200
    assert [made.running[name].exit_code for name in ("worker", "worker2", "beat")] == [None, None, None]
