"""The sandbox shop's memory: tables, id sequences, clock, switches, and indexes instead of scans."""

from __future__ import annotations

import random
import threading
from bisect import insort
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connectors.canonical.money import exponent
from connectors.kit.sandbox_delivery import Courier
from connectors.platforms.woocommerce.sandbox.model import Coupon, Customer, Hook, Key, Order, Product, Rate, Refund

WC_VERSION = "11.0.1"
WP_VERSION = "7.0.4"


@dataclass
class Switches:
    """How this shop is set up. Every field is an option of build()."""

    title: str = "Sandbox Shop"
    time_zone: str = "America/Toronto"
    currency: str = "CAD"
    decimals: int = -1  # the store's number of decimals; -1: what the currency has
    currencies: tuple[str, ...] = ()  # what place_orders deals in; empty: the store's
    country: str = "CA"
    state: str = "ON"
    prices_include_tax: bool = False
    round_at_subtotal: bool = False
    number_format: str = "{id}"
    storage: str = "hpos"  # or posts, the old way
    basic_over_http: bool = True  # False: keys in clear are ignored on http, as a real shop does
    queue_delay: float = 0.0  # seconds until the queue runs; negative: only when told to
    safe_http: bool = False  # True: webhooks and callbacks reach public hosts on ports 80, 443 and 8080 only
    login_form: bool = False  # True: the hand-over asks the merchant to log in first
    http_callback: bool = True  # False: the hand-over insists on an https callback
    now: str = ""  # ISO time at which the clock stands still; empty: the real clock


def _whole_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


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
    coupons: dict[str, Coupon] = field(default_factory=dict)
    products: dict[int, Product] = field(default_factory=dict)
    skus: dict[str, int] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    customer_emails: dict[str, int] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    order_emails: dict[str, set[int]] = field(default_factory=dict)
    customer_orders: dict[int, set[int]] = field(default_factory=dict)
    refunds: dict[int, Refund] = field(default_factory=dict)
    changes: list[tuple[datetime, int, int]] = field(default_factory=list)
    change_count: int = 0
    catalogue_revision: int = 0
    listings: dict[Any, list[int]] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    raised: dict[tuple[int, int], None] = field(default_factory=dict)
    queue: dict[tuple[int, int], None] = field(default_factory=dict)
    owner_lost: bool = False
    frozen: datetime | None = None

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.switches.time_zone)
        self.api = f"{self.home}/wp-json/wc/v3"
        if self.switches.now:
            self.frozen = _whole_second(datetime.fromisoformat(self.switches.now))

    @property
    def secure(self) -> bool:
        """Whether WordPress believes that it is on https, where keys may come in clear."""
        return self.switches.basic_over_http or self.home.startswith("https://")

    @property
    def decimals(self) -> int:
        """The store's number of decimals; WooCommerce has one for all currencies."""
        chosen = self.switches.decimals
        return chosen if chosen >= 0 else exponent(self.switches.currency)

    def now(self) -> datetime:
        return self.frozen or datetime.now(UTC).replace(microsecond=0)

    def set_clock(self, now: str | None, advance: float) -> datetime:
        """Stop the clock at a time (None: let it run again), or move it on while it stands."""
        if advance:
            self.frozen = self.now() + timedelta(seconds=advance)
        else:
            self.frozen = _whole_second(datetime.fromisoformat(now)) if now else None
        return self.now()

    def next_id(self, sequence: str) -> int:
        """The next id; orders, refunds and products share one sequence ("post")."""
        self.ids[sequence] += 1
        return self.ids[sequence]

    def new_meta(self, key: str, value: Any) -> dict[str, Any]:
        return {"id": self.next_id("meta"), "key": key, "value": value}

    def store_rates(self, tax_class: str = "") -> list[Rate]:
        """The rates at the shop's own address, which are inside its prices when they include tax."""
        return self.matching_rates(self.switches.country, self.switches.state, tax_class)

    def matching_rates(self, country: str, state: str, tax_class: str) -> list[Rate]:
        """One rate per priority for a place, those of the state before those of the whole country."""
        found: dict[int, Rate] = {}
        for rate in sorted(self.rates, key=lambda rate: (rate.priority, not rate.state, rate.id)):
            if rate.country == country and rate.state in ("", state) and rate.tax_class == tax_class:
                found.setdefault(rate.priority, rate)
        return list(found.values())


def build_shop(home: str, options: Mapping[str, Any], lock: threading.RLock, courier: Courier, randomness: random.Random) -> Shop:
    """An empty shop with the switches among the options set; an option that is none raises TypeError."""
    chosen = {name: value for name, value in options.items() if name != "seed"}
    if "currencies" in chosen:
        chosen["currencies"] = tuple(chosen["currencies"])
    return Shop(home.rstrip("/"), Switches(**chosen), lock, courier, randomness)


# ---- orders and their indexes ------------------------------------------------------------------------------


def touch_order(shop: Shop, order: Order) -> None:
    """The order changed now: new date_modified (one second fine), found by the index of changes, listings forgotten."""
    order.modified = shop.now()
    note_change(shop, order)


def note_change(shop: Shop, order: Order) -> None:
    """Index an order under its date_modified."""
    shop.change_count += 1
    order.sequence, order.rendered = shop.change_count, None
    insort(shop.changes, (order.modified, order.sequence, order.id))
    if len(shop.changes) > 2 * len(shop.orders) + 1000:
        shop.changes = [entry for entry in shop.changes if is_current(shop, entry)]
    shop.listings.clear()


def is_current(shop: Shop, entry: tuple[datetime, int, int]) -> bool:
    """Whether an entry of the index of changes is the newest of its order."""
    order = shop.orders.get(entry[2])
    return order is not None and order.sequence == entry[1]


def index_order(shop: Shop, order: Order, old_email: str = "", old_customer: int = 0) -> None:
    """File the order under its e-mail and customer, and out of the old ones."""
    shop.order_emails.get(old_email.lower(), set()).discard(order.id)
    shop.customer_orders.get(old_customer, set()).discard(order.id)
    if email := order.billing.get("email", "").lower():
        shop.order_emails.setdefault(email, set()).add(order.id)
    if order.customer_id:
        shop.customer_orders.setdefault(order.customer_id, set()).add(order.id)


def drop_order(shop: Shop, order: Order) -> None:
    """Forget the order for good, refunds included."""
    shop.order_emails.get(order.billing.get("email", "").lower(), set()).discard(order.id)
    shop.customer_orders.get(order.customer_id, set()).discard(order.id)
    for refund in order.refunds:
        del shop.refunds[refund.id]
    del shop.orders[order.id]
    shop.listings.clear()


def catalogue_changed(shop: Shop) -> None:
    """Rendered orders show the products' present SKUs: they are stale now."""
    shop.catalogue_revision += 1


def to_decimal(value: Any, default: Decimal = Decimal(0)) -> Decimal:
    """A number from JSON or text, as PHP would take it: nonsense is the default."""
    try:
        found = Decimal(str(value).strip() or str(default))
    except ArithmeticError:
        return default
    return found if found.is_finite() else default
