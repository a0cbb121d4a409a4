"""A running sandbox store, a connection to it, and the fixtures as values that a test may change."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.money import Money
from connectors.canonical.order import Order
from connectors.kit.account import Account
from connectors.kit.http import Api, Plumbing
from connectors.kit.sandbox import Served, serve
from connectors.kit.tame import parse_json
from connectors.platforms import bigcommerce
from connectors.platforms.bigcommerce import CONNECTOR

FIXTURES = Path(bigcommerce.__file__).parent / "fixtures"
ACCOUNT = Account("t", "https://shop.example", settings={"store_hash": "k7w2xq9"}, time_zone="America/Toronto", currency="CAD")
READS = CONNECTOR.reads[ObjectType.ORDER]
NOW = "2026-03-02T09:15:00+00:00"


def raw(name: str) -> Any:
    """A fixture, fresh each time."""
    return copy.deepcopy(parse_json((FIXTURES / f"{name}.json").read_bytes(), name).value)


def order_of(found: Any, account: Account = ACCOUNT) -> Order:
    return READS.normalise(found, account)


def cad(amount: str) -> Money:
    return Money.of(amount, "CAD")


@dataclass
class Rests:
    """A limiter that remembers who asked it to rest."""

    seconds: list[float] = field(default_factory=list)

    def acquire(self) -> None:
        return None

    def pause(self, seconds: float) -> None:
        self.seconds.append(seconds)


@dataclass
class Town:
    """The sandbox and a connection to it."""

    served: Served
    api: Api
    account: Account
    rests: Rests

    def ask(self, action: str, **body: Any) -> Any:
        found = self.served.sandbox.command(action, body)
        assert not (isinstance(found, dict) and "error" in found), found
        return found

    def place(self, count: int = 1, seed: int = 1) -> list[dict[str, Any]]:
        return list(self.ask("place_orders", count=count, seed=seed)["orders"])

    def order(self, order_id: str) -> Order:
        return READS.normalise(READS.fetch(self.api, order_id), self.account)

    def listed(self, kind: ObjectType = ObjectType.ORDER, window: Window | None = None) -> list[str]:
        page_of = CONNECTOR.reads[kind].page
        assert page_of is not None
        found: list[str] = []
        cursor: str | None = None
        for _ in range(200):
            page = page_of(self.api, window or wide(self), cursor)
            found += [notice.source_id for notice in page.notices]
            cursor = page.next
            if cursor is None:
                return found
        raise AssertionError("the walk does not end")

    def paths(self) -> list[str]:
        return [entry["path"].partition("sandbox1")[2] for entry in self.served.sandbox.log]


def wide(town: Town) -> Window:
    now = datetime.fromisoformat(NOW) if town.served.sandbox.state.frozen else datetime.now(UTC)
    return Window(now - timedelta(days=3), now + timedelta(days=3))


@contextmanager
def store(**switches: Any) -> Iterator[Town]:
    """A store with these switches; the clock stands at NOW unless told otherwise."""
    served = serve(CONNECTOR.sandbox.build, {"seed": 7, "now": NOW, **switches})  # type: ignore[union-attr]
    facts = CONNECTOR.sandbox.connection(served.url)  # type: ignore[union-attr]
    account = Account(served.url, facts["base_url"], facts["urls"], {}, facts["settings"], facts["secrets"], "America/Toronto", "CAD")
    rests = Rests()
    api = CONNECTOR.open(account, Plumbing(limiter=rests, allow_private=True, sleep=lambda _seconds: None))
    try:
        yield Town(served, api, account, rests)
        assert not served.sandbox.crashes
    finally:
        served.stop()


def with_token(town: Town, token: str) -> Api:
    account = replace(town.account, key=town.account.key + token, secrets={"access_token": token})
    return CONNECTOR.open(account, Plumbing(allow_private=True, sleep=lambda _seconds: None))


def body_of(value: Any) -> bytes:
    return json.dumps(value).encode()
