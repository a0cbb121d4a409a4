"""The sandbox shop's memory: tables, sequences, clock, switches."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.kit.sandbox_delivery import Courier
from connectors.platforms.magento.sandbox.wire import Json


@dataclass
class Switches:
    """How this shop is set up. Every field is an option of build()."""

    release: str = "2.4.8"  # or "2.4.7": signatures, row_total and comments differ
    time_zone: str = "America/Toronto"
    currency: str = "CAD"
    second_currency: str = "EUR"  # of the second store
    prices_include_tax: bool = False
    bearer: bool = False  # whether integration tokens may be sent as bearer
    telephone_required: bool = False  # a setting of the shop; on in a fresh one
    clock_behind: float = 0.0  # seconds that this shop's clock is behind ours when it judges a call
    page_limit: int = 0  # the largest page size; 0: no limit
    now: str = ""  # ISO time at which the clock stands still; empty: the real clock


@dataclass
class Integration:
    """Four keys and what they may do; permissions None means everything."""

    consumer_key: str
    consumer_secret: str
    access_token: str = ""
    access_token_secret: str = ""
    permissions: frozenset[str] | None = None
    active: bool = True
    request_token: str = ""
    request_secret: str = ""
    verifier: str = ""


@dataclass
class Rate:
    """A tax rate of a place."""

    country: str
    region: str
    percent: Decimal
    code: str


@dataclass
class Shop:
    """Everything one shop remembers. lock and courier are the sandbox's."""

    home: str
    switches: Switches
    lock: threading.RLock
    courier: Courier
    random: random.Random
    ids: Counter[str] = field(default_factory=Counter)
    rates: list[Rate] = field(default_factory=list)
    products: dict[int, Json] = field(default_factory=dict)
    customers: dict[int, Json] = field(default_factory=dict)
    orders: dict[int, Json] = field(default_factory=dict)
    invoices: dict[int, Json] = field(default_factory=dict)
    memos: dict[int, Json] = field(default_factory=dict)
    transactions: dict[int, Json] = field(default_factory=dict)
    comments: dict[int, list[Json]] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)  # order attributes that an extension of this shop declares
    integrations: dict[str, Integration] = field(default_factory=dict)
    nonces: set[tuple[str, str]] = field(default_factory=set)
    hooks: list[Json] = field(default_factory=list)
    frozen: datetime | None = None

    def __post_init__(self) -> None:
        if self.switches.now:
            self.frozen = _whole_second(datetime.fromisoformat(self.switches.now))

    def now(self) -> datetime:
        return self.frozen or datetime.now(UTC).replace(microsecond=0)

    def stamp(self) -> str:
        """Now as the database writes it."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def epoch(self) -> float:
        """The time by which calls are judged; a stopped clock stops the data only."""
        return time.time() - self.switches.clock_behind

    def set_clock(self, now: str | None, advance: float) -> datetime:
        """Stop the clock at a time (None: let it run again), or move it on while it stands."""
        if advance:
            self.frozen = self.now() + timedelta(seconds=advance)
        else:
            self.frozen = _whole_second(datetime.fromisoformat(now)) if now else None
        return self.now()

    def next_id(self, sequence: str) -> int:
        self.ids[sequence] += 1
        return self.ids[sequence]

    def rates_for(self, country: str, region: str) -> list[Rate]:
        found = [rate for rate in self.rates if rate.country == country and rate.region == region]
        return found or [rate for rate in self.rates if rate.country == country and not rate.region]


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def build_shop(home: str, options: Mapping[str, Any], lock: threading.RLock, courier: Courier, randomness: random.Random) -> Shop:
    """An empty shop with the switches among the options set; an option that is none raises TypeError."""
    chosen = {name: value for name, value in options.items() if name != "seed"}
    return Shop(home.rstrip("/"), Switches(**chosen), lock, courier, randomness)
