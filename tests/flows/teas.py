"""A Shopify shop and the books as running sandboxes, one flow between them, and an address that keeps what the shop sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from connectors.kit.contract import Delivery
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.registry import get_connector
from credentials.models import Organization
from credentials.tokens import forget_copies
from flows.inbox.receive import receive
from flows.models import Flow
from tests.flows.conftest import Town, connect

HST = [["HST", "0.13"]]
MakeTown = Callable[..., Town]


@contextmanager
def tea_towns() -> Iterator[MakeTown]:
    """Make a Shopify shop and the books, with these options of the flow."""
    with ExitStack() as stack:

        def make(shop: dict[str, Any] | None = None, recipe: str = "order_to_invoice", **options: Any) -> Town:
            spec, ledger = get_connector("shopify").sandbox, get_connector("freshbooks").sandbox
            assert spec is not None
            assert ledger is not None
            served = {"shopify": serve(spec.build, {"seed": 3, **(shop or {})}), "freshbooks": serve(ledger.build, {"seed": 7})}
            for each in served.values():
                stack.callback(each.stop)
            organization = Organization.objects.create(name="Acme", slug="acme", contacts="books@acme.test")
            teas = connect(served["shopify"], "shopify", organization)
            books = connect(served["freshbooks"], "freshbooks", organization, settle_seconds=0.5)
            fields = {"organization": organization, "source": teas, "destination": books, "recipe": recipe}
            flow = Flow.objects.create(label="teas", options=options, **fields)
            return Town(served["shopify"], served["freshbooks"], flow, flow)

        forget_copies()
        yield make


def place(town: Town, **body: Any) -> dict[str, Any]:
    """Two packets of Assam at 9.40 plus 13 % (21.24), paid."""
    return dict(town.ask(town.shop, "place_order", **{"lines": [{"sku": "SH-ASSAM-100", "quantity": 2}], "taxes": HST, **body}))


def amounts(town: Town, order: dict[str, Any]) -> tuple[str, str]:
    invoice = town.invoice(order)
    return invoice["amount"], invoice["paid"]


def visible_payments(town: Town, order: dict[str, Any]) -> list[tuple[str, str]]:
    return [(p["type"], p["amount"]) for p in town.invoice(order)["payments"] if p["vis_state"] == 0]


class Door:
    """An address of ours that keeps what the shop sends, and hands it to the inbox when told to."""

    def __init__(self, stack: ExitStack) -> None:
        self.got: list[Delivery] = []
        served = serve(lambda _url, _options: self._build())
        stack.callback(served.stop)
        self.url = served.url

    def _build(self) -> Sandbox:
        sandbox = Sandbox(None)
        sandbox.route("POST", r"/.*", self._take)
        return sandbox

    def _take(self, call: Any) -> Answer:
        self.got.append(Delivery(call.headers, call.body))
        return Answer(200)


def settle(town: Town) -> None:
    for _ in range(200):
        if town.ask(town.shop, "settled")["pending"] == 0:
            return
        threading.Event().wait(0.02)
    raise AssertionError("webhooks are still on the way")


def deliver(town: Town, delivery: Delivery) -> int:
    return receive("shopify", town.orders.source.inbox_token, delivery).status
