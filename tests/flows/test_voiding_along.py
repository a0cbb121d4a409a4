"""Voiding an order takes what was created along with it out of the books, too: only what nothing else uses, and not for good."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditRecord
from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Refused
from connectors.registry import get_connector
from flows.admin.record_pages import take_out
from flows.holding import void
from flows.jobs.crashed import release_expired
from flows.models import ExternalLink, Flow, ItemMapping, RecordName, SyncJob
from flows.preview import preview_unbooking
from flows.replay import replay_job, settle_by_hand, sync_now
from tests.flows.conftest import Town
from tests.flows.crashing import at_point, dies, found_by_the_sweep, lease_over, runs_once
from tests.flows.test_holding import record_of

DELETED, ACTIVE = 1, 0


def unpaid(town: Town, **fields: Any) -> dict[str, Any]:
    """An order whose invoice is in the books and on which nothing was paid."""
    town.orders.options = {"statuses": ["on-hold"]}
    town.orders.save()
    order = town.order(status="on-hold", set_paid=False, payment_method="bacs", **fields)
    assert town.book(order).state == "done"
    return order


def states(town: Town) -> tuple[list[int], list[int]]:
    """vis_state of each client with Iris' address and of each item of the tea."""
    books = town.ledger()
    clients = [one["vis_state"] for one in books["clients"] if one["email"] == "iris@vahl.example"]
    return clients, [one["vis_state"] for one in books["items"] if one["sku"] == "TEA-EG-100"]


def void_with_all(town: Town, order: dict[str, Any]) -> SyncJob:
    job = void(record_of(town, order), "Entered twice.", "bo", along=True)
    town.work()
    job.refresh_from_db()
    return job


def test_what_was_created_for_it_goes_with_it_and_comes_back_with_it(town: Town) -> None:
    order = unpaid(town)
    assert states(town) == ([ACTIVE], [ACTIVE])
    job = void_with_all(town, order)
    assert (job.state, town.invoice(order)["vis_state"], states(town)) == ("done", DELETED, ([DELETED], [DELETED]))
    assert sorted(AuditRecord.objects.filter(job_id=job.pk, action__startswith="remove").values_list("action", flat=True)) == [
        "remove customer",
        "remove product",
    ]
    sync_now(town.orders, ObjectType.ORDER, str(order["id"]), "bo")
    town.work()
    assert (town.invoice(order)["vis_state"], states(town)) == (ACTIVE, ([ACTIVE], [ACTIVE]))
    record = record_of(town, order)
    assert (record.hold, record.hold_along, record.exact) == ("", False, True)


def test_it_stays_unless_it_was_asked_for(town: Town) -> None:
    order = unpaid(town)
    job = void(record_of(town, order), "Entered twice.", "bo")
    town.work()
    job.refresh_from_db()
    assert (job.state, town.invoice(order)["vis_state"], states(town)) == ("done", DELETED, ([ACTIVE], [ACTIVE]))


def test_another_order_of_the_same_customer_and_goods_keeps_both(town: Town) -> None:
    order, other = unpaid(town), unpaid(town)
    with_notes = void_with_all(town, order)
    assert states(town) == ([ACTIVE], [ACTIVE])
    assert "The client iris@vahl.example stays: it has another invoice." in with_notes.reason
    assert "stays: other orders sold it." in with_notes.reason
    assert town.invoice(other)["vis_state"] == ACTIVE
    again = void_with_all(town, other)
    assert (again.state, states(town)) == ("done", ([ACTIVE], [ACTIVE])), "it was not created for the other one"


def test_a_new_order_brings_back_what_it_needs(town: Town) -> None:
    order = unpaid(town)
    void_with_all(town, order)
    later = unpaid(town)
    assert states(town) == ([ACTIVE], [ACTIVE])
    assert (town.invoice(later)["amount"], town.invoice(order)["vis_state"]) == ("20.23", DELETED)


def test_what_was_there_before_is_a_persons(town: Town) -> None:
    first = unpaid(town)
    ExternalLink.objects.filter(object_type__in=["customer", "product"]).delete()  # as if these books had been used without us
    RecordName.objects.all().delete()
    second = unpaid(town)
    assert AuditRecord.objects.filter(action="create customer", outcome="adopted").count() == 1
    void_with_all(town, second)
    assert states(town) == ([ACTIVE], [ACTIVE])
    assert town.invoice(first)["vis_state"] == ACTIVE


