"""One store's call quota, shared by all workers and by other apps: heeded before it is spent, and waited for where no header tells."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.errors import RateLimited
from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from credentials.models import Connection, Organization
from credentials.services import open_api
from flows.models import SyncJob
from tests.flows.bigcommerce_trade import Trade, trade
from tests.flows.conftest import connect

__all__ = ["trade"]
WORKERS = 4  # no more calls under way than the reserve of a quota of 40
READS = get_connector("bigcommerce").reads[ObjectType.ORDER]


@pytest.fixture
def store(transactional_db: None) -> Iterator[Served]:
    sandbox = get_connector("bigcommerce").sandbox
    assert sandbox is not None
    served = serve(sandbox.build, {"seed": 7, "noise": False, "window_seconds": 1.5})
    yield served
    served.stop()


def source(store: Served, **settings: Any) -> Connection:
    organization = Organization.objects.create(name="Acme", slug="acme")
    return connect(store, "bigcommerce", organization, **{"rate_per_second": 500, "rate_burst": 500, **settings})


def read_together(connection: Connection, order_ids: list[str]) -> list[str]:
    """Workers that know nothing of each other but what the shared limiter tells them; each opens the connection anew, and puts an order
    that has to wait back, as the queue does.
    """
    left, read = deque(order_ids), list[str]()

    def work() -> None:
        try:
            while left:
                order_id = left.popleft()
                api = open_api(connection)
                try:
                    READS.normalise(READS.fetch(api, order_id), api.account)
                    read.append(order_id)
                except RateLimited as limited:
                    left.append(order_id)
                    time.sleep(limited.retry_after)
        except IndexError:
            return  # another worker took the last one
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return read


def statuses(store: Served) -> list[int]:
    return [int(entry["status"]) for entry in store.sandbox.log]


def test_workers_rest_together_before_the_quota_is_spent(store: Served) -> None:
    orders = [one["id"] for one in store.sandbox.command("place_orders", {"count": 30, "seed": 2})["orders"]]
    connection = source(store)
    store.sandbox.command("forget", {})
    store.sandbox.command("switch", {"quota": 40})
    read = read_together(connection, orders)
    assert sorted(read) == sorted(orders)
    assert len(statuses(store)) > 3 * 40, "it took several windows"
    assert 429 not in statuses(store)


def test_an_overloaded_platform_is_left_alone_by_all_workers_though_it_says_nothing(store: Served) -> None:
    orders = [one["id"] for one in store.sandbox.command("place_orders", {"count": 4, "seed": 2})["orders"]]
    connection = source(store)
    store.sandbox.command("forget", {})
    store.sandbox.command("faults", {"faults": [{"kind": "status", "status": 429}]})
    store.sandbox.command("switch", {"quota_headers": False})
    began = time.monotonic()
    read = read_together(connection, orders)
    assert sorted(read) == sorted(orders)
    assert time.monotonic() - began >= 1.0, "nobody waited"
    assert statuses(store).count(429) == 1


def test_a_job_that_meets_a_spent_quota_waits_and_its_try_is_not_counted(trade: Any) -> None:
    town: Trade = trade(noise=False, window_seconds=60.0)
    (order,) = town.place(1)
    town.books.sandbox.command("forget", {})
    town.ask("switch", quota=0)
    job = town.book(order["id"])
    assert (job.state, job.attempts, town.writes()) == (SyncJob.State.WAITING, 0, {})
    assert job.not_before > timezone.now() + timedelta(seconds=20)
