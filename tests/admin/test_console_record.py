"""One record's page: how it stands, both sides with every difference, and buttons that ask first and leave a name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditRecord
from flows.admin.record_buttons import what_stays
from flows.models import ExternalLink, SyncJob, SyncRecord
from flows.posted import posted_for
from tests import factories as make
from tests.admin.console_world import World, address
from tests.flows.conftest import Town, make_town, town
from tests.flows.test_holding import unpaid

__all__ = ["make_town", "town"]


@pytest.fixture(autouse=True)
def _quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.replay.ring", lambda: None)


def press(client: Client, record: SyncRecord, button: str, **posted: str) -> str:
    return client.post(address(record, "press", record.pk, button), posted, follow=True).content.decode()


def test_the_state_is_a_sentence_with_its_cause_and_what_to_click(world: World) -> None:
    job, record = world.rows["syncjob"], world.rows["syncrecord"]
    SyncJob.objects.filter(pk=job.pk).update(reason="No item is mapped to SKU MUG-XL.")
    page = world.client("support").get(address(record, "change", record.pk))
    standing = page.context["standing"]
    assert (standing.state, standing.cause) == ("attention", "No item is mapped to SKU MUG-XL.")
    text = page.content.decode()
    assert "Order 1001 is not up to date in the books: a person has to decide something." in text
    assert "Retry" in text
    assert address(record, "press", record.pk, "retry") in text
    assert address(record, "press", record.pk, "replay") not in text


@pytest.mark.parametrize(
    ("job", "fields", "state", "part"),
    [
        ({"state": "done"}, {}, "exact", "agrees with the shop to the last cent"),
        ({"state": "done"}, {"exact": False, "invoiced": Decimal("12.49")}, "differs", "the amounts differ"),
        ({"state": "running"}, {}, "running", "being synced at this moment"),
        ({"state": "waiting", "attempts": 2, "reason": "The shop does not answer."}, {}, "waiting", "will be tried again at"),
        ({"state": "dead"}, {}, "dead", "was given up"),
        ({"state": "done"}, {"hold": "skip", "hold_by": "bo", "hold_reason": "Twice."}, "noted", "is skipped since"),
        ({"state": "attention"}, {"hold": "void", "hold_by": "bo", "hold_reason": "Twice."}, "attention", "and that was refused"),
    ],
)
def test_each_state_has_its_sentence(world: World, job: dict[str, Any], fields: dict[str, Any], state: str, part: str) -> None:
    record = world.rows["syncrecord"]
    SyncJob.objects.filter(pk=world.rows["syncjob"].pk).update(**job)
    SyncRecord.objects.filter(pk=record.pk).update(hold_at=timezone.now(), **fields)
    standing = world.client("support").get(address(record, "change", record.pk)).context["standing"]
    assert standing.state == state
    assert part in standing.sentence
    page = "".join(world.client(who).get(address(record, "change", record.pk)).content.decode() for who in ("bookkeeper", "support"))
    for button in ("Retry", "Replay", "Sync now", "Skip", "Go on", "Compare now"):
        if button in standing.click:
            assert f">{button}<" in page, f"{button} is what is said to be clicked"


def test_a_record_without_a_number_does_not_call_its_id_one(world: World) -> None:
    record = world.rows["syncrecord"]
    SyncRecord.objects.filter(pk=record.pk).update(number="", object_type="invoice", source_id="830003")
    SyncJob.objects.filter(pk=world.rows["syncjob"].pk).update(state="waiting", object_type="invoice", source_id="830003", reason="")
    page = world.client("support").get(address(record, "change", record.pk))
    assert page.context["title"] == "Invoice with the id 830003"
    assert page.context["standing"].sentence == "Invoice with the id 830003 is queued and will be looked at in a moment."


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("malformed", "One side answered what nobody here understands: answer.result: expected object, got int"),
        ("no_loop", "answer.result: expected object, got int"),
    ],
)
def test_an_answer_that_nobody_understands_is_told_as_one(world: World, code: str, cause: str) -> None:
    record = world.rows["syncrecord"]
    ended = {"state": "dead", "reason_code": code, "reason": "answer.result: expected object, got int"}
    SyncJob.objects.filter(pk=world.rows["syncjob"].pk).update(**ended)
    standing = world.client("support").get(address(record, "change", record.pk)).context["standing"]
    assert (standing.cause, standing.click) == (cause, "Retry once the cause is gone; or Skip it")


def test_differences_of_the_stored_proof_are_marked_without_calling_anybody(world: World) -> None:
    record = world.rows["syncrecord"]
    SyncRecord.objects.filter(pk=record.pk).update(refunded=Decimal("2.50"), invoiced=Decimal("10.01"), exact=False)
    rows = world.client("bookkeeper").get(address(record, "change", record.pk)).context["sides"]
    assert [(row.label, row.here, row.there, row.off) for row in rows] == [
        ("Order total", "12.50 CAD", "", ""),
        ("Refunded", "2.50 CAD", "", ""),
        ("Comes to", "10.00 CAD", "10.01 CAD", "off by 0.01 CAD"),
        ("Paid", "12.50 CAD", "12.50 CAD", ""),
    ]


def test_skipping_needs_a_reason_and_keeps_the_name(world: World) -> None:
    record, client = world.rows["syncrecord"], world.client("bookkeeper")
    assert "Say why it is skipped" in press(client, record, "skip")
    assert SyncRecord.objects.get(pk=record.pk).hold == ""
    assert not AuditRecord.objects.filter(action="skip record").exists()
    page = press(client, record, "skip", reason="Entered twice.")
    assert "bookkeeper: Entered twice." in page
    assert "Skip record by bookkeeper" in page
    assert AuditRecord.objects.get(action="skip record").actor == "bookkeeper"
    assert SyncJob.objects.get(pk=world.rows["syncjob"].pk).state == "superseded"
    assert address(record, "press", record.pk, "skip") not in page
    press(client, record, "go-on")
    assert SyncRecord.objects.get(pk=record.pk).hold == ""
    assert SyncJob.objects.get(state="waiting").asked_by == "bookkeeper"
    assert AuditRecord.objects.get(action="go on with record").actor == "bookkeeper"


def test_skipping_names_what_stays_in_the_books(town: Town) -> None:
    order = town.order()
    fault = {"kind": "status", "status": 422, "method": "POST", "path": "payments/payments", "times": -1}
    town.ask(town.books, "faults", faults=[fault])
    assert town.book(order).state == "attention"
    invoice = town.invoice(order)
    assert (invoice["amount"], invoice["paid"]) == ("20.23", "0.00")
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    bo, sue = Client(), Client()
    bo.force_login(make.person("bo", town.orders.organization, roles=("bookkeeper",)))
    sue.force_login(make.person("sue", town.orders.organization, roles=("support",)))
    posted = f"invoice {invoice['number']} over 20.23 CAD"
    with town.untouched(town.shop, town.books):
        page = bo.get(address(record, "change", record.pk)).text
        assert f"In the books already: {posted}. Skip leaves it there; Void takes it out." in page
        assert f"In the books stays: {posted}. To take it out of the books, use Void instead." in page
        assert "Void takes it out (a bookkeeper or an owner has that button)." in sue.get(address(record, "change", record.pk)).text
        after = press(bo, record, "skip", reason="Paid in cash.")
    assert after.count(f"In the books stays: {posted}.") == 1
    assert f"In the books already: {posted}. Skipping left it there; Void takes it out." in after
    assert town.invoice(order)["vis_state"] == 0


def test_what_stays_is_told_without_evidence_and_with_payments(town: Town) -> None:
    order = town.order()
    town.orders.options = {"unknown_sku": "attention"}
    town.orders.save()
    assert town.book(order).state == "attention"
    record = SyncRecord.objects.select_related("flow__source").get(flow=town.orders, source_id=order["id"])
    assert posted_for(record) == ""
    town.orders.options = {}
    town.orders.save()
    town.book(order)
    assert posted_for(record) == f"invoice {order['number']} over 20.23 CAD, with 1 payment"
    SyncJob.objects.all().delete()
    assert posted_for(record) == f"invoice with the id {town.invoice(order)['id']}, with 1 payment"
    ExternalLink.objects.filter(object_type="invoice").update(void=True)
    assert posted_for(record) == ""
    assert what_stays(record) == "What was brought over already stays as it is."


def test_what_stays_is_told_after_a_change_that_the_books_refused(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.ask(town.books, "faults", faults=[{"kind": "status", "status": 422, "method": "PUT", "path": "invoices/invoices", "times": -1}])
    town.refund(order, amount="5.00")
    assert town.book(order).state == "attention"
    record = SyncRecord.objects.select_related("flow__source").get(flow=town.orders, source_id=order["id"])
    assert posted_for(record) == f"invoice {order['number']} over 20.23 CAD, with 1 payment"


@pytest.mark.parametrize("person", ["anonymous", "stranger", "neighbour", "support", "bookkeeper", "owner"])
def test_who_may_look_at_both_sides_and_who_may_void(world: World, person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("flows.admin.record_pages.preview", lambda *_: asked.append("looked") or _fail())
    monkeypatch.setattr("flows.admin.record_pages.preview_unbooking", lambda *_: asked.append("looked") or _fail())
    record, client = world.rows["syncrecord"], world.client(person)
    outside = {"anonymous": 302, "stranger": 404, "neighbour": 404}
    assert client.get(address(record, "compare", record.pk)).status_code == outside.get(person, 200)
    assert client.get(address(record, "void", record.pk)).status_code == outside.get(person, 403 if person == "support" else 200)
    before = SyncJob.objects.count()
    client.post(address(record, "void", record.pk), {"reason": "Wrong."})
    assert SyncJob.objects.count() == before
    assert SyncRecord.objects.get(pk=record.pk).hold == ""
    if person in outside:
        assert asked == []


def _fail() -> None:
    from connectors.kit.errors import Transient

    raise Transient("The shop does not answer.")


def test_a_look_at_both_sides_marks_what_differs_and_writes_nothing(town: Town) -> None:
    order = town.order()
    town.book(order)
    line = {"name": "Tea", "qty": "1", "unit_cost": {"amount": "21.00", "code": "CAD"}}
    town.ask(town.books, "edit_invoice", invoice_id=town.invoice(order)["id"], fields={"lines": [line]})
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    client = Client()
    client.force_login(make.person("sue", town.orders.organization, roles=("support",)))
    jobs = SyncJob.objects.count()
    with town.untouched(town.shop, town.books):
        page = client.get(address(record, "compare", record.pk))
    now = page.context["now"]
    rows = {row.label: row for row in now.rows}
    assert rows["Number"].off == ""
    assert rows["Comes to"].here == "20.23 CAD"
    assert rows["Comes to"].off == "off by 0.77 CAD"
    assert any(row.off for row in now.lines)
    assert now.seen.code == "edited_by_hand"
    assert SyncJob.objects.count() == jobs


def test_a_plan_is_a_diff(town: Town) -> None:
    order = town.order()
    town.book(order)
    town.refund(order, amount="5.00")
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    client = Client()
    client.force_login(make.person("sue", town.orders.organization, roles=("support",)))
    with town.untouched(town.shop, town.books):
        now = client.get(address(record, "compare", record.pk)).context["now"]
    assert [change.title for change in now.changes] == [
        "Change the payment of 20.23 CAD to 15.23 CAD",
        f"Update invoice {order['number']} to 15.23 CAD",
    ]
    assert [(row.label, row.here, row.there) for row in now.changes[0].rows] == [("Amount", "20.23 CAD", "15.23 CAD")]
    assert [(row.label, row.here, row.there) for row in now.changes[1].rows] == [
        ("Line 1", "2 x Earl Grey, 100 g at 8.95 CAD + HST 13 %", "2 x Earl Grey, 100 g at 6.74 CAD + HST 13 %")
    ]


def test_voiding_shows_what_goes_then_does_it_with_the_persons_name(town: Town) -> None:
    order = unpaid(town)
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    client = Client()
    client.force_login(make.person("bo", town.orders.organization, roles=("bookkeeper",)))
    assert address(record, "void", record.pk) in client.get(address(record, "change", record.pk)).content.decode()
    with town.untouched(town.shop, town.books):
        page = client.get(address(record, "void", record.pk))
        assert [change.title for change in page.context["now"].changes] == [f"Void invoice {order['number']}: bo voids it."]
        assert "The client iris@vahl.example is used by nothing else. It goes only if you ask" in page.content.decode()
        assert client.post(address(record, "void", record.pk), {"reason": " "}).context["form"].errors
    client.post(address(record, "void", record.pk), {"reason": "Entered twice.", "along": "on"})
    town.work()
    assert town.invoice(order)["vis_state"] == 1
    assert [one["vis_state"] for one in town.ledger()["clients"] if one["email"] == "iris@vahl.example"] == [1]
    assert AuditRecord.objects.get(action="void record").actor == "bo"
    page = client.get(address(record, "change", record.pk))
    assert "was voided on" in page.context["standing"].sentence
    assert page.context["sides"] == (), "nothing is compared with an invoice that is gone"
    assert "Taken out of the books: nothing of it stands there." in page.content.decode()
    assert address(record, "void", record.pk) not in page.content.decode()
    now = client.get(address(record, "compare", record.pk))
    off = {row.label: row.off for row in now.context["now"].rows if row.off}
    assert (off["State"], "Comes to" in off) == ("void", True), "a void invoice agrees with no order"
    assert 'bo chose to leave this alone ("Entered twice.")' in now.content.decode()


def test_voiding_offers_to_remove_only_what_nothing_else_uses(town: Town) -> None:
    order, _other = unpaid(town), unpaid(town)
    client = Client()
    client.force_login(make.person("bo", town.orders.organization, roles=("bookkeeper",)))
    page = client.get(address(SyncRecord, "void", SyncRecord.objects.get(flow=town.orders, source_id=order["id"]).pk))
    assert "The client iris@vahl.example stays: it has another invoice." in page.content.decode()
    assert list(page.context["form"].fields) == ["reason"]


def test_a_void_that_got_stuck_is_retried_as_a_void_on_the_page_of_its_record(town: Town) -> None:
    order = unpaid(town)
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    client = Client()
    client.force_login(make.person("bo", town.orders.organization, roles=("bookkeeper", "support")))
    client.post(address(record, "void", record.pk), {"reason": "Wrong."})
    town.ask(town.books, "lock_invoice", invoice_id=town.invoice(order)["id"])
    town.work()
    stuck = SyncJob.objects.latest("pk")
    assert (stuck.state, stuck.reason_code) == ("attention", "invoice_locked")
    for page in (address(record, "change", record.pk), address(stuck, "change", stuck.pk)):
        text = client.get(page).text
        assert "is taken out of the books, as was asked" in text
        assert "is read from the shop again and brought to the books, if" not in text
    town.ask(town.books, "lock_invoice", invoice_id=town.invoice(order)["id"], locked=False)
    press(client, record, "void-on")
    town.work()
    assert (town.invoice(order)["vis_state"], SyncRecord.objects.get(pk=record.pk).hold) == (1, "void")


def test_voiding_is_refused_where_the_invoice_is_paid(town: Town) -> None:
    order = town.order()
    town.book(order)
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    client = Client()
    client.force_login(make.person("bo", town.orders.organization, roles=("bookkeeper",)))
    with town.untouched(town.shop, town.books):
        page = client.get(address(record, "void", record.pk)).content.decode()
        assert "is paid (20.23 CAD), so it is not voided" in page
        assert "Yes, void it" not in page
        said = client.post(address(record, "void", record.pk), {"reason": "Wrong."}, follow=True).content.decode()
        town.work()
    assert "is paid (20.23 CAD), so it is not voided" in said
    assert SyncRecord.objects.get(pk=record.pk).hold == ""
    assert not SyncJob.objects.filter(asked_by="bo").exists()


def test_voiding_is_refused_where_the_books_are_closed(town: Town) -> None:
    order = unpaid(town)
    town.ask(town.books, "lock_invoice", invoice_id=town.invoice(order)["id"])
    record = SyncRecord.objects.get(flow=town.orders, source_id=order["id"])
    client = Client()
    client.force_login(make.person("bo", town.orders.organization, roles=("bookkeeper",)))
    with town.untouched(town.shop, town.books):
        said = client.post(address(record, "void", record.pk), {"reason": "Wrong."}, follow=True).content.decode()
    assert "is locked in the books" in said
    assert SyncRecord.objects.get(pk=record.pk).hold == ""


@pytest.mark.django_db
def test_as_many_queries_for_many_links_and_acts_as_for_few() -> None:
    organization = make.OrganizationFactory()
    record = make.RecordFactory(flow__organization=organization, source_id="727")
    client = Client()
    client.force_login(make.person("root", is_superuser=True))

    def grow(many: int) -> None:
        for _ in range(many):
            job = make.JobFactory(flow=record.flow, source_id="727")
            make.audit_record(organization, job_id=job.pk, flow_id=record.flow_id)
            make.audit_record(organization, flow_id=record.flow_id, object_type="order", source_id="727", action="skip record")
            make.LinkFactory(flow=record.flow, object_type="payment", key=f"727:{ExternalLink.objects.count()}")

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(record, "change", record.pk)).status_code == 200
        return len(captured.captured_queries)

    grow(2)
    count()
    few = count()
    grow(8)
    assert count() == few
    assert few <= 30
