"""Webhook registrations: made, watched, switched on again with the gap read, made anew where that does not hold."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from audit.models import Alert, AuditRecord
from connectors.kit.sandbox import Served
from connectors.registry import get_connector
from credentials.services import open_api
from flows.models import Backfill, InboundEvent, PeriodicLease, Subscription
from flows.polling import walk_backfills
from flows.subscriptions import confirm_handshakes, ensure_subscriptions, inbox_url, reenable
from tests.flows.conftest import Town


@pytest.fixture
def open_town(town: Town, live_server: LiveServer, settings: Any) -> Town:
    """A town whose platforms reach our inbox over HTTP."""
    settings.PUBLIC_URL = live_server.url
    return town


def arrived(town: Town, side: Served) -> None:
    deadline = time.monotonic() + 20
    while town.ask(side, "settled")["pending"]:
        assert time.monotonic() < deadline, "deliveries do not end"
        time.sleep(0.02)


def hooks(town: Town) -> dict[str, dict[str, Any]]:
    """The shop's registrations by topic."""
    found = town.ask(town.shop, "webhooks")["webhooks"]
    assert len({hook["topic"] for hook in found}) == len(found)
    return {hook["topic"]: hook for hook in found}


def watch(town: Town) -> list[str]:
    town.orders.source.refresh_from_db()
    return ensure_subscriptions(town.orders.source)


def row(topic: str) -> Subscription:
    return Subscription.objects.get(topic=topic)


def switch_off(town: Town, topic: str, status: str = "disabled") -> None:
    town.ask(town.shop, "set_webhook", id=hooks(town)[topic]["id"], status=status)


def open_alerts() -> list[str]:
    return list(Alert.objects.filter(closed_at=None, cause__startswith="subscriptions:").values_list("message", flat=True))


# ---- the shop ----------------------------------------------------------------------------------------------


def test_the_wanted_topics_are_registered_once(open_town: Town) -> None:
    assert watch(open_town) == []
    made = hooks(open_town)
    assert {"order.created", "order.updated", "order.deleted"} <= set(made)
    assert {hook["delivery_url"] for hook in made.values()} == {inbox_url(open_town.orders.source)}
    assert {(each.status, each.remote_id) for each in Subscription.objects.all()} == {("active", str(hook["id"])) for hook in made.values()}
    assert len({str(each.secret) for each in Subscription.objects.all()}) == 1
    with open_town.untouched(open_town.shop):
        assert watch(open_town) == []
    open_town.order()
    arrived(open_town, open_town.shop)
    assert set(InboundEvent.objects.values_list("topic", flat=True)) == {"order.created", "order.updated"}


def test_one_that_the_shop_switched_off_is_told_and_left_off(open_town: Town) -> None:
    watch(open_town)
    switch_off(open_town, "order.updated")
    with open_town.untouched(open_town.shop):
        (sentence,) = watch(open_town)
    assert "order.updated" in sentence
    assert "Switch it on again" in sentence
    assert row("order.updated").status == "disabled"
    assert open_alerts() == [sentence]
    assert AuditRecord.objects.filter(action="check subscription", outcome="attention").count() == 1
    assert Backfill.objects.count() == 0
    watch(open_town)
    assert Alert.objects.filter(cause__startswith="subscriptions:").count() == 1


def test_a_person_switches_it_on_again_and_the_gap_is_read(open_town: Town) -> None:
    watch(open_town)
    last_heard = timezone.now() - timedelta(hours=2)
    Subscription.objects.filter(topic="order.updated").update(delivered_at=last_heard)
    open_town.ask(open_town.shop, "clock", now=(last_heard + timedelta(hours=1)).isoformat())
    switch_off(open_town, "order.updated")
    switch_off(open_town, "order.created")
    missed = open_town.order()
    open_town.ask(open_town.shop, "clock")
    assert InboundEvent.objects.count() == 0
    watch(open_town)
    for topic in ("order.created", "order.updated"):
        reenable(row(topic), "kim")
    assert {hooks(open_town)[topic]["status"] for topic in ("order.created", "order.updated")} == {"active"}
    gap = Backfill.objects.get(reason="gap of order.updated")
    assert (gap.since, gap.asked_by) == (last_heard - timedelta(minutes=10), "kim")
    assert AuditRecord.objects.filter(action="re-enable subscription", actor="kim").count() == 2
    assert walk_backfills() >= 1
    open_town.work()
    assert open_town.invoice(missed)["paid"] == "20.23"
    assert watch(open_town) == []
    assert open_alerts() == []


# Switches the one row on again that it is told, and is killed on the way.
PERSON = """
import sys, django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
settings.CRASH_DIR = sys.argv[2]
django.setup()
from flows import subscriptions
from flows.models import Subscription
getattr(subscriptions, sys.argv[3])(Subscription.objects.get(topic="order.updated"), "kim")
"""


