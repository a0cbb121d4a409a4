"""Flows and mappings in the console: made in two steps, refused with a sentence, planned, backfilled; mappings let jobs go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audit.models import AuditRecord
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceLine, InvoiceTax
from connectors.canonical.money import Money
from connectors.kit.errors import Transient
from flows.models import Backfill, FieldMapping, Flow, ItemMapping, SyncJob, ValueMapping
from flows.preview import Preview
from flows.recipes.contract import Change, Plan
from flows.recipes.proof import TieOut
from tests import factories as make
from tests.admin.console_world import World, address

EIGHT = Money.of("8.00", "CAD")


@pytest.fixture(autouse=True)
def _quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.replay.ring", lambda: None)


def form_of(client: Client, flow: Flow) -> dict[str, Any]:
    form = client.get(address(flow, "change", flow.pk)).context["adminform"].form
    return {name: value for name in form.fields if (value := form[name].value()) not in (None, False)}


def test_a_new_flow_starts_switched_off(world: World) -> None:
    old = world.rows["flow"]
    assert isinstance(old, Flow)
    posted = {"label": "Clients", "recipe": "customer_to_client", "source": old.source_id, "destination": old.destination_id}
    answer = world.client("owner").post(address(Flow, "add"), posted)
    made = Flow.objects.get(label="Clients")
    assert answer.url == address(made, "change", made.pk)
    assert (made.enabled, made.organization_id) == (False, old.organization_id)
    assert PeriodicTask.objects.get(name=f"poll flow {made.pk}").enabled is False


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"source": "books"}, "Choose two different connections"),
        ({"source": "books", "destination": "shop"}, "FreshBooks does not read orders, which"),
        ({"source": "shop", "destination": "second"}, "WooCommerce does not write"),
        ({"label": "taken"}, "Another flow of this organization has this name."),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(world: World, change: dict[str, str], sentence: str) -> None:
    old = world.rows["flow"]
    assert isinstance(old, Flow)
    second = make.ShopFactory(organization=old.organization)
    known: dict[str, Any] = {"shop": old.source_id, "books": old.destination_id, "second": second.pk, "taken": old.label}
    posted = {"label": "Another", "recipe": "order_to_invoice", "source": second.pk, "destination": old.destination_id}
    answer = world.client("owner").post(address(Flow, "add"), {**posted, **{name: known[value] for name, value in change.items()}})
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert Flow.objects.count() == 2


def test_two_organizations_never_meet_in_a_flow(world: World) -> None:
    mine, theirs = world.rows["flow"], world.theirs["flow"]
    assert isinstance(mine, Flow)
    assert isinstance(theirs, Flow)
    posted = {"label": "Mixed", "recipe": "customer_to_client", "source": mine.source_id, "destination": theirs.destination_id}
    answer = world.client("root").post(address(Flow, "add"), posted)
    assert "Both connections must belong to one organization." in answer.content.decode()
    assert not Flow.objects.filter(label="Mixed").exists()


def test_options_in_plain_words_are_saved_and_polling_follows(world: World) -> None:
    client, flow = world.client("owner"), world.rows["flow"]
    assert isinstance(flow, Flow)
    page = client.get(address(flow, "change", flow.pk)).content.decode()
    assert "Orders over nothing" in page
    posted = {**form_of(client, flow), "option_zero_orders": "book", "option_rounding_bound": "0.10", "poll_seconds": "120"}
    assert client.post(address(flow, "change", flow.pk), posted).status_code == 302
    flow.refresh_from_db()
    assert flow.options == {"zero_orders": "book", "rounding_bound": "0.10"}
    assert PeriodicTask.objects.get(name=f"poll flow {flow.pk}").interval.every == 120
    record = AuditRecord.objects.get(action="change flow")
    assert (record.actor, record.flow_id, record.organization_id) == ("owner", flow.pk, flow.organization_id)
    assert "Orders over nothing" in record.message


def test_changed_options_ask_again_for_what_needs_attention(world: World) -> None:
    client, flow = world.client("owner"), world.rows["flow"]
    assert isinstance(flow, Flow)
    form = form_of(client, flow)
    client.post(address(flow, "change", flow.pk), {**form, "poll_seconds": "120"})
    assert not SyncJob.objects.filter(state="waiting").exists(), "how often it polls decides nothing"
    page = client.post(address(flow, "change", flow.pk), {**form, "option_zero_orders": "book"}, follow=True).content.decode()
    assert "1 record(s) that need attention are looked at again" in page
    assert SyncJob.objects.get(state="waiting").source_id == "727"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"option_start_date": "next week"}, "option_start_date"),
        ({"poll_seconds": "5"}, "poll_seconds"),
        ({"option_rounding_bound": "much"}, "option_rounding_bound"),
        ({"option_refunds": "nonsense"}, "option_refunds"),
        ({"option_unknown_sku": "default_item"}, "option_default_item"),
        ({"option_no_email": "default_client", "option_default_client": " "}, "option_default_client"),
    ],
)
def test_wrong_options_are_refused(world: World, change: dict[str, str], name: str) -> None:
    client, flow = world.client("owner"), world.rows["flow"]
    assert isinstance(flow, Flow)
    answer = client.post(address(flow, "change", flow.pk), {**form_of(client, flow), **change})
    assert set(answer.context["adminform"].form.errors) == {name}
    flow.refresh_from_db()
    assert (flow.options, flow.poll_seconds) == ({}, 300)


def test_switching_off_and_on(world: World) -> None:
    client, flow = world.client("owner"), world.rows["flow"]
    for button, enabled in (("disable", False), ("enable", True)):
        client.post(address(flow, "press", flow.pk, button))
        flow.refresh_from_db()
        assert flow.enabled is enabled
        assert PeriodicTask.objects.get(name=f"poll flow {flow.pk}").enabled is enabled
    assert list(AuditRecord.objects.filter(flow_id=flow.pk, actor="owner").order_by("id").values_list("action", flat=True)) == [
        "switch off",
        "switch on",
    ]


# ---- plan, backfill, compare -------------------------------------------------------------------------------


def a_plan() -> Plan:
    line = InvoiceLine("Mug <b>XL</b>", "", Decimal(2), EIGHT, (InvoiceTax("GST", Decimal(5)),))
    invoice = Invoice("7", "1001", "1001", datetime(2026, 11, 1, tzinfo=UTC).date(), "CAD", (line,))
    change = Change("create", ObjectType.INVOICE, "727", "Create invoice 1001 over 16.80 CAD", invoice)
    amount = Money.of("16.80", "CAD")
    return Plan((change,), ("A note about rounding.",), TieOut("1001", amount, Money.zero("CAD"), amount, amount, amount))


def test_a_plan_is_shown_as_a_table(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []
    monkeypatch.setattr(
        "flows.admin.flow_pages.preview", lambda flow, source_id: asked.append((flow.pk, source_id)) or Preview("1001", a_plan())
    )
    flow = world.rows["flow"]
    page = world.client("bookkeeper").post(address(flow, "plan", flow.pk), {"record": "#1001"}).content.decode()
    assert asked == [(flow.pk, "727")]
    for text in (
        "Create invoice 1001 over 16.80 CAD",
        "Mug &lt;b&gt;XL&lt;/b&gt;",
        "8.00 CAD",
        "GST 5 %",
        "A note about rounding.",
        "exact",
    ):
        assert text in page
    assert SyncJob.objects.count() == 2


def test_a_plan_that_cannot_be_made_says_why(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_flow: Flow, _source_id: str) -> Preview:
        raise Transient("The shop does not answer.")

    monkeypatch.setattr("flows.admin.flow_pages.preview", fail)
    flow = world.rows["flow"]
    page = world.client("bookkeeper").post(address(flow, "plan", flow.pk), {"record": "5"}).content.decode()
    assert "The shop does not answer." in page


def test_a_backfill_covers_whole_days_of_the_shop(world: World) -> None:
    flow = world.rows["flow"]
    assert isinstance(flow, Flow)
    flow.source.time_zone = "America/Toronto"
    flow.source.save()
    posted = {"since": "2025-11-01", "until": "2025-11-02"}
    assert world.client("bookkeeper").post(address(flow, "backfill", flow.pk), posted).status_code == 302
    made = Backfill.objects.get(asked_by="bookkeeper")
    assert (made.since, made.until) == (datetime(2025, 11, 1, 4, tzinfo=UTC), datetime(2025, 11, 3, 5, tzinfo=UTC))
    assert AuditRecord.objects.get(action="start backfill").actor == "bookkeeper"


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Toronto"])
def test_a_period_may_reach_to_the_ends_of_the_calendar(world: World, zone: str) -> None:
    flow = world.rows["flow"]
    assert isinstance(flow, Flow)
    flow.source.time_zone = zone
    flow.source.save()
    posted = {"since": "0001-01-01", "until": "9999-12-31"}
    assert world.client("bookkeeper").post(address(flow, "backfill", flow.pk), posted).status_code == 302
    made = Backfill.objects.get(asked_by="bookkeeper")
    assert abs(made.since - datetime(1970, 1, 1, tzinfo=UTC)) < timedelta(days=1)
    assert timedelta(0) <= timezone.now() - made.until < timedelta(minutes=1)


@pytest.mark.parametrize("period", [{"since": "2025-11-03", "until": "2025-11-02"}, {"since": "soon", "until": "2025-11-02"}])
def test_a_wrong_period_starts_nothing(world: World, period: dict[str, str]) -> None:
    flow = world.rows["flow"]
    assert world.client("bookkeeper").post(address(flow, "backfill", flow.pk), period).status_code == 200
    assert Backfill.objects.count() == 2


def test_a_dead_broker_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("flows.asking.current_app.send_task", refuse)
    flow = world.rows["flow"]
    page = world.client("owner").post(address(flow, "press", flow.pk, "poll"), follow=True).content.decode()
    assert "The workers could not be reached" in page
    assert AuditRecord.objects.get(action="look for changes now").outcome == "failed"


# ---- mappings ----------------------------------------------------------------------------------------------


def test_a_saved_sku_lets_the_waiting_job_go_on(world: World) -> None:
    flow = world.rows["flow"]
    posted = {"flow": flow.pk, "sku": "MUG-XL", "item_id": "41", "item_name": "Mug XL"}
    page = world.client("bookkeeper").post(address(ItemMapping, "add"), posted, follow=True).content.decode()
    assert "1 waiting job(s) go on with it now." in page
    again = SyncJob.objects.get(state="waiting")
    assert (again.source_id, again.trigger, again.asked_by) == ("727", "mapping", "bookkeeper")
    assert again.flow_id == flow.pk
    record = AuditRecord.objects.get(action="release jobs")
    assert (record.actor, record.flow_id) == ("bookkeeper", flow.pk)


@pytest.mark.parametrize(("kind", "subject"), [("tax", "tax:GST"), ("gateway", "gateway:GST")])
def test_a_saved_value_releases_its_own_kind(world: World, kind: str, subject: str) -> None:
    SyncJob.objects.filter(pk=world.rows["syncjob"].pk).update(subject=subject)
    posted = {"flow": world.rows["flow"].pk, "kind": kind, "source": "GST", "target": "GST"}
    world.client("bookkeeper").post(address(ValueMapping, "add"), posted)
    assert SyncJob.objects.filter(state="waiting", source_id="727").count() == 1


def test_a_tax_mapped_by_its_name_releases_what_waits_for_its_code(world: World) -> None:
    SyncJob.objects.filter(pk=world.rows["syncjob"].pk).update(subject="tax:CA-GST-1", reason_code="tax_unmapped")
    posted = {"flow": world.rows["flow"].pk, "kind": "gateway", "source": "GST", "target": "GST"}
    world.client("bookkeeper").post(address(ValueMapping, "add"), posted)
    assert not SyncJob.objects.filter(state="waiting").exists(), "another kind of mapping is none of its business"
    world.client("bookkeeper").post(address(ValueMapping, "add"), {**posted, "kind": "tax"})
    assert SyncJob.objects.get(state="waiting").source_id == "727"


def test_editing_in_the_list(world: World) -> None:
    mapping = world.rows["itemmapping"]
    assert isinstance(mapping, ItemMapping)
    SyncJob.objects.filter(pk=world.rows["syncjob"].pk).update(subject=f"sku:{mapping.sku}")
    form = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": mapping.pk, "form-0-item_id": "99", "form-0-item_name": "Cup"}
    client = world.client("bookkeeper")
    page = client.post(address(mapping, "changelist"), {**form, "_save": "Save"}, follow=True).content.decode()
    mapping.refresh_from_db()
    assert (mapping.item_id, mapping.item_name) == ("99", "Cup")
    assert "1 waiting job(s) go on with it now." in page
    assert AuditRecord.objects.get(action="change item mapping").actor == "bookkeeper"


def test_what_is_mapped_cannot_be_turned_into_something_else(world: World) -> None:
    mapping = world.rows["itemmapping"]
    assert isinstance(mapping, ItemMapping)
    posted = {"flow": world.theirs["flow"].pk, "sku": "STOLEN", "item_id": "1", "item_name": "x"}
    world.client("bookkeeper").post(address(mapping, "change", mapping.pk), posted)
    changed = ItemMapping.objects.get(pk=mapping.pk)
    assert (changed.sku, changed.flow_id, changed.item_id) == (mapping.sku, mapping.flow_id, "1")


def test_field_mappings_are_checked(world: World) -> None:
    client, flow = world.client("bookkeeper"), world.rows["flow"]
    posted = {"flow": flow.pk, "target": "client.company", "expression": "customer.[", "transform": ""}
    answer = client.post(address(FieldMapping, "add"), posted)
    assert "is not JMESPath" in answer.content.decode()
    assert FieldMapping.objects.filter(flow=flow.pk).count() == 1
    assert client.post(address(FieldMapping, "add"), {**posted, "expression": "customer.company"}).status_code == 302
    assert FieldMapping.objects.get(target="client.company").expression == "customer.company"
    taken = client.post(address(FieldMapping, "add"), {**posted, "expression": "note"})
    assert taken.status_code == 200
