"""Many deliveries, many orders of one customer, many orders at all: once each, and how fast."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.journeys.effects import assert_exactly_once
from tests.journeys.traffic import all_workers, cpu_seconds, follow, open_for_business, place, tell
from tests.journeys.world import World, services_answer, world

pytestmark = [pytest.mark.journey, pytest.mark.slow]


@pytest.fixture(scope="module", params=["postgresql", pytest.param("embedded", marks=pytest.mark.embedded)])
def shop_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    services = request.param == "postgresql"
    if services and not services_answer():
        pytest.skip("PostgreSQL and Redis do not answer on their usual ports, or TEST_SERVICES=none")
    with world(tmp_path_factory.mktemp("w"), services=services) as made:
        open_for_business(made)
        all_workers(made)
        yield made


def test_each_delivery_five_times_and_shuffled(shop_world: World) -> None:
    made = shop_world
    before = made.query("SELECT COUNT(*) FROM flows_inboundevent")[0][0]
    made.shop("forget")
    made.shop("deliveries", copies=5, shuffle=2.0, hold=True)
    orders = place(made, 30, seed=51)
    for order in orders[::3]:
        made.shop("update", id=order["id"], fields={"customer_note": "Please ring twice."})
    made.shop("deliveries", copies=1, shuffle=0.0, hold=False)  # what was held goes out, five copies of each, in any order
    follow(made, orders)
    sent = len(made.shop("delivered"))
    stored = made.query("SELECT COUNT(*) FROM flows_inboundevent WHERE topic LIKE 'order.%'")
    assert sent >= 5 * 40
    assert stored[0][0] <= before + sent / 5
    assert_exactly_once(made, orders)


def test_forty_orders_of_one_new_customer_at_once(shop_world: World) -> None:
    made = shop_world
    made.ledger("latency", seconds=0.2)
    made.shop("deliveries", hold=True)
    orders = place(made, 40, seed=52, customers=1)
    assert len({order["email"] for order in orders}) == 1
    made.shop("deliveries", hold=False)
    follow(made, orders)
    made.ledger("latency", seconds=0.0)
    emails = Counter(client["email"].lower() for client in made.ledger("books")["clients"])
    assert emails[orders[0]["email"].lower()] == 1
    assert_exactly_once(made, orders)


def test_throughput_with_200_ms_calls(shop_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    made = shop_world
    made.ledger("latency", seconds=0.2)
    made.shop("deliveries", hold=True)
    orders = place(made, 300, seed=53)
    made.ledger("forget")
    workers = all_workers(made)
    cpu, started = cpu_seconds(made, workers), time.monotonic()
    made.shop("deliveries", hold=False)
    follow(made, orders, 120)
    took, cpu = time.monotonic() - started, cpu_seconds(made, workers) - cpu
    made.ledger("latency", seconds=0.0)
    assert_exactly_once(made, orders)
    calls = made.ledger("counters")["calls"]
    tell(
        capsys,
        f"{len(orders)} orders against a ledger that takes 200 ms a call: {len(orders) / took:.0f} orders/s with the default worker "
        f"({calls / len(orders):.1f} calls and {1000 * cpu / len(orders):.1f} ms of the worker's processor time an order)",
    )
