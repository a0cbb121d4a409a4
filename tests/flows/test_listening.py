"""How well webhooks do: what polls found that none told of, how each registration is, and gaps that are read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from audit.models import AuditRecord
from connectors.canonical.identity import ObjectType, Window
from connectors.registry import get_connector
from credentials.services import open_api
from flows.listening.backfills import in_words as span_in_words
from flows.listening.backfills import progress_of
from flows.listening.gaps import fill_gap, gap_since
from flows.listening.health import ears_of
from flows.listening.words import every_in_words, in_words, next_run
from flows.models import Backfill, InboundEvent, PollDay, Subscription, SyncCursor, SyncJob
from flows.polling import cancel_backfill, poll_flow, start_backfill, walk_backfill, walk_backfills
from flows.schedules import schedule_poll
from flows.subscriptions import ensure_subscriptions, recreate
from tests.flows.conftest import Town
from tests.flows.test_subscriptions import arrived, hooks, open_town, row, switch_off

__all__ = ["open_town"]
NOON = datetime(2026, 11, 5, 12, 0, tzinfo=UTC)


def at(town: Town, moment: datetime) -> str:
    town.ask(town.shop, "clock", now=moment.isoformat())
    order = town.order()
    town.ask(town.shop, "clock")
    return str(order["id"])


# ---- against polling ---------------------------------------------------------------------------------------


def test_polls_count_what_no_webhook_told_of(town: Town) -> None:
    told, _silent, thin = (at(town, NOON + timedelta(seconds=seconds)) for seconds in (1, 2, 3))
    connection = town.orders.source
    reads = get_connector(connection.platform).reads[ObjectType.ORDER]
    page = reads.page(open_api(connection), Window(NOON, NOON + timedelta(minutes=1)), None)  # type: ignore[misc]
    versions = {notice.source_id: notice.version for notice in page.notices}
    town.orders.records.create(object_type="order", source_id=told, version=versions[told], updated_at=NOON)
    InboundEvent.objects.create(
        connection=connection, dedupe_key="1", topic="order.updated", body=b"", received_at=NOON, object_type="order", source_id=thin
    )
    SyncCursor.objects.create(flow=town.orders, watermark=NOON - timedelta(minutes=1))
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=1)) == 3
    day = PollDay.objects.get()
    assert (day.found, day.unheard) == (3, 1)
    assert poll_flow(town.orders.pk, NOON + timedelta(minutes=2)) == 0
    assert list(PollDay.objects.values_list("found", "unheard")) == [(3, 1)]
    (ear,) = [ear for ear in ears_of(town.orders.organization, timezone.now()) if ear.connection == connection]
    assert (ear.found, ear.unheard) == (3, 1)


# ---- registrations -----------------------------------------------------------------------------------------


def test_each_registration_is_told_in_words_with_its_deliveries(open_town: Town) -> None:
    ensure_subscriptions(open_town.orders.source)
    open_town.order()
    arrived(open_town, open_town.shop)
    InboundEvent.objects.filter(topic="order.created").update(received_at=timezone.now() - timedelta(days=2))
    switch_off(open_town, "order.deleted")
    ensure_subscriptions(open_town.orders.source)
    (ear,) = [ear for ear in ears_of(open_town.orders.organization, timezone.now()) if ear.connection == open_town.orders.source]
    found = {hook.row.topic: (hook.well, hook.day, hook.week) for hook in ear.hooks}
    assert (found["order.created"], found["order.deleted"]) == ((True, 0, 1), (False, 0, 0))
    dead = next(hook for hook in ear.hooks if hook.row.topic == "order.deleted")
    assert dead.sentence.startswith("The platform switched it off since 20")
    assert ear.since == gap_since([dead.row])


def test_a_gap_is_filled_in_a_persons_name(open_town: Town) -> None:
    ensure_subscriptions(open_town.orders.source)
    connection = open_town.orders.source
    Subscription.objects.filter(connection=connection).update(delivered_at=timezone.now())
    heard = timezone.now() - timedelta(days=3)
    Subscription.objects.filter(topic="order.updated").update(delivered_at=heard, status="disabled")
    made = fill_gap(connection, "kim")
    assert [(one.flow_id, one.since, one.asked_by) for one in made] == [(open_town.orders.pk, heard - timedelta(minutes=10), "kim")]
    record = AuditRecord.objects.get(action="fill webhook gap")
    assert (record.actor, record.connection_id) == ("kim", connection.pk)
    open_town.orders.enabled = False
    open_town.orders.save()
    assert fill_gap(connection, "kim") == []


def test_one_is_registered_anew_and_its_gap_read(open_town: Town) -> None:
    ensure_subscriptions(open_town.orders.source)
    before = hooks(open_town)["order.updated"]["id"]
    recreate(row("order.updated"), "kim")
    hook = hooks(open_town)["order.updated"]
    assert hook["id"] != before
    assert (row("order.updated").remote_id, row("order.updated").status) == (str(hook["id"]), "active")
    assert Backfill.objects.get().asked_by == "kim"
    open_town.order()
    arrived(open_town, open_town.shop)
    assert InboundEvent.objects.filter(topic="order.updated").count() == 1


# ---- backfills ---------------------------------------------------------------------------------------------


def backfilled(town: Town, count: int = 3) -> Backfill:
    for _ in range(count):
        town.order()
    made = start_backfill(town.orders, timezone.now() - timedelta(days=1), timezone.now() + timedelta(minutes=1), asked_by="kim")
    walk_backfills()
    made.refresh_from_db()
    return made


def numbers(backfill: Backfill) -> tuple[int, ...]:
    found = progress_of(backfill, timezone.now())
    return found.found, found.booked, found.same, found.waiting, found.failed, found.elsewhere


def test_the_progress_counts_what_became_of_each(town: Town) -> None:
    made = backfilled(town)
    assert numbers(made) == (3, 0, 0, 3, 0, 0)
    assert progress_of(made, timezone.now()).remaining is None
    SyncJob.objects.filter(pk=SyncJob.objects.earliest("pk").pk).update(state="attention")
    town.run(town.orders, SyncJob.objects.latest("pk").source_id)  # a webhook's wish is folded in
    assert numbers(made) == (3, 2, 0, 0, 1, 0)
    again = start_backfill(town.orders, made.since, made.until)
    walk_backfill(again)
    town.work()
    assert numbers(again)[:3] == (3, 1, 2)


def test_the_remaining_time_follows_from_the_pace(town: Town) -> None:
    made = backfilled(town, 4)
    SyncJob.objects.filter(pk=SyncJob.objects.earliest("pk").pk).update(state="done")
    remaining = progress_of(made, made.created_at + timedelta(minutes=2)).remaining
    assert remaining == timedelta(minutes=6)
    assert [span_in_words(span) for span in (remaining, timedelta(seconds=20), timedelta(hours=2.2), timedelta(seconds=61))] == [
        "about 6 minutes",
        "less than a minute",
        "about 2 hours",
        "about 1 minute",
    ]


def test_cancelling_leaves_out_what_waits_for_it_alone(town: Town) -> None:
    made = backfilled(town)
    kept = SyncJob.objects.latest("pk")
    event = InboundEvent.objects.create(connection=town.orders.source, dedupe_key="1", topic="x", body=b"", received_at=timezone.now())
    SyncJob.objects.filter(pk=kept.pk).update(event=event)
    assert cancel_backfill(made, "lee") == 2
    assert list(SyncJob.objects.filter(state="waiting")) == [kept]
    left = SyncJob.objects.filter(state="superseded").values_list("reason", flat=True)
    assert set(left) == {"The backfill was cancelled by lee."}
    assert cancel_backfill(made, "kim") is None
    made.refresh_from_db()
    assert made.cancelled_by == "lee"


BEGUN: tuple[dict[str, Any], ...] = ({"started_at": NOON}, {"crashes": 1}, {"attempts": 1}, {"force": True}, {"trigger": "mapping"})


@pytest.mark.parametrize("begun", BEGUN, ids=lambda begun: next(iter(begun)))
def test_cancelling_leaves_what_was_begun_to_its_end(town: Town, begun: dict[str, Any]) -> None:
    """Half of it may be in the books: an invoice without its payment, or a write whose answer got lost."""
    made = backfilled(town)
    kept = SyncJob.objects.latest("pk")
    SyncJob.objects.filter(pk=kept.pk).update(**begun)
    assert cancel_backfill(made, "lee") == 2
    assert list(SyncJob.objects.filter(state="waiting")) == [kept]


def test_a_payment_that_the_books_put_off_still_waits_when_the_backfill_is_cancelled(town: Town) -> None:
    order = town.order()
    fault = {"kind": "status", "status": 429, "method": "POST", "path": "payments/payments", "headers": {"Retry-After": "60"}}
    town.ask(town.books, "faults", faults=[fault])
    made = start_backfill(town.orders, timezone.now() - timedelta(days=1), timezone.now() + timedelta(minutes=1))
    walk_backfill(made)
    town.work()
    assert (SyncJob.objects.get().state, SyncJob.objects.get().attempts, town.invoice(order)["payments"]) == ("waiting", 0, [])
    assert cancel_backfill(made, "lee") is None
    assert SyncJob.objects.get().state == "waiting"


def test_what_an_earlier_job_left_to_this_one_is_not_cancelled(town: Town) -> None:
    made = backfilled(town)
    kept = SyncJob.objects.latest("pk")
    town.orders.records.update_or_create(
        object_type="order", source_id=kept.source_id, defaults={"outcome": "waiting", "updated_at": timezone.now()}
    )
    assert cancel_backfill(made, "lee") == 2
    assert list(SyncJob.objects.filter(state="waiting")) == [kept]


def test_cancelling_one_of_two_backfills_takes_nothing_from_the_other(town: Town) -> None:
    made = backfilled(town)
    others = [start_backfill(town.orders, made.since, made.until) for _ in range(2)]
    for other in others:
        walk_backfill(other)
    assert [cancel_backfill(each, "lee") for each in (*others, made)] == [None, None, None]
    assert SyncJob.objects.filter(state="waiting").count() == 3


def test_a_page_that_is_walked_again_still_belongs_to_its_backfill(town: Town) -> None:
    made = backfilled(town)
    Backfill.objects.filter(pk=made.pk).update(finished_at=None, page="")
    made.refresh_from_db()
    walk_backfill(made)
    assert cancel_backfill(made, "lee") == 3


def test_a_walk_that_was_cancelled_meanwhile_asks_for_nothing_more(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.platforms.woocommerce.paging.PER_PAGE", 2)
    for _ in range(5):
        town.order()
    made = start_backfill(town.orders, timezone.now() - timedelta(days=1), timezone.now() + timedelta(minutes=1))
    walk_backfill(made, lambda _found: cancel_backfill(made, "lee") and None)
    made.refresh_from_db()
    assert (made.found, made.cancelled_by) == (2, "lee")
    assert not SyncJob.objects.filter(state="waiting").exists()
    assert walk_backfills() == 0


def test_what_keeps_a_backfill_waiting_is_told_until_it_goes_on(town: Town) -> None:
    fault = {"kind": "status", "path": "/orders$", "status": 400, "body": '{"code": "x", "message": "not now"}', "times": -1}
    town.ask(town.shop, "faults", faults=[fault])
    made = backfilled(town)
    assert "not now" in made.problem
    town.ask(town.shop, "faults", faults=[])
    walk_backfills()
    made.refresh_from_db()
    assert (made.problem, made.found) == ("", 3)


# ---- in words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "never"), (1, "every second"), (60, "every minute"), (300, "every 5 minutes"), (90, "every 90 seconds"), (86_400, "every day")],
)
def test_intervals(seconds: int, words: str) -> None:
    assert every_in_words(seconds) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"minute": "10", "hour": "3"}, "at 03:10 UTC every day"),
        ({"minute": "0", "hour": "4", "day_of_week": "1"}, "at 04:00 UTC every Monday"),
        ({"minute": "*/10"}, "every 10 minutes"),
        ({"minute": "5"}, "every hour at minute 5"),
        ({"minute": "0", "hour": "1-3"}, "by the rule 0 1-3 * * * (minute, hour, day, month, weekday; UTC)"),
        ({"minute": "0", "hour": "1", "day_of_month": "2"}, "by the rule 0 1 2 * * (minute, hour, day, month, weekday; UTC)"),
    ],
)
@pytest.mark.django_db
def test_times(rule: dict[str, str], words: str) -> None:
    entry = PeriodicTask(name="x", task="x", crontab=CrontabSchedule.objects.create(**rule))
    assert in_words(entry) == words
    assert in_words(PeriodicTask(name="x", task="x", enabled=False)) == "switched off"


def test_an_interval_that_two_processes_made_serves_as_well(flow: Any) -> None:
    for _ in range(2):
        IntervalSchedule.objects.create(every=flow.poll_seconds, period=IntervalSchedule.SECONDS)
    schedule_poll(flow)
    assert PeriodicTask.objects.get().interval == IntervalSchedule.objects.order_by("pk")[0]


def test_the_next_run(flow: Any) -> None:
    schedule_poll(flow)
    entry, now = PeriodicTask.objects.get(), timezone.now()
    assert next_run(entry, now - timedelta(minutes=2), now) == now + timedelta(minutes=3)
    assert next_run(entry, now - timedelta(hours=2), now) == next_run(entry, None, now) == now
    entry.interval, entry.crontab = None, CrontabSchedule.objects.create(minute="10", hour="3")
    found = next_run(entry, None, now)
    assert found is not None
    assert (found.hour, found.minute) == (3, 10)
    entry.enabled = False
    assert next_run(entry, None, now) is None
    assert IntervalSchedule.objects.count() == 1
