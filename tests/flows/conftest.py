"""A small world for the flow tests: one organization, a shop, a ledger, a flow between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from unittest.mock import Mock

import pytest
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from credentials.models import Connection, Organization
from credentials.vault import set_secrets
from flows.jobs.claim import claim
from flows.jobs.queue import Wanted, enqueue
from flows.models import Flow, SyncJob
from flows.models.job import Priority
from flows.pipeline.run import run_job
from flows.recipes import RECIPES
from tests.flows.inbox_caller import Door, open_door

MakeFlow = Callable[..., Flow]


@pytest.fixture
def make_flow(db: None) -> MakeFlow:
    """Make a flow between two new active connections."""

    def make(label: str = "orders", **fields: object) -> Flow:
        organization, _ = Organization.objects.get_or_create(name="Acme", slug="acme")
        shop = Connection.objects.create(organization=organization, platform="woocommerce", label=f"shop of {label}", status="active")
        books = Connection.objects.create(
            organization=organization, platform="freshbooks", label=f"books of {label}", status="active", currency="CAD"
        )
        return Flow.objects.create(
            organization=organization, label=label, source=shop, destination=books, recipe="order_to_invoice", **fields
        )

    return make


@pytest.fixture
def flow(make_flow: MakeFlow) -> Flow:
    return make_flow()


def wanted(flow: Flow, source_id: str, priority: Priority = Priority.WEBHOOK, **fields: object) -> Wanted:
    """A job wish for an order."""
    return Wanted(flow.pk, ObjectType.ORDER, source_id, priority, "webhook", **fields)  # type: ignore[arg-type]


# ---- both sandboxes in this process ------------------------------------------------------------------------


@dataclass
class Town:
    """A shop and the books as running sandboxes, connected by flows in the test's database."""

    shop: Served
    books: Served
    orders: Flow
    payments: Flow

    def ask(self, side: Served, action: str, **body: Any) -> Any:
        return side.sandbox.command(action, body)

    def place(self, count: int = 1, seed: int = 1, **more: Any) -> list[dict[str, Any]]:
        """Place orders; their summaries as the shop knows them."""
        return list(self.shop.sandbox.command("place_orders", {"count": count, "seed": seed, **more})["orders"])

    def ledger(self) -> dict[str, Any]:
        """What the books really hold."""
        return dict(self.books.sandbox.command("books", {}))

    def run(self, flow: Flow, source_id: str, **wish: Any) -> SyncJob:
        """Queue one object and run what is due until nothing is; its newest job."""
        enqueue([Wanted(flow.pk, RECIPES[flow.recipe].source, source_id, Priority.WEBHOOK, "test", **wish)], timezone.now())
        self.work()
        return SyncJob.objects.filter(flow=flow, source_id=source_id).latest("pk")

    def work(self) -> None:
        """Run every due job of the database, one after the other."""
        while lease := claim(timezone.now()):
            run_job(lease)

    def calls(self, side: Served) -> dict[str, int]:
        return {name: n for name, n in side.sandbox.counters.items() if name != "calls" and "token" not in name}

    def writes(self, side: Served) -> dict[str, int]:
        """The calls that would change something there, since the last "forget"."""
        return {name: n for name, n in self.calls(side).items() if name.startswith(("POST ", "PUT ", "PATCH ", "DELETE "))}

    @contextmanager
    def untouched(self, *sides: Served) -> Iterator[None]:
        """Whatever happens inside writes nothing on these sides."""
        for side in sides:
            side.sandbox.command("forget", {})
        yield
        assert [self.writes(side) for side in sides] == [{} for _ in sides]

    def order(self, **fields: Any) -> dict[str, Any]:
        """Place one plain paid order of a guest in Ontario (two teas at 8.95 plus 13 %), with these fields over it."""
        body: dict[str, Any] = {
            "billing": {"first_name": "Iris", "last_name": "Vahl", "email": "iris@vahl.example", "address_1": "9 Mill Lane",
                        "city": "Hamilton", "state": "ON", "postcode": "L8P 1A1", "country": "CA"},
            "payment_method": "stripe", "payment_method_title": "Credit / Debit Card", "transaction_id": "txn_1", "set_paid": True,
            "line_items": [{"sku": "TEA-EG-100", "quantity": 2}], **fields,
        }  # fmt: skip
        return self._done("place_order", fields=body)

    def change(self, order: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The shop's own people edit the order."""
        return self._done("update", id=order["id"], fields=fields)

    def refund(self, order: dict[str, Any], **how: Any) -> dict[str, Any]:
        return self._done("refund", id=order["id"], **how)

    def _done(self, action: str, **body: Any) -> dict[str, Any]:
        answer = dict(self.ask(self.shop, action, **body))
        assert "error" not in answer, answer
        return answer

    def raw(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order as the shop's API shows it."""
        return dict(self.ask(self.shop, "order", id=order["id"])["order"])

    def notes(self, order: dict[str, Any]) -> list[str]:
        """What our notes on the order say, the shop's own notes left out."""
        notes = self.ask(self.shop, "order", id=order["id"])["notes"]
        return [note["note"] for note in notes if "invoice" in note["note"]]

    def book(self, order: dict[str, Any], **wish: Any) -> SyncJob:
        """Sync one order now."""
        return self.run(self.orders, str(order["id"]), **wish)

    def invoice(self, order: dict[str, Any]) -> dict[str, Any]:
        """The only invoice that refers to this order, deleted ones included."""
        (invoice,) = [each for each in self.ledger()["invoices"] if each["reference"] == order["number"]]
        return dict(invoice)

    def due_now(self) -> None:
        """All that waits for its time is due at once."""
        SyncJob.objects.filter(state=SyncJob.State.WAITING).update(not_before=timezone.now())


def connect(served: Served, platform: str, organization: Organization, **settings: Any) -> Connection:
    """A connection to a running sandbox, active, with a rate that does not slow the test down."""
    spec = get_connector(platform).sandbox
    assert spec is not None
    wanted = spec.connection(served.url)
    connection = Connection.objects.create(
        organization=organization,
        platform=platform,
        label=f"{platform} {organization.connections.count()}",
        base_url=wanted["base_url"],
        urls=wanted.get("urls", {}),
        ids=wanted.get("ids", {}),
        settings={**wanted.get("settings", {}), "rate_per_second": 5000, **settings},
        status=Connection.Status.ACTIVE,
        time_zone="America/Toronto",
        currency="CAD",
    )
    set_secrets(connection, wanted["secrets"])
    return connection


@pytest.fixture
def town(make_town: Callable[..., Town]) -> Town:
    """Both sandboxes as they come."""
    return make_town()


@pytest.fixture
def make_town(transactional_db: None) -> Iterator[Callable[..., Town]]:
    """Make both sandboxes with these switches, connected by both flows; every row is really committed."""
    with ExitStack() as stack:

        def make(shop: dict[str, Any] | None = None, books: dict[str, Any] | None = None, **options: Any) -> Town:
            made = {
                name: serve(get_connector(name).sandbox.build, {"seed": 7, **(switches or {})})  # type: ignore[union-attr]
                for name, switches in (("woocommerce", shop), ("freshbooks", books))
            }
            for served in made.values():
                stack.callback(served.stop)
            return _settle_in(made, options)

        yield make


def _settle_in(made: dict[str, Served], options: dict[str, Any]) -> Town:
    organization = Organization.objects.create(name="Acme", slug="acme", contacts="books@acme.test")
    shop = connect(made["woocommerce"], "woocommerce", organization)
    books = connect(made["freshbooks"], "freshbooks", organization, settle_seconds=0.5)
    orders = Flow.objects.create(
        organization=organization, label="orders", source=shop, destination=books, recipe="order_to_invoice", options=options
    )
    payments = Flow.objects.create(
        organization=organization, label="payments", source=books, destination=shop, recipe="payment_to_order_status"
    )
    return Town(made["woocommerce"], made["freshbooks"], orders, payments)


# ---- the books and a payment service -----------------------------------------------------------------------


@pytest.fixture
def make_till(transactional_db: None) -> Iterator[Any]:
    """Make the books and a payment service, connected by all three flows."""
    from tests.flows.till import tills

    with tills() as make:
        yield make


@pytest.fixture
def till(make_till: Any) -> Any:
    return make_till()


@pytest.fixture
def tea_town(transactional_db: None) -> Iterator[Any]:
    """Make a Shopify shop and the books, connected by one flow."""
    from tests.flows.teas import tea_towns

    with tea_towns() as make:
        yield make


@pytest.fixture
def tea_door(settings: Any) -> Iterator[Any]:
    """Our public address, as an address that keeps what a shop sends."""
    from tests.flows.teas import Door

    with ExitStack() as stack:
        found = Door(stack)
        settings.PUBLIC_URL = found.url
        yield found


# ---- inbox addresses with a secret -------------------------------------------------------------------------


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Rung once for each stored event, and never else."""
    ring = Mock()
    monkeypatch.setattr("flows.inbox.views.ring", ring)
    monkeypatch.setattr("flows.inbox.receive._complained", {})
    return ring


@pytest.fixture
def shop_door(flow: Flow, bell: Mock) -> Door:
    """The shop's inbox."""
    return open_door(flow.source, "shop-4b1d9c77e0")


@pytest.fixture
def books_door(flow: Flow, bell: Mock) -> Door:
    """The ledger's inbox."""
    return open_door(flow.destination, "books-9fe2a6610c")


@pytest.fixture(params=["shop", "books"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each side's inbox in turn."""
    return cast(Door, request.getfixturevalue(f"{request.param}_door"))
