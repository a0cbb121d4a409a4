"""What the conformance suite needs of each platform, without naming one: its fixtures, its own sandbox, sample values."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.ledger import (
    Credit,
    Expense,
    Invoice,
    InvoiceLine,
    InvoiceNote,
    InvoiceTax,
    OrderMark,
    OrderNote,
    OrderStatusChange,
    Payment,
)
from connectors.canonical.money import Money
from connectors.canonical.party import Address, Customer
from connectors.kit.account import Account
from connectors.kit.contract import Connector, Delivery
from connectors.kit.errors import Unauthorised
from connectors.kit.http import Api, Plumbing
from connectors.kit.sandbox import Served, serve
from connectors.kit.tame import parse_json
from connectors.registry import all_connectors

_fresh = count(1)


# ---- fixtures ----------------------------------------------------------------------------------------------


def folder(connector: Connector) -> Path:
    """The platform's folder, wherever its CONNECTOR was found."""
    (name,) = [name for name, known in all_connectors().items() if known is connector]
    module = importlib.import_module(f"connectors.platforms.{name}")
    return Path(str(module.__file__)).parent


@dataclass(frozen=True)
class Fixture:
    """A recorded shape: fixtures/<object type>__<case>.json, as `fetch` returns it."""

    connector: Connector
    kind: ObjectType
    path: Path

    def raw(self) -> Any:
        return parse_json(self.path.read_bytes(), self.path.stem).value

    def normalised(self, raw: Any) -> Any:
        return self.connector.reads[self.kind].normalise(raw, ACCOUNT)

    def __str__(self) -> str:
        return f"{self.connector.platform}-{self.path.stem}"


ACCOUNT = Account("conformance", "https://platform.example", ids={"account_id": "Tb1"}, time_zone="America/Toronto", currency="CAD")


def fixtures() -> list[Fixture]:
    return [
        Fixture(connector, kind, path)
        for connector in all_connectors().values()
        for kind in connector.reads
        for path in sorted((folder(connector) / "fixtures").glob(f"{kind.value}__*.json"))
    ]


@dataclass(frozen=True)
class Recorded:
    """A recorded delivery: fixtures/webhook__<case>.json; without a secret it is an unsigned greeting. "at" is when it came, where its
    signature holds for a while only.
    """

    connector: Connector
    name: str
    delivery: Delivery
    secret: str

    def __str__(self) -> str:
        return f"{self.connector.platform}-{self.name}"


def deliveries() -> list[Recorded]:
    found = []
    for connector in all_connectors().values():
        for path in sorted((folder(connector) / "fixtures").glob("webhook__*.json")):
            fixture = json.loads(path.read_bytes())
            at = datetime.fromisoformat(fixture["at"]) if "at" in fixture else datetime.now(UTC)
            delivery = Delivery(fixture["headers"], fixture["body"].encode(), at)
            found.append(Recorded(connector, path.stem, delivery, fixture["secret"]))
    return found


# ---- a running sandbox -------------------------------------------------------------------------------------


@dataclass
class KeptTokens:
    """The sandbox's own access token, which cannot be renewed."""

    token: str

    def current(self) -> str:
        return self.token

    def renew(self, stale: str) -> str:
        raise Unauthorised("The sandbox gave us no other token.")


