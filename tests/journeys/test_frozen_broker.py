"""The broker frozen, killed and emptied under load: it holds no truth, so nothing is lost, and no acknowledgement waits for it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.journeys.effects import assert_exactly_once
from tests.journeys.traffic import Summary, deliver_times, follow, open_for_business, place, share, tell
from tests.journeys.world import World, services_answer, world

pytestmark = [pytest.mark.journey, pytest.mark.slow]

FROZEN_SECONDS = 60
PER_SECOND = 3


def load(made: World, seconds: float, seed: int) -> list[Summary]:
    """A steady stream of orders for so long."""
    placed: list[Summary] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        seed += 1
        placed += place(made, PER_SECOND, seed)
        time.sleep(1.0)
    return placed


def test_a_minute_of_frozen_broker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not services_answer():
        pytest.skip("PostgreSQL and Redis do not answer on their usual ports, or TEST_SERVICES=none")
    with world(tmp_path, services=True, own_broker=True) as made:
        open_for_business(made)
        orders = load(made, 5, seed=0)
        follow(made, orders)
        usual = share(deliver_times(made), 0.99)
        made.shop("forget")
        made.pause("broker")
        orders += load(made, FROZEN_SECONDS, seed=1000)
        made.resume("broker")
        cleared = follow(made, orders, 120)
        frozen = share(deliver_times(made), 0.99)
        assert_exactly_once(made, orders)
    tell(
        capsys,
        f"broker frozen {FROZEN_SECONDS} s, {len(orders)} orders: backlog cleared {cleared:.1f} s after its return; "
        f"acknowledgement p99 {usual * 1000:.0f} ms before, {frozen * 1000:.0f} ms while frozen",
    )


@pytest.mark.embedded
def test_an_embedded_broker_that_is_killed_and_emptied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(tmp_path, services=False) as made:
        open_for_business(made)
        worker = made.running["worker"]
        made.ledger("latency", seconds=0.5)
        orders = place(made, 20, seed=1)
        made.wait("jobs under way", lambda: made.query("SELECT COUNT(*) FROM flows_syncjob WHERE state = 'running'") != [(0,)])
        made.kill("broker")
        shutil.rmtree(made.directory / "broker")
        orders += load(made, 3, seed=2000)
        made.tend("broker")
        cleared = follow(made, orders, 120, tend=("broker",))
        deliver_times(made)
        assert_exactly_once(made, orders)
        assert (worker.exit_code, made.ended) == (None, []), "the worker goes on with its jobs while its broker is away"
        assert made.query("SELECT MAX(crashes) FROM flows_syncjob") == [(0,)]
    tell(capsys, f"broker killed and emptied, {len(orders)} orders: all booked {cleared:.1f} s after its return")
