"""The sandbox store's memory: tables, ids, a clock that can be stopped, switches, the call quota."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.canonical.money import exponent
from connectors.kit.sandbox_delivery import Courier
from connectors.platforms.bigcommerce.sandbox.model import Customer, Hook, Order, Product

STORE_HASH = "sandbox1"
SCOPES = ("orders", "transactions", "customers", "products", "information")


@dataclass
class Switches:
    """How this store is set up. Every field is an option of build()."""

    name: str = "Sandbox Outfitters"
    time_zone: str = "America/Toronto"
    currency: str = "CAD"
    currencies: tuple[str, ...] = ("CAD", "CAD", "CAD", "USD")  # what place_orders deals in
    prices_with_tax: bool = False  # how the catalogue's prices are entered; single orders may differ
    scopes: tuple[str, ...] = SCOPES
    quota: int = 100_000  # calls per window; 150 on the plans Standard and Plus
    quota_headers: bool = True  # stores without limits may send none
    window_seconds: float = 30.0
    largest_page: int = 250  # asked for more: 413
    page_cap: int = 250  # answers with at most so many, silently
    refund_touches: bool = False  # whether a refund moves its order's date_modified (documented nowhere)
    refund_seconds: float = 0.0  # how long the provider takes; until then a further refund of the order is refused
    concurrent_status: int = 422  # what such a refund is answered (documented nowhere)
    fees_inside: bool = True  # whether fees are in total_inc_tax (documented nowhere)
    tenders_reduce: bool = False  # whether store credit and gift certificates reduce total_inc_tax (documented nowhere)
    shipping_coupons: str = "listed"  # how they show (documented nowhere): see order_json.shown_shipping
    tax_details: bool = True  # whether taxes tell their line when asked for details
    signed: bool = True  # whether deliveries carry a signature (documented for apps only)
    resign_retries: bool = False  # whether a repeat is signed anew
    callback: str = ""  # the auth callback in the app's profile
    https_only: bool = False  # hooks on https and port 443 only, as the real store wants
    noise: bool = True  # place_orders also places orders that must not be booked
    now: str = ""  # ISO time at which the clock stands still; empty: the real clock


@dataclass
class Window:
    """The running quota window."""

    started: datetime
    used: int = 0


@dataclass
class Store:
    """Everything one store remembers. lock and courier are the sandbox's."""

    home: str
    switches: Switches
    lock: threading.RLock
    courier: Courier
    random: random.Random
    ids: Counter[str] = field(default_factory=Counter)
    orders: dict[int, Order] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    emails: dict[str, int] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    admin_emails: list[str] = field(default_factory=list)
    retries: list[Any] = field(default_factory=list)  # a heap of deliveries.Retry
    traffic: dict[str, list[tuple[datetime, bool]]] = field(default_factory=dict)  # by domain: the last two minutes
    blocked: dict[str, datetime] = field(default_factory=dict)  # by domain: until when
    window: Window | None = None
    codes: set[str] = field(default_factory=set)  # of installations, not exchanged yet
    app_token: str = ""  # of the app that is installed; the API account's own token is always good
    frozen: datetime | None = None

    def __post_init__(self) -> None:
        if self.switches.now:
            self.frozen = datetime.fromisoformat(self.switches.now).astimezone(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        return self.frozen or datetime.now(UTC).replace(microsecond=0)

    def moment(self) -> datetime:
        """The clock with fractions, for the quota."""
        return self.frozen or datetime.now(UTC)

    def set_clock(self, now: str | None, advance: float) -> datetime:
        """Stop the clock at a time (None: let it run again), or move it on while it stands."""
        if advance:
            self.frozen = self.now() + timedelta(seconds=advance)
        else:
            self.frozen = datetime.fromisoformat(now).astimezone(UTC).replace(microsecond=0) if now else None
        return self.now()

    def next_id(self, sequence: str) -> int:
        """The next id of a sequence; each begins elsewhere, so that ids of different things are never alike."""
        start = {"order": 100, "product": 700, "variant": 4000, "customer": 50, "line": 9000, "address": 30_000}.get(sequence, 0)
        self.ids[sequence] += 1
        return start + self.ids[sequence]


def build_store(home: str, options: Mapping[str, Any], lock: threading.RLock, courier: Courier, randomness: random.Random) -> Store:
    """An empty store with the switches among the options set; an option that is none raises TypeError."""
    chosen: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items() if name != "seed"}
    return Store(home.rstrip("/"), Switches(**chosen), lock, courier, randomness)


def four(amount: Decimal) -> str:
    """Money as v2 writes it: text with four decimals."""
    return f"{amount:.4f}"


def number(amount: Decimal) -> float | int:
    """Money as v3 and coupons write it: a JSON number, whole ones without a point."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def text(amount: Decimal, currency: str) -> str:
    """Money for people: with the currency's decimals."""
    return f"{amount:.{exponent(currency)}f}"


def rfc(moment: datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
