"""What the tests of Shopify share: a running sandbox with a connection to it, and orders made in few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from connectors.canonical.money import Money, total
from connectors.canonical.order import Order
from connectors.kit.account import Account
from connectors.kit.errors import Unauthorised
from connectors.kit.http import Api, Plumbing
from connectors.kit.plumbing import ONLY_TOKEN
from connectors.kit.sandbox import Served, serve
from connectors.kit.tame import parse_json
from connectors.platforms.shopify import CONNECTOR
from connectors.platforms.shopify.orders import normalise_order
from connectors.platforms.shopify.reading import fetch_order
from connectors.platforms.shopify.sandbox import ACCESS, build, connection

FIXTURES = Path(str(__import__("connectors.platforms.shopify", fromlist=["x"]).__file__)).parent / "fixtures"
HST = [["HST", "0.13"]]
_fresh = count(1)


@dataclass
class OneToken:
    token: str = ACCESS

    def current(self) -> str:
        return self.token

    def renew(self, stale: str) -> str:
        raise Unauthorised("There is no other token.", code=ONLY_TOKEN)


@dataclass
class Shop:
    """A served sandbox, seen through the connector."""

    served: Served
    account: Account
    api: Api
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def admin(self, action: str, **body: Any) -> Any:
        return self.served.sandbox.command(action, body)

    def place(self, **body: Any) -> dict[str, Any]:
        """Two packets of Assam at 9.40 plus 13 %, paid, with these fields over it."""
        fields = {"lines": [{"sku": "SH-ASSAM-100", "quantity": 2}], "taxes": HST, **body}
        return dict(self.admin("place_order", **fields))

    def raw(self, placed: Mapping[str, Any]) -> dict[str, Any]:
        return fetch_order(self.api, str(placed["id"]))

    def read(self, placed: Mapping[str, Any], **settings: str) -> Order:
        return normalise_order(self.raw(placed), replace(self.account, settings=settings))


@contextmanager
def open_shop(**options: Any) -> Iterator[Shop]:
    """A shop for the length of a test; a crash of the sandbox fails the test."""
    served = serve(build, options)
    facts = connection(served.url)
    account = Account(f"shopify-test-{next(_fresh)}", facts["base_url"], facts["urls"], {}, {}, facts["secrets"], "America/Toronto", "CAD")
    warnings: list[tuple[str, str]] = []
    plumbing = Plumbing(tokens=OneToken(), allow_private=True, warn=lambda code, text: warnings.append((code, text)))
    try:
        yield Shop(served, account, CONNECTOR.open(account, plumbing), warnings)
        assert list(served.sandbox.crashes) == []
    finally:
        served.stop()


def fixture(name: str) -> Any:
    return parse_json((FIXTURES / f"{name}.json").read_bytes(), name).value


def read_fixture(name: str, **settings: str) -> Order:
    return normalise_order(fixture(name), Account("t", "https://tea.myshopify.com", settings=settings, time_zone="America/Toronto"))


def cad(amount: str) -> Money:
    return Money(Decimal(amount), "CAD")


def parts(order: Order) -> Money:
    """What lines, charges and their taxes come to."""
    pieces = (*order.lines, *order.charges)
    return total([piece.total for piece in pieces] + [tax.amount for piece in pieces for tax in piece.taxes], order.currency)


def left(order: Order) -> Money:
    """What the order is worth after money went back."""
    return order.total - total((refund.amount for refund in order.refunds), order.currency)
