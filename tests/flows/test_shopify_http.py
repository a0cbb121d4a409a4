"""Shopify's deliveries over real HTTP: orders, repeats, strangers, the three privacy topics, and the end of a connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.core.management import call_command
from django.utils import timezone

from audit.models import Alert
from audit.services import seal
from connectors.platforms.shopify.sandbox.hooks import headers_for
from credentials.models import Connection
from flows.inbox.expand import expand_events
from flows.models import InboundEvent, PrivacyCase, SyncJob
from flows.privacy.cases import carry_out_waiting
from flows.subscriptions import ensure_subscriptions
from tests.flows.conftest import Town
from tests.flows.teas import MakeTown, amounts, place, settle
from tests.flows.test_privacy import all_we_keep

IRIS = {"email": "iris@vahl.example", "first_name": "Iris", "last_name": "Vahl"}
ADDRESS = {"firstName": "Iris", "lastName": "Vahl", "name": "Iris Vahl", "company": None, "address1": "9 Mill Lane", "address2": None,
           "city": "Hamilton", "province": "Ontario", "provinceCode": "ON", "country": "Canada", "countryCodeV2": "CA", "zip": "L8P 1A1",
           "phone": "+1 555 0142", "id": "gid://shopify/MailingAddress/1"}  # fmt: skip


@pytest.fixture
def town(tea_town: MakeTown, live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A shop whose webhooks reach our server."""
    settings.PUBLIC_URL = live_server.url
    monkeypatch.setattr("flows.inbox.receive._senders", {})
    found = tea_town()
    assert ensure_subscriptions(found.orders.source) == []
    yield found
    settle(found)


def told(town: Town) -> None:
    """What was delivered becomes jobs, and they run."""
    settle(town)
    expand_events(timezone.now())
    town.work()


def comply(town: Town, live_server: Any, topic: str, event: str = "", **body: Any) -> int:
    """One of the privacy topics to the address of all shops; its status."""
    text = json.dumps({"shop_id": 1, "shop_domain": "tillbridge-teas.myshopify.com", **body})
    return int(town.ask(town.shop, "compliance", topic=topic, url=f"{live_server.url}/in/shopify/", body=text, event=event)["status"])


def test_a_day_at_the_shop_arrives_by_its_webhooks_alone(town: Town) -> None:
    order = place(town, shipping="8.50")
    told(town)
    assert amounts(town, order) == ("30.85", "30.85")
    town.ask(town.shop, "refund", id=order["id"], units={"0": 1}, shipping=True)
    told(town)
    assert amounts(town, order) == ("10.62", "10.62")
    town.ask(town.shop, "cancel", id=order["id"])
    told(town)
    assert town.invoice(order)["vis_state"] == 1
    assert set(InboundEvent.objects.values_list("state", flat=True)) <= {"expanded", "ignored", "done"}
    jobs = SyncJob.objects.filter(flow=town.orders, source_id=order["id"])
    assert {job.trigger for job in jobs} == {"webhook"}


def test_a_repeat_is_stored_once_and_a_stranger_not_at_all(town: Town) -> None:
    place(town)
    settle(town)
    before = InboundEvent.objects.count()
    url, shop = f"{town.orders.source.inbox_token}/", town.shop.sandbox.state
    (address,) = {hook.uri for hook in shop.hooks.values()}
    assert address.endswith(url)
    raw = json.dumps({"id": 7, "updated_at": "2026-09-14T11:20:00-04:00"}).encode()
    headers = headers_for(shop, "ORDERS_UPDATED", raw, "e-7", "w-7")

    def send(body: bytes = raw, **more: str) -> int:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return requests.post(address, data=body, headers={**headers, **named}, timeout=10).status_code

    assert [send(), send(), send(X_Shopify_Webhook_Id="w-8")] == [200, 200, 200]  # a retry, and another registration of the same event
    assert InboundEvent.objects.count() == before + 1
    assert send(raw + b" ") == 401
    assert send(X_Shopify_Shop_Domain="other-teas.myshopify.com") == 401
    assert send(X_Shopify_Hmac_Sha256="") == 401
    assert InboundEvent.objects.count() == before + 1


