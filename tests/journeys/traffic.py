"""Getting a world to work and waiting until it is done: connected platforms, orders followed to their records."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.world import World, provision

Summary = dict[str, Any]

SUBSCRIBE = """
from credentials.models import Connection
from flows.subscriptions import ensure_subscriptions
for connection in Connection.objects.all():
    ensure_subscriptions(connection)
"""
RETRY_PARKED = """
from flows.models import SyncJob
from flows.replay import replay_job
parked = list(SyncJob.objects.filter(state="dead", reason_code="crashed").select_related("flow"))
for job in parked:
    replay_job(job, "operator")
print("retried", len(parked))
"""


def open_for_business(made: World, **settings: Any) -> None:
    """Start web, worker and beat, connect both platforms and wait for their webhooks to be active."""
    for name in ("web", "worker", "beat"):
        made.start(name)
    provision(made, settings=settings)
    made.shell(SUBSCRIBE)
    wanted = "SELECT COUNT(*), SUM(CASE WHEN status = 'active' THEN 1 ELSE 0 END) FROM flows_subscription"
    made.wait("webhooks active", lambda: made.query(wanted) == [(5, 5)], 90)
    made.ledger("forget")
    made.shop("forget")


def place(made: World, count: int, seed: int, **more: Any) -> list[Summary]:
    """Orders of the mix; their summaries as the shop knows them."""
    return list(made.shop("place_orders", count=count, seed=seed, **more)["orders"])


def is_calm(made: World, wanted: set[str]) -> bool:
    """Every one of these orders has its record, no webhook is on its way, nothing is under way here."""
    if made.shop("settled")["pending"] or made.ledger("settled")["pending"] or made.unfinished():
        return False
    recorded = made.query("SELECT source_id FROM flows_syncrecord WHERE object_type = 'order' AND outcome IN ('done', 'nothing')")
    return wanted <= {row[0] for row in recorded}


def follow(made: World, orders: Iterable[Summary], seconds: float = 120, tend: tuple[str, ...] = ()) -> float:
    """Wait until these orders have ended well and nothing is under way; the seconds that it took."""
    started, wanted = time.monotonic(), {order["id"] for order in orders}
    made.wait(f"{len(wanted)} orders recorded", lambda: is_calm(made, wanted), seconds, tend)
    return time.monotonic() - started


def deliver_times(made: World) -> list[float]:
    """Seconds that each webhook of the shop waited for its 200, sorted; a refused or unanswered one fails the test."""
    answers = made.shop("delivered")
    assert {status for status, _ in answers} == {200}
    return sorted(seconds for _, seconds in answers)


def share(values: list[float], part: float) -> float:
    """The value below which this part of the sorted values lies."""
    return values[min(len(values) - 1, int(len(values) * part))]


def all_workers(made: World) -> list[str]:
    """Start what a worker has by default besides its first process; the names of all."""
    names = ["worker", *(f"worker{number}" for number in range(2, made.workers + 1))]
    for name in names:
        if name not in made.running:
            made.start(name)
    return names


def cpu_seconds(made: World, names: Iterable[str]) -> float:
    """Processor time of started processes so far (their own threads)."""
    stats = [Path(f"/proc/{made.running[name].process.pid}/stat").read_text().rpartition(")")[2].split() for name in names]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / 100


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    """A measured figure for whoever reads the test run; nothing is asserted on it."""
    with capsys.disabled():
        sys.stdout.write(f"\n{figures}\n")
