"""Shopify counts points instead of calls: a leaky bucket per shop. We wait before it is empty, and use all that it gives.

What a query asks for must be there before it runs; what it did not use is given back with the answer. What the answers told is kept
per process. It is only a hint, and THROTTLED corrects it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.kit.account import Account
from connectors.kit.contract import Usage
from connectors.kit.errors import RateLimited, Rejected
from connectors.kit.http import Api, Plumbing, Response
from connectors.platforms.shopify.queries import Operation

LONGEST_NAP = 2.0
PATIENCE = 5.0  # seconds that a worker waits in place
LONGEST_REST = 30.0
ANSWER_SOON = 0.03
SPARED = 0.05  # part of the bucket that is left for what other processes ask


@dataclass
class Bucket:
    """One shop's points as last told. in_flight: what the calls under way asked for, whether Shopify counted them yet or not."""

    capacity: float = 0.0
    available: float = 0.0
    restore: float = 0.0
    told_at: float = 0.0
    in_flight: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    throttled: int = 0
    answers: int = 0
    used: float = 0.0  # of the bucket, added up over all answers
    lock: threading.Lock = field(default_factory=threading.Lock)

    def missing(self, cost: float, moment: float) -> float:
        """How many points are missing for a call of this cost; an idle bucket that is full is enough for any."""
        held = min(self.capacity, self.available + max(moment - self.told_at, 0.0) * self.restore)
        if not self.in_flight and held >= self.capacity:
            return 0.0
        return cost + self.in_flight + SPARED * self.capacity - held


_buckets: dict[str, Bucket] = {}
_guard = threading.Lock()


def bucket_of(account: Account) -> Bucket:
    with _guard:
        return _buckets.setdefault(account.key, Bucket())


@contextmanager
def points_for(api: Api, operation: Operation) -> Iterator[None]:
    """Wait until the bucket should hold what this operation asks for; it counts as asked for until the answer is there."""
    bucket = bucket_of(api.account)
    cost = _take(bucket, api, operation)
    try:
        yield
    finally:
        with bucket.lock:
            bucket.in_flight -= cost


def _take(bucket: Bucket, api: Api, operation: Operation) -> float:
    """The points, once they are there. After a while the job goes back to its queue: one shop must not hold all workers."""
    waited = 0.0
    while True:
        with bucket.lock:
            cost = bucket.costs.get(operation.name, float(operation.guess))
            missing = bucket.missing(cost, api.plumbing.now().timestamp()) if bucket.capacity else 0.0  # no answer has told yet
            if missing <= 0:
                bucket.asked += 1
                bucket.in_flight += cost
                return cost
            # What is under way comes back with its answer, most of it unused: only for the rest does time have to pass.
            nap = max((missing - bucket.in_flight) / bucket.restore, ANSWER_SOON)
        if waited >= PATIENCE:
            raise RateLimited(
                "Shopify's points for this shop are used up for the moment.", retry_after=min(nap, LONGEST_REST), code="points"
            )
        api.plumbing.sleep(min(nap, LONGEST_NAP))
        waited += min(nap, LONGEST_NAP)


def note_level(account: Account, plumbing: Plumbing, response: Response) -> None:
    """Learn the level from `extensions.cost`, which every answer carries, refusals included."""
    try:
        cost = response.json().get("extensions").get("cost")
        status = cost["throttleStatus"]
        capacity, restore = float(status["maximumAvailable"].decimal()), float(status["restoreRate"].decimal())
        available = float(status["currentlyAvailable"].decimal())
    except Rejected:
        return
    bucket, moment = bucket_of(account), plumbing.now().timestamp()
    with bucket.lock:
        bucket.capacity, bucket.restore, bucket.available, bucket.told_at = capacity, max(restore, 1.0), available, moment
        bucket.answers, bucket.used = bucket.answers + 1, bucket.used + 1 - available / max(capacity, 1.0)
        if cost.get("actualQueryCost").is_null:
            bucket.throttled += 1


def note_cost(api: Api, operation: Operation, response: Response) -> None:
    """Learn what an operation asks for."""
    try:
        requested = float(response.json()["extensions"]["cost"]["requestedQueryCost"].decimal())
    except Rejected:
        return
    bucket = bucket_of(api.account)
    with bucket.lock:
        bucket.costs[operation.name] = max(requested, 1.0)


def usage(account: Account) -> Usage | None:
    """How the shop's bucket was used, None before the first answer."""
    bucket = bucket_of(account)
    with bucket.lock:
        return Usage(bucket.answers, bucket.throttled, bucket.used / bucket.answers) if bucket.answers else None
