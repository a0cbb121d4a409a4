"""The sandbox shop's memory: its set-up, its tables, its clock, its bucket of points."""

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
from connectors.platforms.shopify.sandbox.model import Customer, Json, Order, Variant

DOMAIN = "tillbridge-teas.myshopify.com"
SCOPES = ("read_orders", "read_all_orders", "read_customers", "read_products")


@dataclass
class Switches:
    """How this shop is set up. Every field is an option of build()."""

    name: str = "Tillbridge Teas"
    domain: str = DOMAIN
    time_zone: str = "America/Toronto"
    currency: str = "CAD"
    buyers_currencies: tuple[str, ...] = ("USD", "EUR", "JPY")
    taxes_included: bool = False
    scopes: tuple[str, ...] = SCOPES
    bucket: float = 20000.0  # points; Shopify Plus. A standard plan has 2000 and 100
    restore: float = 1000.0  # points per second
    serves: str = ""  # the API version that answers, whatever is asked for
    token_seconds: float = 3600.0
    refresh_seconds: float = 7776000.0
    bulk_seconds: float = 0.0  # how long an export takes
    ranges: bool = True  # False: the store of exports sends whole files only
    hook_failures: int = 8  # a registration is deleted at this failure in a row
    retries: tuple[float, ...] = ()  # seconds before each further attempt of a delivery


@dataclass
class Token:
    """An offline token. expires_at is None for one that never expires; refresh is its refresh token."""

    access: str
    expires_at: float | None = None
    refresh: str = ""
    refresh_expires_at: float = 0.0
    replaced_by: str = ""
    used: bool = False


@dataclass
class Hook:
    id: int
    topic: str
    uri: str
    created: datetime
    failures: int = 0


@dataclass
class Export:
    id: int
    query: str
    done_at: float
    status: str = "RUNNING"
    body: bytes = b""
    objects: int = 0


@dataclass
class Shop:
    """Everything one shop remembers. lock and courier are the sandbox's."""

    home: str
    switches: Switches
    lock: threading.RLock
    courier: Courier
    random: random.Random
    ids: Counter[str] = field(default_factory=Counter)
    variants: dict[int, Variant] = field(default_factory=dict)
    product_changes: dict[int, datetime] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    emails: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    exports: dict[int, Export] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    codes: dict[str, Json] = field(default_factory=dict)
    client: tuple[str, str] = ("", "")
    installed: bool = True
    points: float = 0.0
    points_at: float = 0.0
    spent: float = 0.0
    refreshes: int = 0
    frozen: datetime | None = None

    def now(self) -> datetime:
        """The shop's clock, in whole seconds."""
        return self.frozen or datetime.now(UTC).replace(microsecond=0)

    def next_id(self, kind: str) -> int:
        """Ids far beyond 2^53, as Shopify's samples have them; orders and lines share no sequence."""
        self.ids[kind] += 1
        return _FIRST[kind] + self.ids[kind]

    def fill_bucket(self) -> float:
        """The points that there are now."""
        now = time.monotonic()
        self.points = min(self.switches.bucket, self.points + (now - self.points_at) * self.switches.restore)
        self.points_at = now
        return self.points

    def touch(self, order: Order) -> None:
        """The order changed now."""
        order.updated, order.rendered = self.now(), None


_FIRST = {
    "order": 5_800_000_000_000,
    "line": 13_000_000_000_000,
    "transaction": 6_900_000_000_000,
    "refund": 890_088_186_047_000_000,
    "customer": 7_000_000_000_000,
    "product": 8_100_000_000_000,
    "variant": 44_000_000_000_000,
    "shipping": 4_500_000_000_000,
    "duty": 210_000,
    "fee": 310_000,
    "number": 1000,
    "hook": 1_100_000_000_000,
    "export": 3_000_000_000_000,
    "address": 9_000_000_000_000,
    "token": 0,
    "event": 0,
}


def build_shop(home: str, options: Mapping[str, Any], lock: threading.RLock, courier: Courier, randomness: random.Random) -> Shop:
    """An empty shop with the switches among the options set; an option that is none raises TypeError."""
    chosen = {name: value for name, value in options.items() if name != "seed"}
    for name in ("buyers_currencies", "scopes", "retries"):
        if name in chosen:
            chosen[name] = tuple(chosen[name])
    switches = Switches(**chosen)
    shop = Shop(home.rstrip("/"), switches, lock, courier, randomness)
    shop.points, shop.points_at = switches.bucket, time.monotonic()
    return shop


def set_clock(shop: Shop, now: str | None, advance: float) -> str:
    """Stop the clock at a time (None: let it run again), or move it on while it stands."""
    if advance:
        shop.frozen = shop.now() + timedelta(seconds=advance)
    else:
        shop.frozen = datetime.fromisoformat(now).astimezone(UTC).replace(microsecond=0) if now else None
    return shop.now().isoformat()


def decimal(value: Any) -> Decimal:
    return Decimal(str(value))
