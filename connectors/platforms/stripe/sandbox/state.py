"""What the Stripe sandbox holds: tables of objects in the order of their creation, a clock, ids, and an account."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from connectors.platforms.stripe.amounts import decimals

Row = dict[str, Any]
ACCOUNT = "acct_1Sb0xTillbridgeX"
SEED_KEY = "sk_test_sandboxonly0000000001"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
TABLES = (
    "customers",
    "invoices",
    "invoiceitems",
    "invoice_payments",
    "payment_intents",
    "payment_records",
    "charges",
    "refunds",
    "disputes",
    "balance_transactions",
    "events",
    "webhook_endpoints",
)


class Refusal(Exception):
    """An error answer in Stripe's shape."""

    def __init__(self, status: int, message: str, *, code: str = "", param: str = "", kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.kind = status, message, code, param, kind


def missing(what: str, id: str, param: str = "id") -> Refusal:
    return Refusal(404, f"No such {what}: '{id}'", code="resource_missing", param=param)


@dataclass
class Wallet:
    """The whole account. request_key: the idempotency key of the call at hand, for its events; asked: how often each key came; announce
    sends an event out.
    """

    public_url: str
    random: Random
    currency: str = "cad"
    key: str = SEED_KEY
    clock: Callable[[], float] = time.time
    tables: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    replays: dict[str, tuple[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    forbidden: list[str] = field(default_factory=list)
    failing_inside: int = 0
    search_lag: float = 0.0
    retry_pauses: tuple[float, ...] = (0.2, 0.4, 0.8)
    number: int = 0
    request_key: str | None = None
    announce: Callable[[Row], None] = lambda _event: None

    @property
    def livemode(self) -> bool:
        return "_live_" in self.key

    def now(self) -> int:
        return int(self.clock())

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_1Sb{''.join(self.random.choices(_LETTERS, k=21))}"

    def save(self, table: str, row: Row) -> Row:
        self.tables[table][row["id"]] = row
        return row

    def row(self, table: str, id: str, what: str, param: str = "id") -> Row:
        found = self.tables[table].get(id)
        if found is None:
            raise missing(what, id, param)
        return found

    def base(self, prefix: str, kind: str) -> Row:
        """The fields that every object has."""
        return {"id": self.new_id(prefix), "object": kind, "created": self.now(), "livemode": self.livemode, "metadata": {}}


def text_of(units: int, currency: str) -> str:
    """Units as a decimal text with the currency's decimals."""
    places = decimals(currency.upper())
    return f"{Decimal(units).scaleb(-places):.{places}f}"


def units_of(text: Any, currency: str) -> int:
    return int(Decimal(str(text)).scaleb(decimals(currency.upper())))
