"""What stands still until a person has chosen goes on once the choice is made, and its alert ends; also where trouble follows trouble."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from audit.alerts import open_alert
from audit.models import Alert, AuditRecord
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import InvoiceTax
from connectors.registry import get_connector
from credentials import services
from credentials.services import open_api
from flows.inbox.complaints import close_quiet_complaints
from flows.models import Flow, ItemMapping, SyncCursor, SyncJob, SyncRecord, ValueMapping
from flows.releasing import mapping_saved, options_changed
from flows.replay import settle_by_hand
from flows.switching import switch
from tests.flows.conftest import Town

MakeTown = Callable[..., Town]
TIMES = {"not_before": timezone.now(), "created_at": timezone.now()}


def open_causes() -> list[str]:
    """Reason and subject of the open alerts."""
    return sorted(":".join(cause.split(":")[1:]) for cause in Alert.objects.filter(closed_at=None).values_list("cause", flat=True))


def states() -> list[str]:
    return list(SyncJob.objects.order_by("pk").values_list("state", flat=True))


# ---- mappings and options ----------------------------------------------------------------------------------


def test_a_rate_that_differs_goes_on_with_the_mapping_to_another_tax(make_town: MakeTown) -> None:
    town = make_town(tax_rates="match")
    ledger = town.orders.destination
    get_connector(ledger.platform).writes[ObjectType.TAX].create(open_api(ledger), InvoiceTax("Ontario HST", Decimal("13")))
    order = town.order()
    assert town.book(order).reason_code == "tax_rate_differs"
    assert open_causes() == ["tax_rate_differs:tax:HST"]
    mapped = ValueMapping.objects.create(flow=town.orders, kind="tax", source="CA-ON-HST-1", target="Ontario HST")
    assert mapping_saved(mapped, "kim") == 1
    town.work()
    assert town.invoice(order)["lines"][0]["taxName1"] == "Ontario HST"
    assert (states(), open_causes()) == (["superseded", "done"], [])


def test_a_payment_mapping_is_none_of_a_tax_s_business(make_town: MakeTown) -> None:
    town = make_town(tax_unmapped="attention")
    town.book(town.order())
    mapped = ValueMapping.objects.create(flow=town.orders, kind="gateway", source="stripe", target="Credit Card")
    assert mapping_saved(mapped, "kim") == 0
    assert states() == ["attention"]


def test_a_job_that_read_the_rules_before_they_were_saved_looks_once_more(
    flow: Flow, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    """It runs while a mapping is saved, and would stop for the lack of it right afterwards."""
    before = {"flow": flow, "object_type": "order", "attempts": 0, **TIMES}
    running = SyncJob.objects.create(**before, source_id="1", state="running", lease_token="x", lease_until=timezone.now())
    SyncJob.objects.create(**before, source_id="2", state="attention", finished_at=timezone.now() - timedelta(minutes=1))
    SyncJob.objects.create(**before, source_id="3", state="done", finished_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        mapped = ItemMapping.objects.create(flow=flow, sku="MUG", item_id="1", item_name="Mug")
        assert mapping_saved(mapped, "kim") == 0
        SyncJob.objects.create(
            **before, source_id="4", state="attention", subject="sku:MUG", reason_code="sku_unmapped", finished_at=timezone.now()
        )
    again = SyncJob.objects.filter(trigger="mapping").order_by("source_id")
    assert [(job.source_id, job.state, job.asked_by) for job in again] == [("1", "waiting", "kim"), ("4", "waiting", "kim")]
    running.refresh_from_db()
    assert running.state == "running"


def test_changed_options_let_what_they_stopped_go_on_behind_the_shop(make_town: MakeTown) -> None:
    town = make_town(currencies="USD")
    order = town.order()
    assert town.book(order).reason_code == "currency_not_taken"
    town.orders.options = {"currencies": "CAD"}
    town.orders.save()
    assert options_changed(town.orders, "kim") == 1
    waiting = SyncJob.objects.get(state="waiting")
    assert (waiting.priority, waiting.asked_by, waiting.trigger) == (2, "kim", "mapping")
    town.work()
    assert (town.invoice(order)["amount"], open_causes()) == ("20.23", [])


def test_dead_letters_are_not_stirred_by_options(flow: Flow) -> None:
    job = SyncJob.objects.create(flow=flow, object_type="order", source_id="7", state="dead", **TIMES)
    assert options_changed(flow, "kim") == 0
    job.refresh_from_db()
    assert (job.state, SyncJob.objects.count()) == ("dead", 1)


# ---- one trouble after the other ---------------------------------------------------------------------------


def test_newer_trouble_takes_the_place_of_the_older(make_town: MakeTown) -> None:
    town = make_town(currencies="USD")
    order = town.order()
    town.book(order)
    town.orders.options = {"tax_unmapped": "attention"}
    town.orders.save()
    town.book(order, force=True)
    assert states() == ["superseded", "attention"], "one object needs attention once"
    assert open_causes() == ["tax_unmapped:tax:CA-ON-HST-1"]


def test_an_alert_stays_while_another_record_is_stuck_with_it(make_town: MakeTown) -> None:
    town = make_town(currencies="USD")
    first, second = town.order(), town.order()
    for order in (first, second):
        town.book(order)
    town.orders.options = {}
    town.orders.save()
    town.book(first)
    assert open_causes() == ["currency_not_taken:currency:CAD"]
    town.book(second)
    assert open_causes() == []


def test_however_many_kinds_of_trouble_all_alerts_end(make_town: MakeTown) -> None:
    town = make_town()
    order = town.order()
    for number in range(5):
        SyncJob.objects.create(
            flow=town.orders, object_type="order", source_id=order["id"], state="superseded", reason_code=f"trouble_{number}",
            **TIMES,
        )  # fmt: skip
        open_alert(town.orders.organization_id, f"{town.orders.pk}:trouble_{number}:", "It is wrong.", Alert.Severity.WARNING)
    assert town.book(order).state == "done"
    assert open_causes() == []


# ---- settled by hand ---------------------------------------------------------------------------------------


def test_what_was_settled_by_hand_is_off_the_list_and_on_record(make_town: MakeTown) -> None:
    town = make_town(currencies="USD")
    order = town.order()
    job = town.book(order)
    with town.untouched(town.books, town.shop):
        assert settle_by_hand(job, "kim")
        assert not settle_by_hand(job, "kim"), "only once"
    assert (states(), open_causes()) == (["superseded"], [])
    record = SyncRecord.objects.get(flow=town.orders)
    assert (record.outcome, record.reason.startswith("Settled by hand by kim. Order")) == ("noted", True)
    assert AuditRecord.objects.get(action="settle job").actor == "kim"
    assert town.book(order, force=True).state == "attention", "a new look is a new look"


# ---- the rest of the table ---------------------------------------------------------------------------------


def test_switching_a_flow_off_ends_the_complaint_about_its_polling(flow: Flow) -> None:
    for each in (f"poll:{flow.pk}", "poll:999"):
        open_alert(flow.organization_id, each, "Cannot be listed.", Alert.Severity.WARNING)
    switch(flow, on=False)
    assert list(Alert.objects.filter(closed_at=None).values_list("cause", flat=True)) == ["poll:999"]


@pytest.mark.parametrize(("polled_hours_later", "left"), [(23, 1), (26, 0), (None, 1)])
def test_a_warning_that_is_not_repeated_ends_after_a_day_of_reading(flow: Flow, polled_hours_later: int | None, left: int) -> None:
    now = timezone.now()
    cause = f"platform:{flow.source_id}:api_version"
    open_alert(flow.organization_id, cause, "An old version.", Alert.Severity.WARNING, connection_id=flow.source_id)
    Alert.objects.update(seen_at=now - timedelta(hours=27))
    if polled_hours_later is not None:
        polled = now - timedelta(hours=27) + timedelta(hours=polled_hours_later)
        SyncCursor.objects.create(flow=flow, watermark=now, polled_at=polled)
    close_quiet_complaints(now)
    assert Alert.objects.filter(closed_at=None).count() == left


def test_a_warning_is_counted_once_an_hour(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(services, "_warned", {})
    monkeypatch.setattr("credentials.services.time", _Clock(clock))
    for moment in (1000.0, 1001.0, 4599.0, 4600.0):
        clock[0] = moment
        services._warn(flow.source, "api_version", "An old version.")
    assert Alert.objects.values_list("cause", "count").get() == (f"platform:{flow.source_id}:api_version", 2)


class _Clock:
    def __init__(self, at: list[float]) -> None:
        self.at = at

    def monotonic(self) -> float:
        return self.at[0]


def test_nothing_wanted_is_nothing_to_complain_of(town: Town) -> None:
    from flows.subscriptions import ensure_subscriptions

    connection: Any = town.orders.source
    open_alert(connection.organization_id, f"subscriptions:{connection.pk}", "It is off.", Alert.Severity.ERROR)
    Flow.objects.update(enabled=False)
    assert ensure_subscriptions(connection) == []
    assert not Alert.objects.filter(closed_at=None).exists()
