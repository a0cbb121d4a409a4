"""A worker that is killed at every point of its work, under a ledger that answers late or not at all: every effect exactly once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.journeys.effects import assert_exactly_once
from tests.journeys.traffic import RETRY_PARKED, follow, open_for_business, place
from tests.journeys.world import World, services_answer, world

pytestmark = [pytest.mark.journey, pytest.mark.slow]

# In the order in which a run passes them.
POINTS = (
    "after_claim", "before_intent", "after_intent", "before_call", "after_call", "before_confirm", "after_confirm",
    "before_act", "after_act", "before_update", "after_update", "before_end", "after_end",
)  # fmt: skip
# Creates that are lost before the ledger, lost on the way back, or take effect a second after we heard nothing.
FAULTS = [
    {"kind": "late", "method": "POST", "seconds": 1.0, "probability": 0.05, "times": 12},
    {"kind": "drop_after", "method": "POST", "probability": 0.05, "times": 12},
    {"kind": "drop_before", "method": "POST", "probability": 0.03, "times": 6},
]
LEASES = {"LEASE_SECONDS": "3", "HEARTBEAT_SECONDS": "1", "SWEEP_SECONDS": "1"}


def kill_at(made: World, crashes: Path, point: str) -> None:
    """Have the worker killed when it next passes this point, and start it again."""
    order = crashes / f"{point}.1"
    order.touch()
    made.wait(f"killed at {point}", lambda: not order.exists() and made.running["worker"].exit_code == -9, 60)
    made.tend("worker")


def survive(made: World, crashes: Path, count: int, times: int) -> int:
    """So many orders while the worker dies `times` times at each point; the number of jobs that a person had to retry."""
    orders, dice = [], random.Random(11)
    rounds = [point for _ in range(times) for point in dice.sample(POINTS, len(POINTS))]
    batches = [len(batch) for batch in (range(count)[n :: len(rounds)] for n in range(len(rounds)))]
    for n, (point, batch) in enumerate(zip(rounds, batches, strict=True)):
        orders += place(made, batch, seed=100 + n)
        if "update" in point:
            _refund(made, orders)
        kill_at(made, crashes, point)
    made.ledger("faults", faults=[])

    def over() -> bool:
        return not [row for row in made.unfinished() if row[2] in ("waiting", "running", "")]

    made.wait("all jobs ended", over, 90, tend=("worker",))
    retried = int(made.manage("shell", "-v", "0", "-c", RETRY_PARKED).stdout.split()[-1])
    follow(made, orders, 60, tend=("worker",))
    assert_exactly_once(made, orders)
    return retried


def _refund(made: World, orders: list[dict[str, str]]) -> None:
    """A partial refund of what is booked already: its invoice and payment must be updated."""
    done = {row[0] for row in made.query("SELECT source_id FROM flows_syncrecord WHERE object_type = 'order' AND outcome = 'done'")}
    now = {order["id"]: order for order in made.shop("orders")["orders"]}
    for order in [now[order["id"]] for order in orders if order["id"] in done][:40]:
        if float(order["captured"]) > 5 and not float(order["refunded"]):
            made.shop("refund", id=order["id"], amount="1")
            return


@pytest.mark.skipif(not services_answer(), reason="PostgreSQL and Redis do not answer on their usual ports, or TEST_SERVICES=none")
def test_200_orders_with_a_worker_that_dies_at_every_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crashes = tmp_path / "crashes"
    crashes.mkdir()
    with world(tmp_path, services=True, CRASH_DIR=str(crashes), **LEASES) as made:
        open_for_business(made, settle_seconds=2)
        made.ledger("faults", faults=FAULTS)
        retried = survive(made, crashes, 200, 2)
        struck = {name: n for name, n in made.ledger("counters").items() if name.startswith("fault ")}
    with capsys.disabled():
        print(f"\n26 kills, {sum(struck.values())} lost or late answers, {retried} parked jobs retried: each of 200 orders booked once")


def test_orders_with_a_dying_worker_on_the_embedded_defaults(tmp_path: Path) -> None:
    crashes = tmp_path / "crashes"
    crashes.mkdir()
    with world(tmp_path, services=False, CRASH_DIR=str(crashes), **LEASES) as made:
        open_for_business(made, settle_seconds=2)
        survive(made, crashes, 39, 1)