@dataclass
class World:
    """One platform's sandbox with a connection to it, and what the samples have made there so far."""

    connector: Connector
    served: Served
    account: Account
    api: Api
    made: dict[ObjectType, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.connector.platform

    def admin(self, action: str, body: Mapping[str, Any] | None = None) -> Any:
        return self.served.sandbox.command(action, dict(body or {}))

    def faults(self, *faults: dict[str, Any]) -> None:
        self.admin("faults", {"faults": list(faults)})

    @property
    def is_shop(self) -> bool:
        return self.role == "shop"

    @property
    def role(self) -> str:
        return self.connector.sandbox.role if self.connector.sandbox else ""


def open_world(connector: Connector) -> World:
    """Build the sandbox, connect with its development keys, and learn from probing what a connection would learn."""
    assert connector.sandbox is not None
    served = serve(connector.sandbox.build, {"seed": 11})
    facts = connector.sandbox.connection(served.url)
    key = f"conformance-{connector.platform}-{next(_fresh)}"
    account = Account(key, facts["base_url"], facts["urls"], facts["ids"], facts["settings"], facts["secrets"], currency="CAD")
    return World(connector, served, account, connect(connector, account))


def connect(connector: Connector, account: Account) -> Api:
    tokens = KeptTokens(account.secrets.get("access_token", ""))
    return connector.open(account, Plumbing(tokens=tokens, allow_private=True, sleep=lambda _seconds: None))


def walk(world: World, kind: ObjectType, window: Window) -> list[Notice]:
    """All notices of a window, page by page."""
    page_of = world.connector.reads[kind].page
    assert page_of is not None
    found: list[Notice] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = page_of(world.api, window, cursor)
        found.extend(page.notices)
        cursor, pages = page.next, pages + 1
        assert pages < 200, "the walk does not end"
    return found


def lately() -> Window:
    now = datetime.now(UTC)
    return Window(now - timedelta(days=2), now + timedelta(hours=1))


# ---- sample values of everything that can be written -------------------------------------------------------


def sample(world: World, kind: ObjectType) -> Any:
    """A new value, different each time, that may be written to the sandbox."""
    return _SAMPLES[kind](world, next(_fresh))


def existing(world: World, kind: ObjectType) -> Any:
    """Something written before, made on first use: what other samples refer to."""
    if kind not in world.made:
        world.made[kind] = world.connector.writes[kind].create(world.api, sample(world, kind))
    return world.made[kind]


def _customer(_world: World, n: int) -> Customer:
    home = Address("Ines", f"Probe {n}", "", "1 Test Row", "", "Hamilton", "ON", "L8P 1A1", "CA")
    return Customer(email=f"ines.{n}@conformance.example", given_name="Ines", family_name=f"Probe {n}", billing=home, currency="CAD")


def _product(_world: World, n: int) -> Product:
    return Product(id="", sku=f"CONF-{n}", name=f"Conformance {n}", unit_price=Money.of("12.50", "CAD"))


def _lines() -> tuple[InvoiceLine, ...]:
    return (InvoiceLine("Mug", "Blue", Decimal(2), Money.of("12.50", "CAD")),)


def _today() -> Any:
    return datetime.now(UTC).date()


def _invoice(world: World, n: int) -> Invoice:
    client = existing(world, ObjectType.CUSTOMER).id
    return Invoice(client, f"CONF-{n}", f"CONF-{n}", _today(), "CAD", _lines(), billing=_customer(world, n))


def _payment(world: World, n: int) -> Payment:
    invoice, method = existing(world, ObjectType.INVOICE), world.connector.payment_methods[0]
    return Payment(invoice.id, Money.of("0.50", "CAD"), _today(), method, f"[conf {n}] part")


def _credit(world: World, n: int) -> Credit:
    return Credit(existing(world, ObjectType.CUSTOMER).id, f"CONF-C{n}", _today(), "CAD", _lines(), f"[conf {n}] back")


def _tax(_world: World, n: int) -> InvoiceTax:
    return InvoiceTax(f"Conformance tax {n}", Decimal("4.5"))


def _open_order(world: World) -> str:
    """An order of the sandbox that is booked and not paid, so its status may still be written."""
    placed = world.admin("place_orders", {"count": 60, "seed": next(_fresh)})["orders"]
    return str(next(order["id"] for order in placed if Decimal(order["captured"]) == 0 and order["status"] not in _CLOSED))


_CLOSED = ("cancelled", "canceled", "refunded", "failed", "trash", "closed", "complete")


def _status(world: World, n: int) -> OrderStatusChange:
    order_id = _open_order(world)
    now = world.connector.writes[ObjectType.ORDER_STATUS].get
    assert now is not None
    wanted = [status for status in world.connector.paid_statuses if status != now(world.api, order_id).status]
    return OrderStatusChange(order_id, wanted[0], f"CONF-{n}")


def _note(world: World, n: int) -> OrderNote:
    return OrderNote(_open_order(world), f"[conf {n}] Invoice written", f"[conf {n}]")


def _mark(world: World, n: int) -> OrderMark:
    return OrderMark(_open_order(world), f"CONF-{n}", note=f"[conf {n}] Invoice CONF-{n}", marker=f"[conf {n}]")


def _expense(_world: World, n: int) -> Expense:
    return Expense(Money.of("1.05", "CAD"), _today(), "Bank Fees", "Conformance", f"conf:{n} | fee")


def _invoice_note(world: World, n: int) -> InvoiceNote:
    return InvoiceNote(existing(world, ObjectType.INVOICE).id, f"Pay here: conf-{n}", f"Pay here: conf-{n}")


_SAMPLES: dict[ObjectType, Callable[[World, int], Any]] = {
    ObjectType.CUSTOMER: _customer,
    ObjectType.PRODUCT: _product,
    ObjectType.INVOICE: _invoice,
    ObjectType.PAYMENT: _payment,
    ObjectType.CREDIT: _credit,
    ObjectType.TAX: _tax,
    ObjectType.EXPENSE: _expense,
    ObjectType.INVOICE_NOTE: _invoice_note,
    ObjectType.ORDER_STATUS: _status,
    ObjectType.ORDER_NOTE: _note,
    ObjectType.ORDER_MARK: _mark,
}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all scalars and empty containers in a JSON value."""
    children: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    if not children:
        yield path
    for key, child in children:
        yield from leaves(child, (*path, key))