def test_a_person_is_redacted_and_the_audit_stays_green(town: Town, live_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    customer = town.ask(town.shop, "add_customer", **IRIS, address=ADDRESS)
    order, other = place(town, email=IRIS["email"], address=ADDRESS), place(town, email="tom@ruiz.example")
    told(town)
    seal()
    before = all_we_keep()
    assert all(name in before for name in (IRIS["email"], "9 mill lane", "tom@ruiz.example"))
    who = {"id": customer["id"], "email": IRIS["email"], "phone": "+1 555 0142"}
    assert comply(town, live_server, "CUSTOMERS_REDACT", customer=who, orders_to_redact=[int(order["id"])]) == 200
    assert carry_out_waiting() == 1
    after = all_we_keep()
    assert [name for name in (IRIS["email"], "iris", "vahl", "9 mill lane", "555 0142") if name in after] == []
    assert "tom@ruiz.example" in after
    seal()
    call_command("verify_audit")
    assert "All 2 seals hold" in capsys.readouterr().out
    assert (amounts(town, order), amounts(town, other)) == (("21.24", "21.24"), ("21.24", "21.24"))  # the books stay


def test_a_data_request_produces_the_export(town: Town, live_server: Any) -> None:
    order = place(town, email=IRIS["email"], address=ADDRESS)
    told(town)
    who = {"id": 191167, "email": IRIS["email"], "phone": None}
    asked = {"customer": who, "orders_requested": [int(order["id"])], "data_request": {"id": 9999}}
    assert [comply(town, live_server, "CUSTOMERS_DATA_REQUEST", event="e-1", **asked) for _ in range(2)] == [200, 200]
    assert carry_out_waiting() == 1
    case = PrivacyCase.objects.get()
    document = json.loads(str(case.export))
    assert (case.state, case.reference) == ("done", "9999")
    assert {json.loads(event["body"]).get("id") for event in document["events"]} >= {int(order["id"])}
    assert [row["source_id"] for row in document["records"]] == [order["id"]]
    assert IRIS["email"] in all_we_keep()


def test_after_an_uninstall_the_shop_is_redacted(town: Town, live_server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    order = place(town, email=IRIS["email"], address=ADDRESS)
    told(town)
    assert comply(town, live_server, "SHOP_REDACT") == 200
    carry_out_waiting()
    assert (PrivacyCase.objects.get().state, IRIS["email"] in all_we_keep()) == ("held", True)  # in use: a person decides
    town.ask(town.shop, "clock", now=(timezone.now() + timedelta(minutes=1)).isoformat())
    town.ask(town.shop, "uninstall")
    settle(town)
    source = Connection.objects.get(pk=town.orders.source_id)
    assert source.status != Connection.Status.ACTIVE
    assert Alert.objects.filter(message__contains="removed at Shopify", closed_at=None).exists()
    assert comply(town, live_server, "SHOP_REDACT") == 200
    carry_out_waiting()
    assert (PrivacyCase.objects.latest("pk").state, IRIS["email"] in all_we_keep()) == ("done", False)
    seal()
    call_command("verify_audit")
    assert "All 2 seals hold" in capsys.readouterr().out
    assert amounts(town, order) == ("21.24", "21.24")


@pytest.mark.parametrize("topic", ["CUSTOMERS_DATA_REQUEST", "CUSTOMERS_REDACT", "SHOP_REDACT"])
def test_a_privacy_topic_without_our_signature_gets_401_and_does_nothing(town: Town, live_server: Any, topic: str) -> None:
    secret = town.shop.sandbox.state.client
    town.shop.sandbox.state.client = (secret[0], "another-app")
    body = {"customer": {"id": 1, "email": IRIS["email"]}}
    assert comply(town, live_server, topic, **body) == 401
    town.shop.sandbox.state.client = secret
    assert not PrivacyCase.objects.exists()
    assert not InboundEvent.objects.exists()
