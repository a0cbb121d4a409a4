"""How a sandbox sends its webhooks: in the background, on time or late, once or often, in order or not."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3

POOL = 16


@dataclass(frozen=True)
class Parcel:
    """One copy of one webhook. pauses: seconds before each further attempt after a failed one."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    done: Callable[[int], None]
    pauses: tuple[float, ...] = ()


class Courier:
    """Delivers webhooks from a small pool. `copies`, `lose` (probability), `shuffle` (seconds of random delay) and
    `hold` (keep them until released) are switched over the admin port.
    """

    def __init__(self, randomness: random.Random) -> None:
        self.random = randomness
        self.copies, self.lose, self.shuffle, self.hold = 1, 0.0, 0.0, False
        self.pending = 0
        self.answers: deque[tuple[int, float]] = deque(maxlen=20000)  # status and seconds of each delivery
        self._held: list[tuple[Parcel, float]] = []
        self._due: list[tuple[float, int, Parcel]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._clerk: threading.Thread | None = None
        self._stopped = False
        self._pool = ThreadPoolExecutor(POOL, thread_name_prefix="courier")
        self._http = urllib3.PoolManager(num_pools=32, maxsize=POOL, retries=False)

    def configure(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Change the switches named in `wanted`; releasing the hold sends what was kept, shuffled."""
        self.copies = int(wanted.get("copies", self.copies))
        self.lose = float(wanted.get("lose", self.lose))
        self.shuffle = float(wanted.get("shuffle", self.shuffle))
        self.hold = bool(wanted.get("hold", self.hold))
        if not self.hold:
            with self._lock:
                kept, self._held = self._held, []
            self.random.shuffle(kept)
            for parcel, delay in kept:
                self._queue(parcel, delay)
        return {"copies": self.copies, "lose": self.lose, "shuffle": self.shuffle, "hold": self.hold}

    def send(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        done: Callable[[int], None] = lambda _status: None,
        *,
        reliable: bool = False,
        pauses: Sequence[float] = (),
    ) -> None:
        """Deliver in the background; done(status) is called per copy, with 0 for no answer. reliable ignores the switches.

        pauses: a platform that tries again waits so many seconds before each further attempt; done then tells the last status.
        """
        if not reliable and self.random.random() < self.lose:
            return
        parcel = Parcel(url, body, dict(headers), done, tuple(pauses))
        for _ in range(1 if reliable else self.copies):
            delay = 0.0 if reliable else self.random.uniform(0, self.shuffle)
            with self._lock:
                if self.hold and not reliable:
                    self._held.append((parcel, delay))
                    continue
            self._queue(parcel, delay)

    def _queue(self, parcel: Parcel, delay: float) -> None:
        with self._lock:
            if self._stopped:
                return
            self.pending += 1
            if delay > 0:
                self._put_off(parcel, delay)
            else:
                self._pool.submit(self._deliver, parcel)

    def _put_off(self, parcel: Parcel, delay: float) -> None:
        """Keep it for later; the lock is held. The clerk starts with the first parcel that waits."""
        heapq.heappush(self._due, (time.monotonic() + delay, next(self._order), parcel))
        if self._clerk is None:
            self._clerk = threading.Thread(target=self._dispatch, name="courier-clerk", daemon=True)
            self._clerk.start()
        self._wake.notify()

    def _dispatch(self) -> None:
        with self._lock:
            while not self._stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._pool.submit(self._deliver, heapq.heappop(self._due)[2])
                else:
                    self._wake.wait(wait)

    def _deliver(self, parcel: Parcel) -> None:
        status = self.post_now(parcel.url, parcel.body, parcel.headers)
        if not 200 <= status < 300 and parcel.pauses:
            again = Parcel(parcel.url, parcel.body, parcel.headers, parcel.done, parcel.pauses[1:])
            with self._lock:
                self._put_off(again, parcel.pauses[0])
            return
        try:
            parcel.done(status)
        finally:
            with self._lock:
                self.pending -= 1

    def post_now(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Deliver and wait; the status, or 0 for no answer. Redirects are not followed."""
        started, status = time.monotonic(), 0
        with contextlib.suppress(urllib3.exceptions.HTTPError, ValueError):
            status = self._http.request("POST", url, body=body, headers=dict(headers), timeout=10.0, redirect=False).status
        self.answers.append((status, time.monotonic() - started))
        return status

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._wake.notify_all()
        self._pool.shutdown(wait=False, cancel_futures=True)
