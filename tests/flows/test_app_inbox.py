"""Deliveries signed with an app's secret, to a connection's own address or to the one of all; and events that end a connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.utils import timezone

from audit.models import Alert, AuditRecord
from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Connector, Delivery, Event, RemoteSubscription, Whose
from connectors.kit.errors import Rejected
from connectors.registry import all_connectors
from credentials.models import Connection, Secret
from credentials.services import mark_active
from credentials.vault import set_secrets
from flows.inbox import receive, views
from flows.jobs.claim import claim
from flows.jobs.queue import enqueue
from flows.models import Flow, InboundEvent, Subscription, SyncJob
from flows.subscriptions import ensure_subscriptions
from tests.flows.conftest import wanted
from tests.flows.inbox_caller import Parcel, from_shop, post

APP = "/in/woocommerce/"
SECRET = "the-app-s-client-secret"


def read_whose(delivery: Delivery) -> Whose:
    try:
        return Whose(ids={"shop": json.loads(delivery.body).get("shop", "")})
    except ValueError as error:
        raise Rejected("no JSON") from error


def parse(delivery: Delivery) -> Event:
    body = json.loads(delivery.body)
    if "gone" in body:
        at = timezone.now() - timedelta(seconds=body["gone"])
        return Event(f"gone:{body['gone']}", "app.removed", (), ends="The app was removed in the shop.", at=at)
    return Event(f"order:{body['id']}", "order.updated", (Notice(ObjectType.ORDER, str(body["id"])),))


def app_secrets(secrets: Mapping[str, str]) -> Sequence[str]:
    return (secrets.get("client_secret", ""),)


def with_app(connector: Connector) -> Connector:
    assert connector.webhooks is not None
    return replace(connector, webhooks=replace(connector.webhooks, whose=read_whose, secrets=app_secrets, parse=parse))


@pytest.fixture
def shops(flow: Flow, bell: Mock, monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """Two shops of one app, and one of another app that claims to be the first."""
    known = {**all_connectors(), "woocommerce": with_app(all_connectors()["woocommerce"])}
    monkeypatch.setattr(receive, "all_connectors", lambda: known)
    made = [flow.source]
    for label in ("second", "impostor"):
        made.append(Connection.objects.create(organization=flow.organization, platform="woocommerce", label=label, status="active"))
    for shop, name in zip(made, ("mugs", "cups", "mugs"), strict=True):
        Connection.objects.filter(pk=shop.pk).update(ids={"shop": name})
        set_secrets(shop, {"client_secret": SECRET if shop != made[2] else "the-impostor-s"})
    return made


def own(shop: Connection) -> str:
    return f"/in/woocommerce/{shop.inbox_token}/"


def parcel(secret: str = SECRET, **body: Any) -> Parcel:
    return from_shop(secret, body)


def events() -> list[tuple[str, str]]:
    return list(InboundEvent.objects.order_by("id").values_list("connection__label", "dedupe_key"))


def test_one_address_finds_the_shop_that_is_named_and_whose_secret_signed(shops: list[Connection], bell: Mock) -> None:
    assert post(APP, parcel(id=7, shop="cups")).status_code == 200
    assert events() == [("second", "order:7")]
    assert post(APP.rstrip("/"), parcel(id=8, shop="mugs")).status_code == 200
    assert events()[1:] == [(shops[0].label, "order:8")]
    assert bell.call_count == 2
    assert post(APP, parcel(id=7, shop="cups")).status_code == 200
    assert len(events()) == 2


@pytest.mark.parametrize(
    "body", [{"id": 7, "shop": "plates"}, {"id": 7}, {"id": 7, "shop": ""}, {"id": 7, "shop": "mugs", "signed": "wrong"}]
)
def test_what_names_nobody_or_is_not_signed_is_refused_with_401(shops: list[Connection], bell: Mock, body: dict[str, Any]) -> None:
    secret = body.pop("signed", SECRET)
    assert post(APP, parcel(secret, **body)).status_code == 401
    assert (events(), bell.call_count) == ([], 0)


def test_nonsense_and_other_platforms(shops: list[Connection]) -> None:
    assert post(APP, from_shop(SECRET, b"{")).status_code == 401
    assert post(APP, Parcel(b"", {"Content-Type": "application/json"})).status_code == 401
    assert post("/in/freshbooks/", parcel(id=7, shop="mugs")).status_code == 404
    assert post("/in/nobody/", parcel(id=7, shop="mugs")).status_code == 404
    assert events() == []


def test_the_impostor_s_secret_reaches_only_the_impostor(shops: list[Connection]) -> None:
    assert post(APP, parcel("the-impostor-s", id=7, shop="mugs")).status_code == 200
    assert events() == [("impostor", "order:7")]


def test_at_a_connection_s_own_address_another_shop_is_refused(shops: list[Connection], bell: Mock) -> None:
    assert post(own(shops[0]), parcel(id=7, shop="cups")).status_code == 401
    assert (events(), bell.call_count) == ([], 0)
    assert post(own(shops[0]), parcel(id=7, shop="mugs")).status_code == 200
    assert post(own(shops[0]), parcel(id=8)).status_code == 200  # it names nobody, and the address does
    assert [key for _, key in events()] == ["order:7", "order:8"]


def test_a_replaced_app_secret_signs_for_a_day(shops: list[Connection]) -> None:
    set_secrets(shops[0], {"client_secret": "the-new-one"})
    assert post(own(shops[0]), parcel(id=7, shop="mugs")).status_code == 200
    assert post(own(shops[0]), parcel("the-new-one", id=8, shop="mugs")).status_code == 200
    Secret.objects.filter(name="previous_client_secret").update(updated_at=timezone.now() - timedelta(hours=25))
    receive._senders.clear()
    assert post(own(shops[0]), parcel(id=9, shop="mugs")).status_code == 401
    assert len(events()) == 2


def test_a_delivery_carries_the_time_of_its_arrival(shops: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Delivery] = []
    monkeypatch.setattr(views, "receive", lambda _p, _t, delivery: seen.append(delivery) or receive.Receipt(200))
    with time_machine.travel("2026-11-02T10:00:00Z", tick=False):
        post(own(shops[0]), parcel(id=7))
        assert [delivery.received_at for delivery in seen] == [timezone.now()]


# ---- the end of a connection -------------------------------------------------------------------------------


def test_an_end_keeps_the_jobs_until_the_connection_is_back(flow: Flow, shops: list[Connection], bell: Mock) -> None:
    shop = shops[0]
    enqueue([wanted(flow, "7")], timezone.now())
    assert post(APP, parcel(gone=0, shop="mugs")).status_code == 200
    shop.refresh_from_db()
    assert (shop.status, shop.status_reason) == ("ended", "The app was removed in the shop.")
    alert = Alert.objects.get()
    assert (alert.connection_id, alert.severity) == (shop.pk, "error")
    assert f'"{shop.label}" was disconnected: The app was removed in the shop.' in alert.message
    assert [r.action for r in AuditRecord.objects.all()] == ["connection_ended"]
    event = InboundEvent.objects.get()
    assert (event.state, event.note, bytes(event.body) != b"") == ("ignored", "The app was removed in the shop.", True)
    assert claim(timezone.now()) is None
    assert SyncJob.objects.get().state == "waiting"
    post(APP, parcel(gone=0, shop="mugs"))  # again
    assert (Alert.objects.get().count, AuditRecord.objects.count()) == (1, 1)
    assert post(own(shop), parcel(id=8, shop="mugs")).status_code == 200  # what still comes is kept
    assert mark_active(shop)
    assert Alert.objects.get().closed_at is not None
    lease = claim(timezone.now())
    assert lease is not None
    assert SyncJob.objects.get(pk=lease.job_id).source_id == "7"


def test_the_end_of_an_authorisation_that_was_replaced_ends_nothing(shops: list[Connection]) -> None:
    set_secrets(shops[0], {"access_token": "given-just-now"})
    assert post(APP, parcel(gone=60, shop="mugs")).status_code == 200
    shops[0].refresh_from_db()
    assert (shops[0].status, Alert.objects.count(), InboundEvent.objects.count()) == ("active", 0, 1)


def test_a_paused_connection_stays_paused_and_someone_is_told(shops: list[Connection]) -> None:
    Connection.objects.filter(pk=shops[0].pk).update(status="paused")
    assert post(APP, parcel(gone=0, shop="mugs")).status_code == 200
    shops[0].refresh_from_db()
    assert (shops[0].status, Alert.objects.count()) == ("paused", 1)


# ---- registrations -----------------------------------------------------------------------------------------


def test_secrets_that_the_platform_chooses_are_kept_and_lost_ones_made_anew(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str]] = []
    there: dict[str, RemoteSubscription] = {}

    def create(_api: Any, topic: str, url: str, secret: str) -> RemoteSubscription:
        made.append((topic, secret))
        there[topic] = RemoteSubscription(f"r{len(made)}", topic, url, "active", secret=f"chosen-there-{len(made)}")
        return there[topic]

    hooks = all_connectors()["woocommerce"].webhooks
    assert hooks is not None
    registry = replace(
        hooks.subscriptions,
        create=create,
        list=lambda _api: tuple(there.values()),
        delete=lambda _api, id: there.pop("order.created", None),
    )
    ours = replace(
        hooks, own_secret=False, subscriptions=registry, topics={ObjectType.ORDER: ("order.created",)}, extra_topics=("app.removed",)
    )
    connector = replace(all_connectors()["woocommerce"], webhooks=ours)
    monkeypatch.setattr("flows.subscriptions.get_connector", lambda _platform: connector)
    monkeypatch.setattr("flows.subscriptions.open_api", lambda _connection: None)
    assert ensure_subscriptions(flow.source) == []
    assert made == [("app.removed", ""), ("order.created", "")]
    assert dict(Subscription.objects.values_list("topic", "secret")) == {"app.removed": "chosen-there-1", "order.created": "chosen-there-2"}
    assert ensure_subscriptions(flow.source) == []
    assert len(made) == 2
    Subscription.objects.filter(topic="order.created").update(secret="")
    ensure_subscriptions(flow.source)
    assert made[2:] == [("order.created", "")]
    monkeypatch.setattr(
        "flows.subscriptions.get_connector", lambda _platform: replace(connector, webhooks=replace(ours, secrets=app_secrets))
    )
    Subscription.objects.update(secret="")
    ensure_subscriptions(flow.source)
    assert len(made) == 3  # the app's own secret signs: there is none to lose
