"""Malformed answers of the shop: the job says which field is bad, the worker lives on, and nothing is doubled afterwards."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from flows.models import ExternalLink, SyncJob, SyncRecord
from tests.flows.conftest import Town
from tests.flows.malformed_answers import Path, answer_with, at_peace, booked_once, changed, dotted, leaves, paid_order, retried

State = SyncJob.State

SPOILED_ORDERS: list[tuple[Path, Any, str]] = [
    (("total",), None, "order.total: expected decimal, got null"),
    (("total",), "12,50", "order.total: expected decimal, got str"),
    (("total",), {"value": "1"}, "order.total: expected decimal, got dict"),
    (("total",), "NaN", "order.total: expected decimal of a sane size, got str"),
    (("total",), "1e400", "order.total: expected decimal of a sane size, got str"),
    (("currency",), 17, "order.currency: expected text, got int"),
    (("currency",), "dollars", "order.currency: expected currency code, got str"),
    (("line_items",), None, "order.line_items: expected list, got null"),
    (("line_items", 0), "a mug", "order.line_items[0]: expected object, got str"),
    (("line_items", 1, "total"), None, "order.line_items[1].total: expected decimal, got null"),
    (("line_items", 1, "quantity"), "two", "order.line_items[1].quantity: expected decimal, got str"),
    (("line_items", 0, "id"), None, "order.line_items[0].id: expected identifier, got null"),
    (("tax_lines", 0, "rate_id"), {}, "order.tax_lines[0].rate_id: expected identifier, got dict"),
    (("billing", "email"), [1], "order.billing.email: expected text, got list"),
    (("billing",), [], "order.billing: expected object, got list"),
    (("date_created_gmt",), "yesterday", "order.date_created_gmt: expected time, got str"),
    (("date_paid_gmt",), "0001-01-01T00:00:00", "order.date_paid_gmt: expected time of a sane size, got str"),
    (("date_paid_gmt",), "9999-12-31T23:59:59", "order.date_paid_gmt: expected time of a sane size, got str"),
    (("prices_include_tax",), "no", "order.prices_include_tax: expected true or false, got str"),
    (("id",), 1, "order.id: expected the order"),
    (("status",), False, "order.status: expected text, got bool"),
]


def test_each_bad_field_of_an_order_is_named_and_writes_nothing(town: Town) -> None:
    order = paid_order(town)
    raw = town.ask(town.shop, "order", id=order["id"])["order"]
    for path, value, said in SPOILED_ORDERS:
        answer_with(town, town.shop, "GET", rf"/orders/{order['id']}$", changed(raw, path, value))
        job = town.run(town.orders, str(order["id"]))
        assert (job.state, job.reason_code) == (State.DEAD, "malformed"), job.reason
        assert said in job.reason
        record = SyncRecord.objects.get(flow=town.orders, source_id=str(order["id"]))
        assert (record.outcome, record.reason) == ("rejected", job.reason)
    assert [town.ledger()[name] for name in ("invoices", "clients")] == [[], []]
    assert ExternalLink.objects.count() == 0
    at_peace(town)
    assert retried(town, job).state == State.DONE
    booked_once(town, order)
    assert not SyncJob.objects.filter(state=State.DEAD).exists()


@pytest.mark.parametrize(
    ("body", "state", "said"),
    [
        ('{"id": 7, "status": "proc', State.DEAD, "order: not valid JSON"),
        ("{}", State.DEAD, "order.id: missing"),
        ("[]", State.DEAD, "order: expected object, got list"),
        ("[" * 50_000, State.DEAD, "order: not valid JSON"),
        ('{"id": NaN}', State.DEAD, "order: not valid JSON"),
        ('{"id": 1' + "0" * 5000 + "}", State.DEAD, "order: not valid JSON"),
        ("<html><body>Briefly unavailable</body></html>", State.WAITING, "web page"),
        ("Warning: undefined index", State.WAITING, "web page"),
        ("", State.DEAD, "order: not valid JSON"),
    ],
)
def test_answers_that_are_no_order_at_all(town: Town, body: str, state: str, said: str) -> None:
    order = paid_order(town)
    answer_with(town, town.shop, "GET", rf"/orders/{order['id']}$", body)
    job = town.run(town.orders, str(order["id"]))
    assert (job.state, said in job.reason) == (state, True), job.reason
    assert town.ledger()["invoices"] == []
    at_peace(town)
    assert retried(town, job).state == State.DONE
    booked_once(town, order)


def test_bad_refunds_are_named_and_the_invoice_stays_as_it_was(town: Town) -> None:
    order = paid_order(town)
    source_id = str(order["id"])
    assert town.run(town.orders, source_id).state == State.DONE
    town.ask(town.shop, "refund", id=order["id"], amount="1.00")
    before, (refund,) = town.ledger(), town.ask(town.shop, "order", id=order["id"])["refunds"]
    for path, value, said in (
        (("amount",), {}, "refunds[0].amount: expected decimal, got dict"),
        (("id",), None, "refunds[0].id: expected identifier, got null"),
        (("date_created_gmt",), None, "refunds[0].date_created_gmt: expected text, got null"),
        (("line_items",), "none", "refunds[0].line_items: expected list, got str"),
        (("reason",), 5, "refunds[0].reason: expected text, got int"),
    ):
        answer_with(town, town.shop, "GET", rf"/orders/{order['id']}/refunds$", [changed(refund, path, value)])
        job = town.run(town.orders, source_id)
        assert (job.state, said in job.reason) == (State.DEAD, True), job.reason
    for body, said in (("{}", "refunds: expected list, got dict"), ('[{"id":', "refunds: not valid JSON")):
        answer_with(town, town.shop, "GET", rf"/orders/{order['id']}/refunds$", body)
        job = town.run(town.orders, source_id)
        assert (job.state, said in job.reason) == (State.DEAD, True), job.reason
    assert town.ledger() == before
    at_peace(town)
    assert retried(town, job).state == State.DONE
    (now,) = [one for one in town.ask(town.shop, "orders")["orders"] if one["id"] == order["id"]]
    assert Decimal(now["refunded"]) == 1
    booked_once(town, now)


def test_whatever_is_spoiled_no_run_crashes_and_all_ends_well(town: Town) -> None:
    """A seeded sample over all fields: the run ends as rejected by the field's path, or as if the field were not read."""
    chance = random.Random(20261102)
    orders = [order for order in town.place(30, seed=9) if order["status"] in ("processing", "completed")]
    assert len(orders) >= 15
    refused = 0
    for order in orders:
        raw = town.ask(town.shop, "order", id=order["id"])["order"]
        for path in chance.sample(sorted(leaves(raw), key=str), 6):
            answer_with(town, town.shop, "GET", rf"/orders/{order['id']}$", changed(raw, path, chance.choice(({"not": 1}, [["this"]]))))
            job = town.run(town.orders, str(order["id"]))
            assert job.state in (State.DEAD, State.DONE, State.NOTHING), (path, job.reason)
            if job.state == State.DEAD:
                refused += 1
                assert dotted("order", path) in job.reason
    at_peace(town)
    assert refused > 20
    for order in orders:
        town.run(town.orders, str(order["id"]), force=True)
        booked_once(town, order)
    assert SyncJob.objects.filter(state__in=[State.DEAD, State.RUNNING, State.WAITING, State.ATTENTION]).count() == 0


