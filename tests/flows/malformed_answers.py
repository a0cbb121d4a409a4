"""Spoiling the answers of a platform, and what the books must show once the fault is gone."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connectors.kit.sandbox import Served
from flows.models import ExternalLink, SyncJob
from flows.replay import replay_job
from tests.flows.conftest import Town

JSON = {"Content-Type": "application/json"}
Path = tuple[Any, ...]


def answer_with(town: Town, side: Served, method: str, path: str, body: Any, **more: Any) -> None:
    """From now on these calls are answered with this body and status 200 (JSON unless it is text), without effect."""
    text = body if isinstance(body, str) else json.dumps(body)
    fault = {"kind": "status", "status": 200, "method": method, "path": path, "body": text, "headers": JSON, "times": -1}
    town.ask(side, "faults", faults=[{**fault, **more}])


def at_peace(town: Town) -> None:
    for side in (town.shop, town.books):
        town.ask(side, "faults", faults=[])


def changed(raw: Any, path: Path, value: Any) -> Any:
    raw = copy.deepcopy(raw)
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return raw


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = False
    for key, child in children:
        found = True
        yield from leaves(child, (*path, key))
    if not found:
        yield path


def dotted(name: str, path: Path) -> str:
    return name + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def retried(town: Town, job: SyncJob) -> SyncJob:
    """What a person does once the fault is gone."""
    again = replay_job(job, "ada")
    town.work()
    again.refresh_from_db()
    return again


def booked_once(town: Town, order: dict[str, Any]) -> None:
    """The books hold this order exactly once, to the cent, and nothing that is not linked."""
    books = town.ledger()
    (invoice,) = [invoice for invoice in books["invoices"] if invoice["reference"] == order["number"]]
    assert Decimal(invoice["amount"]) == Decimal(order["total"]) - Decimal(order["refunded"])
    assert Decimal(invoice["paid"]) == min(Decimal(order["captured"]), Decimal(order["total"]) - Decimal(order["refunded"]))
    assert invoice["vis_state"] == 0
    assert ExternalLink.objects.exclude(state=ExternalLink.State.CONFIRMED).count() == 0
    assert len(books["clients"]) == ExternalLink.objects.filter(object_type="customer").count()
    payments = [payment for one in books["invoices"] for payment in one["payments"]]
    assert len(payments) == ExternalLink.objects.filter(object_type="payment").count()


def paid_order(town: Town, seed: int = 5) -> dict[str, Any]:
    """An order of the usual mix that is booked and paid, with two lines at least and no refund."""
    for order in town.place(12, seed=seed):
        raw = town.ask(town.shop, "order", id=order["id"])["order"]
        paid = order["status"] in ("processing", "completed") and Decimal(order["captured"]) > 0 and not raw["refunds"]
        if paid and len(raw["line_items"]) > 1 and raw["tax_lines"]:
            return order
    raise AssertionError("the mix has no such order")
