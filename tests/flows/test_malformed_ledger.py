"""Malformed answers of the books: a create stays in doubt until it is found, a search never looks like nothing found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from flows.models import ExternalLink, SyncJob
from tests.flows.conftest import Town
from tests.flows.malformed_answers import Path, answer_with, at_peace, booked_once, changed, paid_order, retried

State = SyncJob.State


def settle(town: Town, job: SyncJob) -> SyncJob:
    """Let the doubt settle, then let the job go on."""
    deadline = time.monotonic() + 20
    while job.state == State.WAITING and time.monotonic() < deadline:
        time.sleep(0.2)
        SyncJob.objects.filter(pk=job.pk, state=State.WAITING, reason_code__in=["unreadable", "not_json"]).update(not_before=job.created_at)
        town.work()
        job = SyncJob.objects.filter(flow=job.flow, source_id=job.source_id).latest("pk")
    return job


def envelope(name: str, value: Any) -> Any:
    return {"response": {"result": {name: value}}}


class Spoiler:
    """Lets a create happen in the ledger and then spoils its answer, as a broken gateway in between would."""

    def __init__(self, town: Town, path: str, spoil: Callable[[Any], Any]) -> None:
        self.sandbox, self.path, self.spoil, self.times = town.books.sandbox, path, spoil, 0
        self.original = self.sandbox.handle

    def __enter__(self) -> Spoiler:
        self.sandbox.handle = self.handle  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.handle = self.original  # type: ignore[method-assign]

    def handle(self, call: Any) -> Any:
        answer = self.original(call)
        if call.method != "POST" or not call.path.endswith(self.path) or answer.status >= 300:
            return answer
        self.times += 1
        spoiled = self.spoil(json.loads(answer.body))
        body = spoiled if isinstance(spoiled, bytes) else json.dumps(spoiled).encode()
        return type(answer)(answer.status, body, answer.headers)


def inside(name: str, path: Path, value: Any) -> Callable[[Any], Any]:
    return lambda answer: changed(answer, ("response", "result", name, *path), value)


CREATED: list[tuple[str, Callable[[Any], Any], str]] = [
    ("/invoices", inside("invoice", ("amount",), None), "invoice.amount: expected object, got null"),
    ("/invoices", inside("invoice", ("amount",), "12.50"), "invoice.amount: expected object, got str"),
    ("/invoices", inside("invoice", ("amount", "amount"), "twelve"), "invoice.amount.amount: expected decimal, got str"),
    ("/invoices", inside("invoice", ("id",), None), "invoice.id: expected whole number, got null"),
    ("/invoices", inside("invoice", ("id",), 0), "invoice.id: expected identifier, got int"),
    ("/invoices", inside("invoice", ("id",), "--5"), "invoice.id: expected whole number, got str"),
    ("/invoices", inside("invoice", ("outstanding",), []), "invoice.outstanding: expected object, got list"),
    ("/invoices", inside("invoice", ("lines",), "none"), "invoice.lines: expected list, got str"),
    ("/invoices", inside("invoice", ("lines", 0, "unit_cost"), None), "invoice.lines[0].unit_cost: expected object, got null"),
    ("/invoices", inside("invoice", ("create_date",), "soon"), "invoice.create_date: expected date, got str"),
    ("/invoices", lambda _: {"response": {"result": {}}}, "answer.response.result.invoice: missing"),
    ("/invoices", lambda _: {}, "answer.response: missing"),
    ("/invoices", lambda _: [], "answer: expected object, got list"),
    ("/invoices", lambda answer: json.dumps(answer).encode()[:-40], "page instead of data"),
    ("/invoices", lambda _: b"<html><body>502</body></html>", "page instead of data"),
    ("/invoices", lambda _: b"", "answer: not valid JSON"),
    ("/clients", inside("client", ("id",), None), "client.id: expected whole number, got null"),
    ("/clients", inside("client", ("email",), 5), "client.email: expected text, got int"),
    ("/payments", inside("payment", ("amount",), None), "payment.amount: expected object, got null"),
    ("/payments", inside("payment", ("date",), 20261102), "payment.date: expected text, got int"),
    ("/items", inside("item", ("id",), {}), "item.id: expected whole number, got dict"),
]


@pytest.mark.parametrize(("path", "spoil", "said"), CREATED, ids=[f"{path[1:]}-{n}" for n, (path, _, _) in enumerate(CREATED)])
def test_an_unreadable_answer_to_a_create_leaves_it_in_doubt_and_is_adopted(
    town: Town, path: str, spoil: Callable[[Any], Any], said: str
) -> None:
    order = paid_order(town)
    with Spoiler(town, path, spoil) as spoiler:
        job = town.run(town.orders, str(order["id"]))
    assert spoiler.times == 1
    assert job.state == State.WAITING
    assert said in job.reason, job.reason
    assert ExternalLink.objects.filter(state=ExternalLink.State.INTENDED).count() == 1
    job = settle(town, job)
    assert job.state == State.DONE, job.reason
    booked_once(town, order)
    assert ExternalLink.objects.filter(adopted=True).count() == 1


READ: list[tuple[str, str, Any, str]] = [
    ("GET", "/users/clients", {"response": {"result": {"clients": [{"id": "x", "email": "@"}], "pages": 1}}}, ""),
    (
        "GET",
        "/users/clients",
        {"response": {"result": {"clients": {}, "pages": 1}}},
        "answer.response.result.clients: expected list, got dict",
    ),
    ("GET", "/users/clients", {"response": {"result": {"clients": [7], "pages": 1}}}, "client[0]: expected object, got int"),
    ("GET", "/invoices/invoices", {"response": {"result": {"invoices": [], "pages": None}}}, ""),
    ("GET", "/invoices/invoices", {"response": {}}, "answer.response.result: missing"),
    ("GET", "/items/items", {"response": {"result": {"items": [{}], "pages": 1}}}, "item[0].id: missing"),
]


@pytest.mark.parametrize(("method", "path", "body", "said"), READ)
def test_an_unreadable_search_never_looks_like_nothing_found(town: Town, method: str, path: str, body: Any, said: str) -> None:
    order = paid_order(town)
    answer_with(town, town.books, method, path + "$", body)
    job = town.run(town.orders, str(order["id"]))
    assert job.reason_code != "defect", job.reason
    if said:
        assert (job.state, said in job.reason) == (State.DEAD, True), job.reason
        assert town.ledger()["invoices"] == []
    at_peace(town)
    if job.state != State.DONE:
        assert retried(town, job).state == State.DONE
    booked_once(town, order)


@pytest.mark.parametrize("kind", ["html", "status"])
def test_error_pages_with_status_200_are_waited_out(town: Town, kind: str) -> None:
    order = paid_order(town)
    town.ask(town.books, "faults", faults=[{"kind": kind, "status": 200, "body": "<!doctype html>", "times": -1}])
    job = town.run(town.orders, str(order["id"]))
    assert (job.state, job.attempts) == (State.WAITING, 1), job.reason
    assert town.ledger()["invoices"] == []
    at_peace(town)
    assert settle(town, retried(town, job)).state == State.DONE
    booked_once(town, order)


def test_an_unreadable_answer_to_an_update_is_repeated_without_harm(town: Town) -> None:
    order = paid_order(town)
    source_id = str(order["id"])
    assert town.run(town.orders, source_id).state == State.DONE
    raw = town.ask(town.shop, "order", id=order["id"])["order"]
    line = {"id": raw["line_items"][0]["id"], "name": "A corrected name"}
    town.ask(town.shop, "update", id=order["id"], fields={"line_items": [line]})
    answer_with(town, town.books, "PUT", "/invoices/invoices/[0-9]+$", envelope("invoice", {"id": 1}))
    job = town.run(town.orders, source_id)
    assert job.state == State.DEAD, job.reason
    assert "invoice." in job.reason
    at_peace(town)
    assert retried(town, job).state in (State.DONE, State.NOTHING)
    booked_once(town, order)
