"""Books and a payment service as running sandboxes, with the three flows between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from credentials.models import Connection, Organization
from flows.jobs.claim import claim
from flows.jobs.queue import Wanted, enqueue
from flows.models import ExternalLink, Flow, SyncJob
from flows.models.job import Priority
from flows.pipeline.run import run_job
from flows.recipes import RECIPES
from tests.flows.conftest import connect

LINES = [
    {"type": 0, "name": "Glazing", "description": "Kiln 2", "qty": "3", "unit_cost": {"amount": "25.00", "code": "CAD"},
     "taxName1": "HST", "taxAmount1": "13"},
    {"type": 0, "name": "Delivery", "description": "", "qty": "1", "unit_cost": {"amount": "15.25", "code": "CAD"}},
]  # fmt: skip
CLIENT = {"fname": "Ida", "lname": "Stroem", "organization": "Stroem Glas", "email": "ida@stroem.example", "p_street": "4 Kiln Lane",
          "p_city": "Hamilton", "p_province": "ON", "p_code": "L8P 1A1", "p_country": "Canada", "currency_code": "CAD"}  # fmt: skip


@dataclass
class Till:
    """What a test does with it. Amounts are texts in whole units."""

    books: Served
    service: Served
    clients: Flow
    out: Flow
    back: Flow

    def ask(self, side: Served, action: str, **body: Any) -> Any:
        return side.sandbox.command(action, body)

    def bill(self, lines: Any = None, *, draft: bool = False, client_id: int | None = None, **fields: Any) -> dict[str, Any]:
        """A person bills a client: three times 25.00 with 13 %, and 15.25; 100.00 in all."""
        body = {"invoice": {"lines": lines or LINES, "due_offset_days": 14, "currency_code": "CAD", **fields}, "draft": draft}
        who = {"client_id": client_id} if client_id else {"client": CLIENT}
        return dict(self.ask(self.books, "bill", **body, **who)["invoice"])

    def run(self, flow: Flow, source_id: Any, **wish: Any) -> SyncJob:
        kind = RECIPES[flow.recipe].source
        enqueue([Wanted(flow.pk, kind, str(source_id), Priority.WEBHOOK, "test", **wish)], timezone.now())
        self.work()
        return SyncJob.objects.filter(flow=flow, source_id=str(source_id)).latest("pk")

    def work(self) -> None:
        while lease := claim(timezone.now()):
            run_job(lease)

    def collect(self, invoice: dict[str, Any], **wish: Any) -> SyncJob:
        return self.run(self.out, invoice["id"], **wish)

    def record(self, id: str, **wish: Any) -> SyncJob:
        return self.run(self.back, id, **wish)

    def there(self, invoice: dict[str, Any]) -> list[dict[str, Any]]:
        """The invoices at the service that carry our mark of this invoice."""
        found = self.ask(self.service, "everything")["invoices"]
        return [each for each in found if each["reference"].split(":")[1:2] == [str(invoice["id"])]]

    def here(self, invoice: dict[str, Any]) -> dict[str, Any]:
        """The invoice as the books show it now."""
        return next(dict(each) for each in self.ask(self.books, "books")["invoices"] if each["id"] == invoice["id"])

    def recorded(self, invoice: dict[str, Any]) -> list[str]:
        """The amounts of the payments that stand on it."""
        return [each["amount"] for each in self.here(invoice)["payments"] if each["vis_state"] == 0]

    def pay(self, at: dict[str, Any], amount: str | None = None, **how: Any) -> dict[str, Any]:
        return dict(self.ask(self.service, "pay", invoice=at["id"], amount=amount, **how))

    def issued(self, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """An invoice of the books, and what the service made of it."""
        invoice = self.bill(**fields)
        job = self.collect(invoice)
        assert job.state == "done", job.reason
        [at] = self.there(invoice)
        assert at["status"] == "open"
        return invoice, at

    def due_now(self) -> None:
        SyncJob.objects.filter(state=SyncJob.State.WAITING).update(not_before=timezone.now())

    def writes(self, side: Served) -> dict[str, int]:
        return {
            name: n for name, n in side.sandbox.counters.items() if name.startswith(("POST ", "PUT ", "DELETE ")) and "token" not in name
        }

    def option(self, flow: Flow, **options: Any) -> None:
        flow.options = {**flow.options, **options}
        flow.save()

    def links(self, kind: str) -> list[str]:
        return sorted(ExternalLink.objects.filter(object_type=kind, state="confirmed").values_list("key", flat=True))


MakeTill = Callable[..., Till]


@contextmanager
def tills() -> Iterator[MakeTill]:
    """Make them; all are stopped at the end."""
    with ExitStack() as stack:

        def make(**service: Any) -> Till:
            made = {
                name: serve(get_connector(name).sandbox.build, {"seed": 7, **more})  # type: ignore[union-attr]
                for name, more in (("freshbooks", {}), ("stripe", service))
            }
            for served in made.values():
                stack.callback(served.stop)
            organization = Organization.objects.create(name="Acme", slug="acme")
            books = connect(made["freshbooks"], "freshbooks", organization, settle_seconds=0.5)
            till = connect(made["stripe"], "stripe", organization, settle_seconds=0.5)
            return Till(
                made["freshbooks"],
                made["stripe"],
                _flow(organization, books, till, "client_to_customer"),
                _flow(organization, books, till, "invoice_to_collection"),
                _flow(organization, till, books, "collection_to_payment"),
            )

        yield make


def _flow(organization: Organization, source: Connection, destination: Connection, recipe: str) -> Flow:
    options = {"test_money": "book"} if recipe == "collection_to_payment" else {}
    return Flow.objects.create(
        organization=organization, label=recipe, source=source, destination=destination, recipe=recipe, options=options
    )