def killed(place: str, how: str, directory: Path, url: str) -> None:
    """A real process and a real SIGKILL."""
    (directory / f"{place}.1").touch()
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PUBLIC_URL": url}
    command = [sys.executable, "-c", PERSON, str(database.settings_dict["NAME"]), str(directory), how]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=120, check=False)
    assert done.returncode == -9, done.stderr.decode()
    PeriodicLease.objects.update(held_until=timezone.now())  # its turn has run out


@pytest.mark.parametrize(("place", "how"), [("after_reenable", "reenable"), ("before_gap", "reenable"), ("before_gap", "recreate")])
def test_kill_9_between_switching_it_on_and_reading_the_gap(
    open_town: Town, place: str, how: str, tmp_path: Path, live_server: LiveServer
) -> None:
    watch(open_town)
    last_heard = timezone.now() - timedelta(hours=2)
    Subscription.objects.filter(topic="order.updated").update(delivered_at=last_heard)
    switch_off(open_town, "order.updated")
    watch(open_town)
    killed(place, how, tmp_path, live_server.url)
    assert (hooks(open_town)["order.updated"]["status"], Backfill.objects.count()) == ("active", 0)
    Subscription.objects.filter(topic="order.updated").update(delivered_at=timezone.now())  # it is heard of again
    for _ in range(2):
        assert watch(open_town) == []
    gap = Backfill.objects.get()
    assert (gap.since, gap.asked_by, gap.reason) == (last_heard - timedelta(minutes=10), "kim", "gap of order.updated")
    assert AuditRecord.objects.filter(action="re-enable subscription", actor="kim").count() == 1
    assert (row("order.updated").status, row("order.updated").gap_since) == ("active", None)


def test_a_wish_whose_call_was_never_made_waits_for_the_next_click(open_town: Town, tmp_path: Path, live_server: LiveServer) -> None:
    watch(open_town)
    last_heard = timezone.now() - timedelta(hours=2)
    Subscription.objects.filter(topic="order.updated").update(delivered_at=last_heard)
    switch_off(open_town, "order.updated")
    killed("before_reenable", "reenable", tmp_path, live_server.url)
    with open_town.untouched(open_town.shop):
        (sentence,) = watch(open_town)
    assert "was switched off by the platform" in sentence
    assert (hooks(open_town)["order.updated"]["status"], Backfill.objects.count()) == ("disabled", 0)
    reenable(row("order.updated"), "lee")
    gap = Backfill.objects.get()
    assert (gap.since, gap.asked_by) == (last_heard - timedelta(minutes=10), "lee")


def test_it_is_switched_on_by_itself_if_the_connection_says_so(open_town: Town) -> None:
    open_town.orders.source.reenable_subscriptions = True
    open_town.orders.source.save()
    watch(open_town)
    switch_off(open_town, "order.updated")
    before = hooks(open_town)["order.updated"]["id"]
    (sentence,) = watch(open_town)
    assert "was switched on again" in sentence
    hook = hooks(open_town)["order.updated"]
    assert (hook["id"], hook["status"], row("order.updated").status) == (before, "active", "active")
    assert Backfill.objects.count() == 1
    assert len(open_alerts()) == 1


def test_where_that_does_not_hold_a_new_one_is_made(open_town: Town) -> None:
    """WooCommerce keeps its count of failures, so one more switches the webhook off again: only a new one starts at nothing."""
    open_town.orders.source.reenable_subscriptions = True
    open_town.orders.source.save()
    watch(open_town)
    switch_off(open_town, "order.updated")
    watch(open_town)
    before = hooks(open_town)["order.updated"]["id"]
    switch_off(open_town, "order.updated")
    watch(open_town)
    hook = hooks(open_town)["order.updated"]
    assert hook["id"] != before
    assert (hook["status"], hook["failure_count"], row("order.updated").remote_id) == ("active", 0, str(hook["id"]))
    open_town.order()
    arrived(open_town, open_town.shop)
    assert InboundEvent.objects.filter(topic="order.updated").count() == 1


def test_one_that_a_person_paused_is_left_alone(open_town: Town) -> None:
    watch(open_town)
    switch_off(open_town, "order.updated", "paused")
    with open_town.untouched(open_town.shop):
        (sentence,) = watch(open_town)
    assert "paused" in sentence
    assert row("order.updated").status == "paused"
    assert open_alerts() == []
    assert Backfill.objects.count() == 0