@pytest.mark.parametrize("recipe", ["customer_to_client", "client_to_customer"])
def test_a_flow_that_keeps_clients_keeps_this_one(town: Town, recipe: str) -> None:
    order = unpaid(town)
    shop, books = town.orders.source, town.orders.destination
    ends = {"source": shop, "destination": books} if recipe == "customer_to_client" else {"source": books, "destination": shop}
    Flow.objects.create(organization=town.orders.organization, label="people", recipe=recipe, enabled=True, **ends)
    job = void_with_all(town, order)
    assert states(town) == ([ACTIVE], [DELETED])
    assert "The client iris@vahl.example stays: the flow people needs it." in job.reason


def test_an_item_that_a_sku_is_mapped_to_stays(town: Town) -> None:
    order = unpaid(town)
    item = ExternalLink.objects.get(object_type="product")
    ItemMapping.objects.create(flow=town.orders, sku="TEA-OLD", item_id=item.remote_id, item_name="Tea")
    job = void_with_all(town, order)
    assert states(town) == ([DELETED], [ACTIVE])
    assert "stays: SKU TEA-OLD is mapped to it." in job.reason


def test_the_default_client_stays(town: Town) -> None:
    order = unpaid(town)
    client = ExternalLink.objects.get(object_type="customer")
    town.orders.options |= {"no_email": "default_client", "default_client": client.remote_id}
    town.orders.save()
    job = void_with_all(town, order)
    assert states(town) == ([ACTIVE], [DELETED])
    assert "The client iris@vahl.example stays: it is the default client of the flow orders." in job.reason


def test_an_order_that_comes_in_between_keeps_its_client(town: Town) -> None:
    """Another order of the customer is booked while the first one's invoice is being voided."""
    order = unpaid(town)
    others: list[dict[str, Any]] = []
    void(record_of(town, order), "Wrong.", "bo", along=True)
    with pytest.MonkeyPatch.context() as patch:
        at_point(patch, "before_act", "invoice", lambda: others.append(unpaid(town)))
        town.work()
    assert (town.invoice(order)["vis_state"], town.invoice(others[0])["vis_state"], states(town)) == (DELETED, ACTIVE, ([ACTIVE], [ACTIVE]))


def test_a_client_that_is_used_again_when_it_is_just_gone_comes_back(town: Town) -> None:
    order = unpaid(town)
    others: list[dict[str, Any]] = []
    void(record_of(town, order), "Wrong.", "bo", along=True)
    with pytest.MonkeyPatch.context() as patch:
        at_point(patch, "before_act", "invoice", lambda: others.append(unpaid(town)), nth=2)
        town.work()
    assert town.invoice(others[0])["vis_state"] == ACTIVE
    assert states(town) == ([ACTIVE], [ACTIVE])
    assert not ExternalLink.objects.filter(object_type__in=["customer", "product"], void=True).exists()


def test_each_link_to_what_was_removed_knows_it(town: Town) -> None:
    order = unpaid(town)
    client = ExternalLink.objects.get(object_type="customer")
    client.pk, client.key = None, "email:old@vahl.example"
    client.save()
    void_with_all(town, order)
    assert set(ExternalLink.objects.filter(object_type="customer").values_list("key", "void")) == {
        ("email:iris@vahl.example", True),
        ("email:old@vahl.example", True),
    }


def test_a_removal_that_is_refused_is_tried_again_by_retry_and_books_nothing_anew(town: Town) -> None:
    order = unpaid(town)
    client = ExternalLink.objects.get(object_type="customer").remote_id
    void(record_of(town, order), "Wrong.", "bo", along=True)
    with pytest.MonkeyPatch.context() as patch:
        writes = get_connector("freshbooks").writes[ObjectType.CUSTOMER]
        patch.setitem(writes.actions, "remove", refuse)  # type: ignore[arg-type]
        town.work()
    job = SyncJob.objects.latest("pk")
    assert (job.state, town.invoice(order)["vis_state"], states(town)[0]) == ("attention", DELETED, [ACTIVE]), client
    replay_job(job, "bo")
    town.work()
    assert (record_of(town, order).hold, town.invoice(order)["vis_state"], states(town)) == ("void", DELETED, ([DELETED], [DELETED]))


def refuse(*_arguments: object) -> None:
    raise Refused("Not now.", code="refused")


def test_the_preview_names_it_all_and_writes_nothing(town: Town) -> None:
    order = unpaid(town)
    with town.untouched(town.shop, town.books):
        seen = preview_unbooking(town.orders, record_of(town, order), "bo voids it.")
    assert [(change.action, change.object_type.value) for change in seen.plan.changes] == [("void", "invoice")]
    assert [(one.what, one.used) for one in seen.along] == [("client iris@vahl.example", ""), ("item TEA-EG-100", "")]