NUL, HALF = "\x00", "\ud800"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: changed(raw, ("billing", "first_name"), f"Ma{NUL}ry{HALF}"),
        lambda raw: changed(raw, ("billing", "email"), f"mary{NUL}@example.test"),
        lambda raw: changed(raw, ("line_items", 0, "name"), f"Mug{NUL}{HALF}\x07\u202e"),
        lambda raw: changed(raw, ("line_items", 0, "sku"), "S" * 4000),
        lambda raw: changed(raw, ("line_items", 0, "name"), "long " * 4000),
        lambda raw: changed(raw, ("billing", "email"), "m" * 4000 + "@example.test"),
        lambda raw: changed(raw, ("billing", "last_name"), "x" * 4000),
        lambda raw: changed(raw, ("customer_note",), f"{NUL}" * 100),
        lambda raw: changed(raw, ("payment_method_title",), "p" * 4000),
        lambda raw: changed(raw, ("transaction_id",), "t" * 4000),
        lambda raw: changed(raw, ("date_paid_gmt",), "1901-01-01T00:00:00"),
        lambda raw: changed(raw, ("date_paid_gmt",), "8999-12-31T23:59:59"),
    ],
    ids=["nul-name", "nul-email", "nul-line", "long-sku", "long-line", "long-email", "long-name", "nul-note", "long-gateway", "long-id",
         "early", "late"],
)  # fmt: skip
def test_extreme_but_well_formed_values_are_no_defect(town: Town, spoil: Callable[[Any], Any]) -> None:
    order = paid_order(town)
    raw = town.ask(town.shop, "order", id=order["id"])["order"]
    answer_with(town, town.shop, "GET", rf"/orders/{order['id']}$", spoil(raw))
    job = town.run(town.orders, str(order["id"]))
    assert job.state in (State.DONE, State.ATTENTION, State.DEAD), job.reason
    assert job.reason_code != "defect", job.reason
    if job.state == State.DONE:
        booked_once(town, order)
    else:
        assert town.ledger()["invoices"] == []
