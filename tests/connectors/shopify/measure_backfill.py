"""How a backfill uses a shop's points: many workers read so many orders from a sandbox with a given plan; prints what came of it.

Run by hand: python -m tests.connectors.shopify.measure_backfill 5000 --restore 1000
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from tea_shop import Shop, open_shop

from connectors.canonical.identity import Window
from connectors.kit.errors import RateLimited
from connectors.platforms.shopify.listings import page_orders
from connectors.platforms.shopify.points import bucket_of
from connectors.platforms.shopify.reading import fetch_order


def listed(shop: Shop) -> list[str]:
    """All orders, the way a backfill lists them."""
    now, found, cursor = datetime.now(UTC), list[str](), None
    window = Window(now - timedelta(days=1), now + timedelta(hours=1))
    while True:
        page = page_orders(shop.api, window, cursor)
        found += [notice.source_id for notice in page.notices]
        cursor = page.next
        if cursor is None:
            return found


def watch(shop: Shop, ending: threading.Event, levels: list[float]) -> None:
    """Look at the bucket twenty times a second."""
    while not ending.wait(0.05):
        found = shop.admin("points")
        levels.append(1 - found["points"] / found["bucket"])


def patiently(shop: Shop, order_id: str) -> None:
    """Read an order; a worker that is sent away comes back, as its job does."""
    while True:
        try:
            fetch_order(shop.api, order_id)
        except RateLimited as wait:
            time.sleep(wait.retry_after)
        else:
            return


def measure(count: int, restore: float, workers: int) -> dict[str, float]:
    """Place, list and read the orders; what the shop counted."""
    with open_shop(bucket=20 * restore, restore=restore) as shop:
        shop.admin("place_orders", count=count, seed=1)
        shop.admin("forget")
        levels, ending = list[float](), threading.Event()
        watcher = threading.Thread(target=watch, args=(shop, ending, levels))
        started = time.monotonic()
        watcher.start()
        ids = listed(shop)
        with ThreadPoolExecutor(workers) as pool:
            for done, _ in enumerate(pool.map(lambda each: patiently(shop, each), ids), 1):
                if done % 500 == 0:
                    print(f"{done} orders after {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
        seconds = time.monotonic() - started
        ending.set()
        watcher.join()
        bucket, points = bucket_of(shop.account), shop.admin("points")
        calls = shop.admin("counters")["calls"]
        middle = sorted(levels[len(levels) // 10 :])
        return {
            "orders": len(set(ids)),
            "calls": calls,
            "seconds": round(seconds, 1),
            "throttled per 100 calls": round(100 * bucket.throttled / calls, 3),
            "points used of those given": round(points["spent"] / (20 * restore + seconds * restore), 3),
            "bucket used, median": round(middle[len(middle) // 2], 3),
            "bucket used, least after the first tenth": round(middle[0], 3),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("--restore", type=float, default=100.0)
    parser.add_argument("--workers", type=int, default=16)
    asked = parser.parse_args()
    for name, value in measure(asked.count, asked.restore, asked.workers).items():
        print(f"{name}: {value}")  # noqa: T201