def test_what_is_left_of_an_order_whose_invoice_somebody_deleted_can_go(town: Town) -> None:
    order = unpaid(town)
    town.ask(town.books, "edit_invoice", number=order["number"], fields={"vis_state": 1})
    seen = preview_unbooking(town.orders, record_of(town, order), "bo voids it.")
    assert (seen.plan.changes, seen.sentence) == ((), "Nothing of it stands in the books any more.")
    job = void_with_all(town, order)
    assert (job.state, states(town)) == ("done", ([DELETED], [DELETED]))


def test_who_voids_again_to_take_along_what_stayed_is_heard(town: Town) -> None:
    """The button is gone by then, and the browser still leads back to its page."""
    order = unpaid(town)
    void(record_of(town, order), "Entered twice.", "bo")
    town.work()
    assert take_out(record_of(town, order), "With its client.", "bo", along=True).ok
    assert record_of(town, order).outcome == "waiting"
    town.work()
    assert (record_of(town, order).outcome, states(town)) == ("done", ([DELETED], [DELETED]))


def test_what_came_along_can_go_after_the_shop_cancelled_the_order(town: Town) -> None:
    order = unpaid(town)
    town.change(order, status="cancelled")
    assert (town.book(order).state, town.invoice(order)["vis_state"], states(town)) == ("done", DELETED, ([ACTIVE], [ACTIVE]))
    assert take_out(record_of(town, order), "With its client.", "bo", along=True).ok
    town.work()
    assert states(town) == ([DELETED], [DELETED])


def test_what_somebody_settled_by_hand_is_not_begun_again(town: Town) -> None:
    order = unpaid(town)
    void(record_of(town, order), "Wrong.", "bo", along=True)
    with pytest.MonkeyPatch.context() as patch:
        writes = get_connector("freshbooks").writes[ObjectType.CUSTOMER]
        patch.setitem(writes.actions, "remove", refuse)  # type: ignore[arg-type]
        town.work()
        assert settle_by_hand(SyncJob.objects.latest("pk"), "bo")
        assert (town.book(order).reason_code, states(town)) == ("held", ([ACTIVE], [ACTIVE]))


def test_the_audit_tells_what_was_void_already_from_what_was_voided(town: Town) -> None:
    order = unpaid(town)
    town.ask(town.books, "edit_invoice", number=order["number"], fields={"vis_state": 1})
    job = void_with_all(town, order)
    told = dict(AuditRecord.objects.filter(job_id=job.pk, object_type="invoice").values_list("action", "message"))
    assert told == {"remember invoice": f"Invoice {order['number']} is void already"}


def test_a_removal_that_lands_after_another_order_needed_the_client_is_mended(town: Town) -> None:
    """The worker stands still before the call; its successor removes all, another order brings it back, then the call goes out."""
    order = unpaid(town)
    void(record_of(town, order), "Wrong.", "bo", along=True)
    others: list[dict[str, Any]] = []

    def meanwhile() -> None:
        lease_over()
        assert release_expired(timezone.now()) == 1
        town.due_now()
        assert runs_once(town) is None
        assert states(town) == ([DELETED], [DELETED])
        others.append(unpaid(town))
        assert states(town) == ([ACTIVE], [ACTIVE])

    with pytest.MonkeyPatch.context() as patch:
        at_point(patch, "before_act", "invoice", meanwhile, nth=2)
        assert runs_once(town) is None
    assert states(town) == ([DELETED], [ACTIVE])
    town.work()
    assert (town.invoice(others[0])["vis_state"], states(town)) == (ACTIVE, ([ACTIVE], [ACTIVE]))


@pytest.mark.parametrize("place", ["before_act", "after_act"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_crash_at_any_step_ends_the_same(town: Town, place: str, nth: int) -> None:
    """A worker dies at the invoice, the client or the item, before or after the call."""
    order = unpaid(town)
    void(record_of(town, order), "Wrong.", "bo", along=True)
    dies(town, place, nth=nth)
    assert found_by_the_sweep(town).state == "done"
    assert (town.invoice(order)["vis_state"], states(town)) == (DELETED, ([DELETED], [DELETED]))
    record = record_of(town, order)
    assert (record.invoiced, record.hold) == (0, "void")
    assert set(ExternalLink.objects.filter(object_type__in=["invoice", "customer", "product"]).values_list("void", flat=True)) == {True}
    sync_now(town.orders, ObjectType.ORDER, str(order["id"]), "bo")
    town.work()
    assert (town.invoice(order)["vis_state"], states(town)) == (ACTIVE, ([ACTIVE], [ACTIVE]))
