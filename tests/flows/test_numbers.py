"""Invoice numbers: whose number it is, and what happens when it is taken. Nobody's invoice is ever adopted for another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.sandbox import serve
from connectors.registry import get_connector
from credentials.vault import read_secrets
from flows.jobs.queue import Wanted, enqueue_one
from flows.models import ExternalLink, Flow, SyncJob
from flows.models.job import Priority
from tests.flows.bookkeeper import invoice_by_hand
from tests.flows.conftest import Town, connect


@pytest.mark.parametrize(("prefix", "number"), [("", "{}"), ("HH-", "HH-{}")])
def test_the_invoice_number_is_the_order_number(make_town: Callable[..., Town], prefix: str, number: str) -> None:
    town = make_town(invoice_prefix=prefix)
    order = town.order()
    town.book(order)
    assert town.invoice(order)["number"] == number.format(order["number"])


@pytest.mark.parametrize("reference", ["", "{}"], ids=["number alone", "number and reference"])
def test_a_persons_invoice_with_that_number_is_never_adopted(town: Town, reference: str) -> None:
    order = town.order()
    theirs = invoice_by_hand(town, invoice_number=order["number"], po_number=reference.format(order["number"]))
    before = town.ledger()["invoices"]
    job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "number_taken"), job.reason
    assert "prefix" in job.reason
    assert town.ledger()["invoices"] == before
    assert not ExternalLink.objects.filter(object_type="invoice").exists()
    town.orders.options = {"invoice_prefix": "W-"}
    town.orders.save()
    assert town.book(order).state == "done"
    assert {row["number"]: row["id"] == theirs for row in town.ledger()["invoices"]} == {
        order["number"]: True,
        f"W-{order['number']}": False,
    }


def test_a_number_of_a_deleted_invoice_is_free_and_the_deleted_one_stays(town: Town) -> None:
    order = town.order()
    deleted = invoice_by_hand(town, invoice_number=order["number"], po_number=order["number"])
    town.ask(town.books, "edit_invoice", invoice_id=deleted, fields={"vis_state": 1})
    job = town.book(order)
    assert job.state == "done", job.reason
    found = {row["id"]: (row["vis_state"], row["amount"], row["paid"]) for row in town.ledger()["invoices"]}
    (ours,) = set(found) - {deleted}
    assert found == {deleted: (1, "500.00", "0.00"), ours: (0, "20.23", "20.23")}


def test_books_that_never_free_the_number_of_a_deleted_invoice_need_a_person(town: Town) -> None:
    """Whether FreshBooks frees such a number is not documented."""
    order = town.order()
    deleted = invoice_by_hand(town, invoice_number=order["number"])
    town.ask(town.books, "edit_invoice", invoice_id=deleted, fields={"vis_state": 1})
    body = '{"response": {"errors": [{"errno": 1004, "field": "invoice_number", "message": "already in use", "object": "invoice"}]}}'
    refusal = {"kind": "status", "method": "POST", "path": "invoices/invoices", "status": 422, "body": body, "times": 1}
    town.ask(town.books, "faults", faults=[{**refusal, "headers": {"Content-Type": "application/json"}}])
    job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "conflict_unfound"), job.reason
    assert "deleted" in job.reason
    assert "prefix" in job.reason
    assert [row["vis_state"] for row in town.ledger()["invoices"]] == [1]
    assert not ExternalLink.objects.filter(object_type="invoice").exists()
    assert town.book(order).state == "done"


# ---- two shops, one set of books ---------------------------------------------------------------------------


@pytest.fixture
def second(town: Town) -> Iterator[Flow]:
    """Another shop with the same numbering (the sandbox's seed is the same) that writes into the same books."""
    spec = get_connector("woocommerce").sandbox
    assert spec is not None
    served = serve(spec.build, {"seed": 7})
    shop = connect(served, "woocommerce", town.orders.organization)
    yield Flow.objects.create(
        organization=shop.organization, label="second", source=shop, destination=town.orders.destination, recipe="order_to_invoice"
    )
    served.stop()


def place_in(flow: Flow, email: str) -> str:
    """An order in the shop of this flow, through its API; its id."""
    secrets = read_secrets(flow.source)
    fields = {
        "billing": {"first_name": "Ole", "last_name": "Berg", "email": email, "state": "ON", "country": "CA"},
        "payment_method": "stripe", "set_paid": True, "line_items": [{"sku": "POT-CAST", "quantity": 1}],
    }  # fmt: skip
    answer = requests.post(
        f"{flow.source.base_url}/wp-json/wc/v3/orders",
        json=fields,
        auth=(secrets["consumer_key"], secrets["consumer_secret"]),
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("email", ["ole@berg.example", "iris@vahl.example"], ids=["another buyer", "the same buyer"])
def test_an_order_of_another_shop_with_the_same_number_is_not_taken_for_ours(town: Town, second: Flow, email: str) -> None:
    order = town.order()
    theirs = place_in(second, email)
    assert theirs == order["id"]
    town.book(order)
    before = town.ledger()["invoices"]
    job = town.run(second, theirs)
    assert (job.state, job.reason_code) == ("attention", "number_taken"), job.reason
    assert town.ledger()["invoices"] == before
    assert ExternalLink.objects.filter(object_type__in=["invoice", "payment"], source=second.source).count() == 0
    second.options = {"invoice_prefix": "B-"}
    second.save()
    assert town.run(second, theirs).state == "done"
    amounts = {row["number"]: (row["amount"], row["paid"]) for row in town.ledger()["invoices"]}
    assert amounts == {order["number"]: ("20.23", "20.23"), f"B-{theirs}": ("89.27", "89.27")}
    assert town.book(order, force=True).state == "done"


def test_two_shops_racing_for_one_number_end_with_one_invoice_each_or_a_question(town: Town, second: Flow) -> None:
    """The other shop's invoice exists, but its link is not confirmed yet when ours meets it."""
    order = town.order()
    theirs = place_in(second, "ole@berg.example")
    town.run(second, theirs)
    ExternalLink.objects.filter(object_type="invoice").update(state="intended", remote_id="", confirmed_at=None)
    job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "number_taken"), job.reason
    (invoice,) = town.ledger()["invoices"]
    assert (invoice["amount"], invoice["paid"]) == ("89.27", "89.27")


def test_jobs_of_both_shops_for_one_number_are_different_jobs(town: Town, second: Flow) -> None:
    order, theirs = town.order(), place_in(second, "ole@berg.example")
    now = timezone.now()
    jobs = {enqueue_one(Wanted(flow.pk, ObjectType.ORDER, theirs, Priority.WEBHOOK, "test"), now).pk for flow in (town.orders, second)}
    assert len(jobs) == 2
    town.work()
    states = set(SyncJob.objects.filter(pk__in=jobs).values_list("state", flat=True))
    assert states == {"done", "attention"}
    assert len(town.ledger()["invoices"]) == 1
    assert order["id"] == theirs
