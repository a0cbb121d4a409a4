"""Two who look after the same webhooks at the same moment, two people or a person and the beat: what one did the other finds done."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection as database
from pytest_django.live_server_helper import LiveServer

from flows.models import Backfill, Subscription
from flows.subscriptions import ensure_subscriptions, reenable
from tests.flows.conftest import Town


@pytest.fixture
def open_town(town: Town, live_server: LiveServer, settings: Any) -> Town:
    """A town whose platforms reach our inbox over HTTP."""
    settings.PUBLIC_URL = live_server.url
    return town


def test_two_who_set_up_at_once_register_everything_once(open_town: Town) -> None:
    open_town.ask(open_town.shop, "latency", seconds=0.1)
    found: list[list[str]] = []

    def set_up() -> None:
        try:
            found.append(ensure_subscriptions(open_town.orders.source))
        finally:
            database.close()

    threads = [threading.Thread(target=set_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [[], []]
    topics = [hook["topic"] for hook in open_town.ask(open_town.shop, "webhooks")["webhooks"]]
    assert sorted(topics) == ["order.created", "order.deleted", "order.restored", "order.updated"]
    assert not Backfill.objects.exists()


def test_two_who_switch_it_on_again_at_once_do_it_once(open_town: Town) -> None:
    ensure_subscriptions(open_town.orders.source)
    registered = next(one for one in open_town.ask(open_town.shop, "webhooks")["webhooks"] if one["topic"] == "order.updated")
    open_town.ask(open_town.shop, "set_webhook", id=registered["id"], status="disabled")
    ensure_subscriptions(open_town.orders.source)
    first, second = (Subscription.objects.get(topic="order.updated") for _ in range(2))
    reenable(first, "kim")
    reenable(second, "lee")
    assert Subscription.objects.get(topic="order.updated").remote_id == str(registered["id"])
    assert Backfill.objects.get().asked_by == "kim"
