"""A worker that is killed at every point of its work, under a ledger that answers late or not at all: every effect exactly once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.journeys.effects import assert_exactly_once
from tests.journeys.traffic import RETRY_PARKED, follow, open_for_business, place, tell
from tests.journeys.world import World, services_answer, world

pytestmark = [pytest.mark.journey, pytest.mark.slow]

# In the order in which a run passes them.
POINTS = (
    "after_claim", "before_intent", "after_intent", "before_call", "after_call", "before_confirm", "after_confirm",
    "before_act", "after_act", "before_update", "after_update", "before_end", "after_end",
)  # fmt: skip
WORKERS = ("worker", "worker2")  # one works while the other one is started again
# Creates that are lost before the ledger, lost on the way back, or take effect a second after we heard nothing.
FAULTS = [
    {"kind": "late", "method": "POST", "seconds": 1.0, "probability": 0.08, "times": 12},
    {"kind": "drop_after", "method": "POST", "probability": 0.08, "times": 12},
    {"kind": "drop_before", "method": "POST", "probability": 0.05, "times": 6},
]
# A server notices the connections of a killed worker late: few of them, so that ten dead workers do not use up its hundred.
LEASES = {"LEASE_SECONDS": "3", "HEARTBEAT_SECONDS": "1", "SWEEP_SECONDS": "1", "DATABASE_POOL_SIZE": "16"}


def kill_at(made: World, crashes: Path, point: str) -> None:
    """Have the worker that next passes this point killed; whatever died is started again."""
    order = crashes / f"{point}.1"
    order.touch()
    made.wait(f"killed at {point}", lambda: not order.exists(), 60, tend=WORKERS)


def survive(made: World, crashes: Path, count: int, points: tuple[str, ...]) -> int:
    """So many orders while a worker dies at each of these points, in any order; the number of jobs that a person had to retry."""
    rounds = random.Random(11).sample(points, len(points))
    first, *batches = (len(range(count)[n :: len(rounds) + 1]) for n in range(len(rounds) + 1))
    orders = place(made, first, seed=99)
    follow(made, orders, 240)  # three lost answers in a row for one of them: 5 s, 30 s and 2 min of back-off
    for n, (point, batch) in enumerate(zip(rounds, batches, strict=True)):
        orders += place(made, batch, seed=100 + n)
        if "update" in point:
            _refund_one(made, orders)
        kill_at(made, crashes, point)
    made.ledger("faults", faults=[])

    def over() -> bool:
        """Nothing under way but what waits for a parked job: whether a payment is ours is certain only after its retry."""
        busy = [row for row in made.unfinished() if row[2] in ("waiting", "running", "")]
        return not [row for row in busy if "whether this payment is our own" not in str(row[3])]

    made.wait("all jobs ended or parked", over, 180, tend=WORKERS)
    retried = int(made.shell(RETRY_PARKED).split()[-1])
    follow(made, orders, 120, tend=WORKERS)
    assert made.ended == [-9] * len(rounds)
    assert_exactly_once(made, orders)
    return retried


def _refund_one(made: World, orders: list[dict[str, str]]) -> None:
    """A partial refund of an order that is booked already: its invoice and payment must be updated."""
    done = {row[0] for row in made.query("SELECT source_id FROM flows_syncrecord WHERE object_type = 'order' AND outcome = 'done'")}
    now = [order for order in made.shop("orders")["orders"] if order["id"] in done]
    order = next(order for order in now if float(order["captured"]) > 5 and not float(order["refunded"]))
    made.shop("refund", id=order["id"], amount="1")


@pytest.mark.skipif(not services_answer(), reason="PostgreSQL and Redis do not answer on their usual ports, or TEST_SERVICES=none")
def test_200_orders_with_a_worker_that_dies_at_every_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crashes = tmp_path / "crashes"
    crashes.mkdir()
    with world(tmp_path, services=True, environ={**LEASES, "CRASH_DIR": str(crashes)}) as made:
        open_for_business(made, settle_seconds=2)
        made.ledger("faults", faults=FAULTS)
        retried = survive(made, crashes, 200, POINTS * 2)
        struck = {name: n for name, n in made.ledger("counters").items() if name.startswith("fault ")}
    tell(capsys, f"26 kills, {sum(struck.values())} lost or late answers, {retried} parked jobs retried: each of 200 orders booked once")


@pytest.mark.embedded
def test_orders_with_a_dying_worker_on_the_embedded_defaults(tmp_path: Path) -> None:
    crashes = tmp_path / "crashes"
    crashes.mkdir()
    with world(tmp_path, services=False, environ={**LEASES, "CRASH_DIR": str(crashes)}) as made:
        open_for_business(made, settle_seconds=2)
        survive(made, crashes, 30, POINTS[2:7])
