"""An invoice or credit note whose creation got lost is looked for before anybody says that nothing was booked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Alert
from connectors.kit.sandbox import Served, serve
from connectors.registry import get_connector
from flows.models import ExternalLink, Flow, SyncJob
from flows.replay import settle_by_hand
from tests.flows.conftest import Town, connect
from tests.flows.crashing import dies, found_by_the_sweep, links, queue, settle

INVOICE = {"kind": "drop_after", "method": "POST", "path": "invoices/invoices"}
CREDIT = {**INVOICE, "path": "credit_notes"}
PAYMENT = {**INVOICE, "path": "payments/payments"}
OUTCOMES = pytest.mark.parametrize("kind", ["drop_after", "drop_before"], ids=["it happened", "it did not"])


def doubtful(town: Town, fault: dict[str, Any], kind: str) -> dict[str, Any]:
    """An order whose invoice was sent, and nobody knows what came of it."""
    order = town.order()
    town.ask(town.books, "faults", faults=[{**fault, "kind": kind}])
    job = town.book(order)
    assert (job.state, job.reason_code) == ("waiting", "answer_lost"), job.reason
    return order


def settled(town: Town, order: dict[str, Any]) -> SyncJob:
    settle()
    return town.book(order)


def standing(town: Town) -> list[tuple[str, int]]:
    return [(invoice["amount"], invoice["vis_state"]) for invoice in town.ledger()["invoices"]]


# ---- an invoice that is no longer wanted -------------------------------------------------------------------


@OUTCOMES
@pytest.mark.parametrize("how", ["cancelled", "trashed"])
def test_an_order_cancelled_while_its_invoice_is_in_doubt_leaves_none_standing(town: Town, kind: str, how: str) -> None:
    order = doubtful(town, INVOICE, kind)
    assert links() == [("invoice", "intended")]
    if how == "trashed":
        town.ask(town.shop, "trash", id=order["id"])
    else:
        town.change(order, status="cancelled")
    job = settled(town, order)
    if kind == "drop_after":
        assert job.state == "done", job.reason
        assert standing(town) == [("20.23", 1)]
        link = ExternalLink.objects.get(object_type="invoice")
        assert (link.state, link.adopted, link.void) == ("confirmed", True, True)
    else:
        assert (job.state, job.reason_code) == ("nothing", "nothing_booked")
        assert (standing(town), links()) == ([], [])


def test_nobody_calls_it_unbooked_before_the_doubt_has_settled(town: Town) -> None:
    town.orders.destination.settings["settle_seconds"] = 60
    town.orders.destination.save()
    order = doubtful(town, INVOICE, "drop_after")
    town.change(order, status="cancelled")
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("waiting", "settling")
    assert (standing(town), links()) == ([("20.23", 0)], [("invoice", "intended")])


def test_a_worker_that_died_before_a_cancellation_leaves_no_invoice_standing(town: Town) -> None:
    order = town.order()
    queue(town, order)
    dies(town, "after_call")
    assert (standing(town), links()) == ([("20.23", 0)], [("invoice", "intended")])
    town.change(order, status="cancelled")
    assert found_by_the_sweep(town).state == "done"
    assert (standing(town), links()) == ([("20.23", 1)], [("invoice", "confirmed")])


@OUTCOMES
def test_an_order_that_no_longer_counts_is_looked_for_first(town: Town, kind: str) -> None:
    order = doubtful(town, INVOICE, kind)
    town.orders.options = {"minimum": "50.00"}
    town.orders.save()
    job = settled(town, order)
    if kind == "drop_after":  # once booked, an order is followed all the same
        assert (job.state, standing(town)) == ("done", [("20.23", 0)])
        assert town.invoice(order)["paid"] == "20.23"
    else:
        assert (job.state, job.reason_code) == ("nothing", "left_out")
        assert (standing(town), links()) == ([], [])


# ---- a credit note that is no longer wanted ----------------------------------------------------------------


@OUTCOMES
def test_a_credit_note_in_doubt_does_not_outlive_its_cancelled_order(make_town: Callable[..., Town], kind: str) -> None:
    town = make_town(refunds="credit_note")
    order = town.order()
    town.book(order)
    town.refund(order, amount="5.00")
    town.ask(town.books, "faults", faults=[{**CREDIT, "kind": kind}])
    assert town.book(order).reason_code == "answer_lost"
    assert ("credit", "intended") in links()
    town.change(order, status="cancelled")
    job = settled(town, order)
    assert job.state == "done", job.reason
    credits = [(credit["amount"], credit["vis_state"]) for credit in town.ledger()["credits"]]
    assert credits == ([("5.00", 1)] if kind == "drop_after" else [])
    assert standing(town) == [("20.23", 1)]
    assert not ExternalLink.objects.filter(state="intended").exists()


# ---- an order that vanished --------------------------------------------------------------------------------


def vanish(town: Town, order: dict[str, Any]) -> None:
    del town.shop.sandbox.state.orders[int(order["id"])]


@OUTCOMES
def test_an_order_that_vanished_while_its_invoice_is_in_doubt_needs_a_person(town: Town, kind: str) -> None:
    order = doubtful(town, INVOICE, kind)
    vanish(town, order)
    before = standing(town)
    settle()
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "vanished_in_doubt")
    assert job.reason == (
        f"It vanished from {town.orders.source.label}, and it is not certain whether its invoice was created in "
        f"{town.orders.destination.label}. Look there for {order['number']} in numbers, references and notes, delete by hand what "
        "should not stand, then settle this by hand."
    )
    assert (standing(town), links()) == (before, [("invoice", "intended")])
    assert Alert.objects.filter(closed_at=None, cause=f"{town.orders.pk}:vanished_in_doubt:").count() == 1


def test_a_booked_order_that_vanished_with_a_payment_in_doubt_says_both(town: Town) -> None:
    order = doubtful(town, PAYMENT, "drop_after")
    vanish(town, order)
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "vanished_in_doubt")
    assert (
        f"but what was posted for it is still in {town.orders.destination.label}, and it is not certain whether its payment" in job.reason
    )
    assert links() == [("invoice", "confirmed"), ("payment", "intended")]


def test_the_doubts_of_another_order_do_not_count(town: Town) -> None:
    unbooked = town.order(status="pending", set_paid=False)
    doubtful(town, INVOICE, "drop_before")
    ExternalLink.objects.filter(object_type="invoice").update(key=f"{unbooked['id']}0")
    vanish(town, unbooked)
    assert town.book(unbooked).reason_code == "gone"


# ---- an update that was refused ----------------------------------------------------------------------------


def test_after_a_refused_update_a_persons_edit_is_still_told_from_ours(town: Town) -> None:
    order = town.order()
    town.book(order)
    shown = ExternalLink.objects.get(object_type="invoice").fingerprint
    assert shown
    town.change(order, fee_lines=[{"name": "Gift", "total": "10.00"}])
    refusal = {"kind": "status", "status": 422, "method": "PUT", "path": "invoices/invoices", "body": "{}"}
    town.ask(town.books, "faults", faults=[refusal])
    assert town.book(order).reason_code == "refused"
    assert ExternalLink.objects.get(object_type="invoice").fingerprint == shown
    line = {"type": 0, "name": "By hand", "qty": "1", "unit_cost": {"amount": "33.00", "code": "CAD"}}
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"lines": [line]})
    with town.untouched(town.books):
        job = town.book(order)
    assert (job.state, job.reason_code) == ("attention", "edited_by_hand")
    assert town.invoice(order)["amount"] == "33.00"


def test_an_update_whose_answer_got_lost_may_have_changed_what_stands_there(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.change(order, fee_lines=[{"name": "Gift", "total": "10.00"}])
    town.ask(town.books, "faults", faults=[{"kind": "drop_after", "method": "PUT", "path": "invoices/invoices", "times": -1}])
    assert town.book(order).state == "waiting"
    town.ask(town.books, "faults", faults=[])
    assert ExternalLink.objects.get(object_type="invoice").fingerprint == ""
    town.due_now()
    town.work()
    assert (town.invoice(order)["amount"], town.invoice(order)["paid"]) == ("31.53", "20.23")


# ---- two shops, one set of books ---------------------------------------------------------------------------


@pytest.fixture
def second(town: Town) -> Iterator[tuple[Flow, Served]]:
    """Another shop with the same numbering that writes into the same books."""
    spec = get_connector("woocommerce").sandbox
    assert spec is not None
    served = serve(spec.build, {"seed": 7})
    shop = connect(served, "woocommerce", town.orders.organization)
    flow = Flow.objects.create(
        organization=shop.organization, label="second", source=shop, destination=town.orders.destination, recipe="order_to_invoice"
    )
    yield flow, served
    served.stop()


def test_an_invoice_that_another_shop_has_in_doubt_is_not_taken_for_ours(town: Town, second: tuple[Flow, Served]) -> None:
    flow, shop = second
    order = town.order()
    queue(town, order)
    dies(town, "after_call")
    theirs = shop.sandbox.command("place_order", {"fields": SAME_NUMBER})
    assert theirs["number"] == order["number"]
    job = town.run(flow, str(theirs["id"]))
    assert (job.state, job.reason_code, job.attempts) == ("waiting", "other_in_doubt", 0)
    assert f"the work of {town.orders.source}: whether its invoice {order['id']} was created" in job.reason
    assert not Alert.objects.filter(closed_at=None).exists(), "for a moment that is nothing to tell"
    assert not ExternalLink.objects.filter(object_type="invoice", source=flow.source).exists()
    assert [(i["amount"], i["paid"]) for i in town.ledger()["invoices"]] == [("20.23", "0.00")]
    assert found_by_the_sweep(town).state == "done"
    job = SyncJob.objects.filter(flow=flow).latest("pk")
    assert (job.state, job.reason_code) == ("attention", "number_taken")
    assert [(i["amount"], i["paid"]) for i in town.ledger()["invoices"]] == [("20.23", "20.23")]


def test_who_waits_for_another_shop_s_doubt_says_so_after_an_hour(town: Town, second: tuple[Flow, Served]) -> None:
    """The other shop was disconnected in that very moment: its own job cannot settle it."""
    flow, shop = second
    order = town.order()
    queue(town, order)
    dies(town, "after_call")
    town.orders.source.status = "reauthorise"
    town.orders.source.save()
    theirs = shop.sandbox.command("place_order", {"fields": SAME_NUMBER})
    assert town.run(flow, str(theirs["id"])).reason_code == "other_in_doubt"
    ExternalLink.objects.filter(object_type="invoice").update(intended_at=timezone.now() - timedelta(minutes=59))
    again(town)
    assert not Alert.objects.filter(closed_at=None).exists()
    ExternalLink.objects.filter(object_type="invoice").update(intended_at=timezone.now() - timedelta(minutes=61))
    for _ in range(2):
        again(town)
    alert = Alert.objects.get(closed_at=None)
    assert (alert.cause, alert.count) == (f"{flow.pk}:other_in_doubt:order:{theirs['id']}", 2)
    assert "It has waited since" in alert.message
    town.orders.source.status = "active"
    town.orders.source.save()
    assert found_by_the_sweep(town).state == "done"
    again(town)
    assert SyncJob.objects.filter(flow=flow).latest("pk").reason_code == "number_taken"
    assert [cause.split(":")[1] for cause in Alert.objects.filter(closed_at=None).values_list("cause", flat=True)] == ["number_taken"]


def test_a_doubt_about_a_vanished_order_holds_nobody_up_once_it_was_settled_by_hand(town: Town, second: tuple[Flow, Served]) -> None:
    flow, shop = second
    order = town.order()
    queue(town, order)
    dies(town, "after_call")
    del town.shop.sandbox.state.orders[int(order["id"])]
    vanished = found_by_the_sweep(town)
    assert (vanished.state, vanished.reason_code) == ("attention", "vanished_in_doubt")
    theirs = shop.sandbox.command("place_order", {"fields": SAME_NUMBER})
    assert town.run(flow, str(theirs["id"])).reason_code == "other_in_doubt"
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"invoice_number": "taken away", "vis_state": 1})
    assert settle_by_hand(vanished, "kim")
    assert not ExternalLink.objects.filter(object_type="invoice", state="intended").exists()
    again(town)
    assert SyncJob.objects.filter(flow=flow).latest("pk").state == "done"
    assert not Alert.objects.filter(closed_at=None).exists()


SAME_NUMBER = {"billing": {"first_name": "Iris", "last_name": "Vahl", "email": "iris@vahl.example", "country": "CA"}, "set_paid": True,
               "payment_method": "stripe", "line_items": [{"sku": "TEA-EG-100", "quantity": 5}]}  # fmt: skip


def again(town: Town) -> None:
    """What waits looks once more."""
    town.due_now()
    town.work()
