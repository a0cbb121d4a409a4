"""A BigCommerce store and the books, connected by a flow of orders, as sandboxes of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from credentials.models import Organization
from flows.jobs.claim import claim
from flows.jobs.queue import Wanted, enqueue
from flows.models import Flow, SyncJob
from flows.models.job import Priority
from flows.pipeline.run import run_job
from tests.flows.conftest import connect


@dataclass
class Trade:
    """A BigCommerce store and the books, connected by a flow of orders."""

    store: Served
    books: Served
    flow: Flow

    def ask(self, action: str, **body: Any) -> Any:
        found = self.store.sandbox.command(action, body)
        assert not (isinstance(found, dict) and "error" in found), found
        return found

    def place(self, count: int = 1, seed: int = 1) -> list[dict[str, Any]]:
        return list(self.ask("place_orders", count=count, seed=seed)["orders"])

    def ledger(self) -> dict[str, Any]:
        return dict(self.books.sandbox.command("books", {}))

    def writes(self) -> dict[str, int]:
        named = self.books.sandbox.counters.items()
        return {name: n for name, n in named if name.startswith(("POST ", "PUT ", "DELETE ")) and "token" not in name}

    def wish(self, source_id: str) -> None:
        wanted = Wanted(self.flow.pk, ObjectType.ORDER, source_id, Priority.WEBHOOK, "test")
        enqueue([wanted], timezone.now())

    def work(self) -> None:
        while lease := claim(timezone.now()):
            run_job(lease)

    def book(self, source_id: str) -> SyncJob:
        self.wish(source_id)
        self.work()
        return SyncJob.objects.filter(flow=self.flow, source_id=source_id).latest("pk")

    def invoices(self, number: str) -> list[dict[str, Any]]:
        return [invoice for invoice in self.ledger()["invoices"] if invoice["number"] == number]


@pytest.fixture
def trade(transactional_db: None) -> Iterator[Callable[..., Trade]]:
    with ExitStack() as stack:

        def make(options: dict[str, Any] | None = None, **switches: Any) -> Trade:
            shop, ledger = get_connector("bigcommerce").sandbox, get_connector("freshbooks").sandbox
            assert shop is not None
            assert ledger is not None
            store, books = serve(shop.build, {"seed": 7, **switches}), serve(ledger.build, {"seed": 7})
            stack.callback(store.stop)
            stack.callback(books.stop)
            organization = Organization.objects.create(name="Acme", slug="acme", contacts="books@acme.test")
            source = connect(store, "bigcommerce", organization)
            destination = connect(books, "freshbooks", organization, settle_seconds=0.5)
            flow = Flow.objects.create(
                organization=organization,
                label="orders",
                source=source,
                destination=destination,
                recipe="order_to_invoice",
                options=options or {},
            )
            return Trade(store, books, flow)

        yield make


def check(trade: Trade, order: dict[str, Any], prefix: str = "") -> None:
    """Once in the books, to the cent."""
    (invoice,) = trade.invoices(prefix + order["number"])
    now = next(one for one in trade.ask("orders")["orders"] if one["id"] == order["id"])
    owed = Decimal(now["total"]) - Decimal(now["refunded"])
    paid = max(Decimal(now["captured"]) - Decimal(now["refunded"]), Decimal(0))
    assert (Decimal(invoice["amount"]), Decimal(invoice["paid"]), invoice["currency"]) == (owed, paid, now["currency"])
