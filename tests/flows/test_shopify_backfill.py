"""The past of a Shopify shop: listed by an export, booked by workers or by the command itself, within the shop's points."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from connectors.kit.contract import Usage
from connectors.platforms.shopify.points import bucket_of
from credentials.accounts import account_with
from flows.models import Backfill, SyncJob, SyncRecord
from flows.polling import start_backfill, walk_backfill
from tests.flows.teas import MakeTown


def lately() -> str:
    return (timezone.now() - timedelta(days=1)).date().isoformat()


def test_a_backfill_by_export_finds_every_order(tea_town: MakeTown) -> None:
    town = tea_town()
    placed = {order["id"] for order in town.place(310, seed=5)}
    now = timezone.now()
    backfill = start_backfill(town.orders, now.replace(hour=0) - timedelta(days=1), now + timedelta(minutes=5))
    walk_backfill(backfill)
    assert set(SyncJob.objects.values_list("source_id", flat=True)) == placed
    assert town.shop.sandbox.state.exports


def test_the_command_books_by_itself_and_prints_what_it_took(tea_town: MakeTown, capsys: pytest.CaptureFixture[str]) -> None:
    """A shop with few points: they run low, are used, and hardly a call is put off."""
    town = tea_town({"bucket": 150.0, "restore": 30.0})
    placed = {order["id"] for order in town.place(14, seed=5)}
    call_command("backfill", "teas", "--since", lately(), "--here", "3")
    printed = capsys.readouterr().out
    booked = SyncRecord.objects.filter(flow=town.orders, outcome="done", exact=True)
    assert set(booked.values_list("source_id", flat=True)) == placed
    assert "14 record(s) found, 14 job(s) queued now; booked here with 3 thread(s)." in printed
    assert "0 job(s) wait for later." in printed
    found = re.search(r"shopify 0: (\d+) calls, (\d+) of them put off \((\d\.\d\d) per hundred\); the quota was (\d+)% used\.", printed)
    assert found, printed
    bucket = bucket_of(account_with(town.orders.source, {}))
    assert (int(found[1]), int(found[2])) == (bucket.answers, bucket.throttled)
    assert int(found[1]) >= 14
    assert float(found[3]) <= 1.0
    assert int(found[4]) == round(100 * bucket.used / bucket.answers) > 0


def test_an_export_that_takes_longer_than_a_walk_is_waited_for(tea_town: MakeTown, monkeypatch: pytest.MonkeyPatch) -> None:
    town = tea_town({"bulk_seconds": 1.5})
    placed = town.place(305, seed=5)
    monkeypatch.setattr("connectors.platforms.shopify.bulk.NAP", 0.1)
    monkeypatch.setattr("flows.polling.TASK_SECONDS", 0.3)
    call_command("backfill", "teas", "--since", lately())
    assert Backfill.objects.get().finished_at is not None
    assert SyncJob.objects.count() == len(placed)


def test_a_shop_that_does_not_answer_ends_the_command(tea_town: MakeTown) -> None:
    town = tea_town()
    town.ask(town.shop, "faults", faults=[{"kind": "status", "status": 500, "times": -1}])
    with pytest.raises(CommandError, match="did not answer"):
        call_command("backfill", "teas", "--since", lately())
    assert Backfill.objects.get().finished_at is None
    assert not SyncJob.objects.exists()


def test_usage_in_words() -> None:
    assert str(Usage(1200, 3, 0.914)) == "1200 calls, 3 of them put off (0.25 per hundred); the quota was 91% used"
    assert str(Usage(0, 0, 0.0)) == "0 calls, 0 of them put off (0.00 per hundred); the quota was 0% used"