def test_a_missing_one_is_made_again_and_its_gap_is_read(open_town: Town) -> None:
    watch(open_town)
    hook_id = hooks(open_town)["order.updated"]["id"]
    del open_town.shop.sandbox.state.hooks[hook_id]
    (sentence,) = watch(open_town)
    assert "registered anew" in sentence
    assert hooks(open_town)["order.updated"]["id"] != hook_id
    assert open_alerts() == [sentence]
    assert Backfill.objects.filter(reason="gap of order.updated").count() == 1
    assert watch(open_town) == []
    assert open_alerts() == []


def test_a_shop_that_does_not_answer_changes_nothing(open_town: Town) -> None:
    watch(open_town)
    before = list(Subscription.objects.order_by("id").values_list("status", "remote_id"))
    open_town.ask(open_town.shop, "faults", faults=[{"kind": "status", "path": "/webhooks", "status": 403, "body": "{}", "times": -1}])
    (sentence,) = watch(open_town)
    assert "could not be checked" in sentence
    assert list(Subscription.objects.order_by("id").values_list("status", "remote_id")) == before


# ---- the books: a handshake --------------------------------------------------------------------------------


def callbacks(town: Town) -> list[dict[str, Any]]:
    return list(town.ask(town.books, "webhooks")["webhooks"])


def delete_callback(town: Town, remote_id: str) -> None:
    webhooks = get_connector("freshbooks").webhooks
    assert webhooks is not None
    webhooks.subscriptions.delete(open_api(town.payments.source), remote_id)


def shake_hands(town: Town) -> Subscription:
    ensure_subscriptions(town.payments.source)
    arrived(town, town.books)
    confirm_handshakes()
    return row("payment")


def test_the_books_callback_is_verified_by_its_handshake(open_town: Town) -> None:
    made = shake_hands(open_town)
    (callback,) = callbacks(open_town)
    assert (made.status, made.remote_id, callback["verified"]) == ("active", str(callback["callbackid"]), True)
    assert str(made.secret) == callback["verifier"]
    assert not Subscription.objects.filter(topic__startswith="pending:").exists()
    order = open_town.order()
    open_town.book(order)
    arrived(open_town, open_town.books)
    assert InboundEvent.objects.filter(topic="payment.create").count() == 1


def test_a_handshake_that_overtakes_the_answer_is_kept(open_town: Town) -> None:
    """The answer to the registration comes half a second late; the handshake is here long before it."""
    slow = {"kind": "slow", "method": "POST", "path": "/events/callbacks", "seconds": 0.5}
    open_town.ask(open_town.books, "faults", faults=[slow])
    made = shake_hands(open_town)
    assert made.status == "active"
    assert Subscription.objects.filter(connection=open_town.payments.source).count() == 1


def test_a_secret_that_came_in_the_very_moment_of_the_answer_is_found(open_town: Town) -> None:
    made = shake_hands(open_town)
    secret = str(made.secret)
    pending = Subscription.objects.create(
        connection=made.connection, topic=f"pending:{made.remote_id}", remote_id=made.remote_id, status="unverified", secret=secret
    )
    made.secret, made.status = "", "unverified"
    made.save()
    confirm_handshakes()
    made.refresh_from_db()
    assert (str(made.secret), made.status) == (secret, "active")
    assert not Subscription.objects.filter(pk=pending.pk).exists()


def test_an_unverified_callback_is_asked_for_its_handshake_again(open_town: Town) -> None:
    made = shake_hands(open_town)
    before = str(made.secret)
    open_town.ask(open_town.books, "unverify", callbackid=made.remote_id)
    again = shake_hands(open_town)
    assert (again.remote_id, again.status) == (made.remote_id, "active")
    assert str(again.secret) != before
    assert callbacks(open_town)[0]["verified"] is True


def test_a_missing_callback_is_made_again(open_town: Town) -> None:
    made = shake_hands(open_town)
    delete_callback(open_town, made.remote_id)
    assert callbacks(open_town) == []
    again = shake_hands(open_town)
    assert (again.status, len(callbacks(open_town))) == ("active", 1)
    assert again.remote_id == str(callbacks(open_town)[0]["callbackid"])
    assert again.pk == made.pk
    assert Backfill.objects.filter(flow=open_town.payments).count() == 1
    assert len(open_alerts()) == 1


def test_the_gap_lasts_until_the_handshake_is_through(open_town: Town) -> None:
    made = shake_hands(open_town)
    delete_callback(open_town, made.remote_id)
    ensure_subscriptions(open_town.payments.source)
    arrived(open_town, open_town.books)
    assert (row("payment").status, Backfill.objects.count()) == ("unverified", 0)
    confirmed = timezone.now()
    confirm_handshakes()
    gap = Backfill.objects.get(flow=open_town.payments)
    assert (row("payment").status, gap.until >= confirmed, row("payment").gap_since) == ("active", True, None)
