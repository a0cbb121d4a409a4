"""What a Magento shop may send, over HTTP: Adobe's signed events and their challenge, signed extensions, and secrets in headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.test import Client
from django.utils import timezone

from audit.models import Alert
from connectors.kit.sandbox import Answer, Sandbox, Served, serve
from connectors.platforms.magento import webhooks
from connectors.registry import get_connector
from credentials.models import Organization
from credentials.vault import read_secrets, set_secrets
from flows.inbox import published
from flows.inbox.expand import expand_events
from flows.models import Flow, InboundEvent, SyncJob
from tests.flows.conftest import connect
from tests.flows.inbox_caller import Door, Parcel, post

SECRET, CLIENT = "c8e5f0d1b7a94e26", "3f6a1d0e5c7b4a2f"
KEY_PATH = "/prod/keys/pub-key-a1B2c3.pem"


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


ADOBE_KEY, STRANGER = new_key(), new_key()


@pytest.fixture
def shop() -> Iterator[Served]:
    spec = get_connector("magento").sandbox
    assert spec is not None
    served = serve(spec.build, {"seed": 7})
    yield served
    served.stop()


@pytest.fixture
def door(transactional_db: None, shop: Served, bell: Mock) -> Door:
    """A connection that knows a webhook secret and a client of Adobe's, with a flow of its orders."""
    organization = Organization.objects.create(name="Acme", slug="acme", contacts="books@acme.test")
    source = connect(shop, "magento", organization)
    set_secrets(source, {**read_secrets(source), "webhook_secret": SECRET, "events_client_id": CLIENT})
    books = connect(shop, "freshbooks", organization)
    Flow.objects.create(organization=organization, label="orders", source=source, destination=books, recipe="order_to_invoice")
    return Door(source, SECRET)


@pytest.fixture
def adobe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The host on which Adobe publishes its keys; how often it was asked is counted there."""
    pem = ADOBE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def build(_url: str, _options: Any) -> Sandbox:
        sandbox = Sandbox(None)
        sandbox.route("GET", KEY_PATH.replace(".", r"\."), lambda _call: Answer(200, pem))
        return sandbox

    served = serve(build)
    monkeypatch.setattr(webhooks, "ADOBE", served.url)
    monkeypatch.setattr(published, "_keys", {})
    yield served
    served.stop()


def hashed(body: bytes, secret: str = SECRET) -> hmac.HMAC:
    return hmac.new(secret.encode(), body, hashlib.sha256)


def order_event(number: int = 41) -> bytes:
    return json.dumps({"event": "orders/updated", "data": {"entity_id": number}}).encode()


def adobe_event(recipient: str = CLIENT, id: str = "e-1", **value: Any) -> bytes:
    """As Adobe sends it: the object is under data.value, with the fields that were subscribed."""
    return json.dumps(
        {
            "specversion": "1.0",
            "type": "com.adobe.commerce.observer.sales_order_save_commit_after",
            "source": "urn:uuid:6b0c",
            "id": id,
            "time": "2026-03-02T09:15:00Z",
            "recipientclientid": recipient,
            "data": {"value": value or {"entity_id": "41", "increment_id": "000000041"}},
        }
    ).encode()


def signed(body: bytes, key: rsa.RSAPrivateKey = ADOBE_KEY, path: str = KEY_PATH, place: int = 1) -> Parcel:
    signature = base64.b64encode(key.sign(body, padding.PKCS1v15(), SHA256())).decode()
    other = 3 - place
    return Parcel(
        body,
        {
            "Content-Type": "application/cloudevents+json",
            f"x-adobe-digital-signature-{place}": signature,
            f"x-adobe-public-key{place}-path": path,
            f"x-adobe-digital-signature-{other}": base64.b64encode(b"expired").decode(),
            f"x-adobe-public-key{other}-path": "/prod/keys/gone.pem",
        },
    )


def stored() -> list[tuple[str, str]]:
    return list(InboundEvent.objects.order_by("id").values_list("object_type", "source_id"))


# ---- Adobe I/O Events --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [1, 2])
def test_an_event_with_one_good_signature_of_two_leads_to_a_job_of_its_order(door: Door, adobe: Served, bell: Mock, place: int) -> None:
    assert post(door.path, signed(adobe_event(), place=place)).status_code == 200
    assert stored() == [("order", "41")]
    assert bell.call_count == 1
    expand_events(timezone.now())
    assert list(SyncJob.objects.values_list("source_id", flat=True)) == ["41"]


def test_the_key_is_fetched_once_and_a_repeat_is_one_event(door: Door, adobe: Served) -> None:
    for _ in range(3):
        assert post(door.path, signed(adobe_event())).status_code == 200
    assert post(door.path, signed(adobe_event(id="e-2"))).status_code == 200
    assert stored() == [("order", "41")] * 2
    assert [n for name, n in adobe.sandbox.counters.items() if name.endswith(" 200")] == [1]


@pytest.mark.parametrize(
    "parcel",
    [
        signed(adobe_event(), STRANGER),
        signed(adobe_event("somebody-else")),
        signed(adobe_event("")),
        Parcel(adobe_event(id="e-9"), signed(adobe_event()).headers),
        signed(b"not json"),
    ],
    ids=["another key", "another recipient", "no recipient", "another body", "no event"],
)
def test_what_adobe_did_not_sign_for_us_is_refused_and_leaves_nothing(door: Door, adobe: Served, bell: Mock, parcel: Parcel) -> None:
    assert post(door.path, parcel).status_code == 401
    assert stored() == []
    assert not bell.called


def test_while_no_key_can_be_had_adobe_is_asked_to_come_again(door: Door, adobe: Served, bell: Mock) -> None:
    adobe.stop()
    assert [post(door.path, signed(adobe_event())).status_code for _ in range(2)] == [503, 503]
    assert stored() == []
    assert not bell.called


@pytest.mark.parametrize(
    "path", ["@evil.example/k.pem", "/../../k.pem", "//evil.example/k.pem", "/prod/keys/k.pem?x=1", "http://evil/k.pem"]
)
def test_keys_are_fetched_from_adobe_only(door: Door, adobe: Served, path: str) -> None:
    parcel = signed(adobe_event(), STRANGER, path)
    parcel = parcel.but(x_adobe_public_key2_path=None)
    assert post(door.path, parcel).status_code == 401
    assert adobe.sandbox.counters["calls"] == 0


def test_a_connection_that_expects_nothing_of_adobe_fetches_nothing(door: Door, adobe: Served) -> None:
    set_secrets(door.connection, {**read_secrets(door.connection), "events_client_id": ""})
    assert post(door.path, signed(adobe_event())).status_code == 401
    assert adobe.sandbox.counters["calls"] == 0


def test_the_challenge_is_echoed_as_plain_text_and_markup_is_not(door: Door) -> None:
    client = Client()
    answer = client.get(door.path, {"challenge": "8ec8d794-e0ab-42df-9017-e3dada8e84f7"})
    assert (answer.status_code, answer.content) == (200, b"8ec8d794-e0ab-42df-9017-e3dada8e84f7")
    assert answer["Content-Type"] == "text/plain"
    for query in ({}, {"challenge": ""}, {"challenge": "<script>"}, {"challenge": "x" * 300}, {"other": "y"}):
        assert client.get(door.path, query).status_code == 405
    assert client.get("/in/magento/nobody/", {"challenge": "abc"}).status_code in (404, 405)
    assert stored() == []


# ---- extensions --------------------------------------------------------------------------------------------


def test_extensions_may_sign_or_show_the_secret(door: Door) -> None:
    body = order_event()
    basic = base64.b64encode(f"tillbridge:{SECRET}".encode()).decode()
    ways = (
        {"X-MAGENTO-HMAC-SHA256": base64.b64encode(hashed(body).digest()).decode()},
        {"Merchant-Signature": hashed(body).hexdigest()},
        {"X-Hub-Signature-256": f"sha256={hashed(body).hexdigest().upper()}"},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": f"Basic {basic}"},
        {"X-Tillbridge-Key": SECRET},
    )
    for way in ways:
        assert post(door.path, Parcel(body, {"Content-Type": "application/json", **way})).status_code == 200, way
    assert stored() == [("order", "41")] * len(ways), "without a number of its own each delivery counts"
    expand_events(timezone.now())
    assert SyncJob.objects.count() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic !!"},
        {"X-Tillbridge-Key": CLIENT},
        {"X-Tillbridge-Key": f"adobe-client:{CLIENT}"},
        {"Merchant-Signature": hashed(b"another body").hexdigest()},
        {"Merchant-Signature": hashed(order_event(), f"adobe-client:{CLIENT}").hexdigest()},
        {"X-MAGENTO-HMAC-SHA256": "bm8=", "X-Tillbridge-Key": SECRET},
    ],
)
def test_everything_else_is_refused_and_leaves_nothing(door: Door, bell: Mock, headers: dict[str, str]) -> None:
    assert post(door.path, Parcel(order_event(), {"Content-Type": "application/json", **headers})).status_code == 401
    assert stored() == []
    assert not bell.called


def test_a_shop_without_a_secret_takes_no_delivery(door: Door, bell: Mock) -> None:
    set_secrets(door.connection, {**read_secrets(door.connection), "webhook_secret": "", "events_client_id": ""})
    for headers in ({"X-Tillbridge-Key": ""}, {"Authorization": "Bearer "}, {"Merchant-Signature": hashed(order_event(), "").hexdigest()}):
        assert post(door.path, Parcel(order_event(), headers)).status_code == 401
    assert stored() == []


def test_a_body_without_a_number_is_told_to_a_person(door: Door) -> None:
    body = json.dumps({"event": "new_order", "data": {"increment_id": "000000041"}}).encode()
    assert post(door.path, Parcel(body, {"X-Tillbridge-Key": SECRET})).status_code == 200
    (event,) = InboundEvent.objects.all()
    assert (event.state, event.source_id) == ("ignored", "")
    assert "order_id" in Alert.objects.get().message


def test_what_the_shop_s_extension_sends_is_accepted_as_it_comes(door: Door, shop: Served) -> None:
    """The sandbox's own deliveries, taken off the wire and posted on."""
    taken: list[Parcel] = []

    def build(_url: str, _options: Any) -> Sandbox:
        sandbox = Sandbox(None)
        sandbox.route("POST", "/in/", lambda call: taken.append(Parcel(call.body, call.headers)) or Answer(200))
        return sandbox

    inbox = serve(build)
    shop.sandbox.command("install_webhook", {"url": f"{inbox.url}/in/", "secret": SECRET})
    order = shop.sandbox.command("place_order", {"rows": [["CORD-3M", 1]], "paid": True})
    until = time.monotonic() + 10
    while len(taken) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    inbox.stop()
    for parcel in taken:
        assert (
            post(
                door.path, Parcel(parcel.body, {n: v for n, v in parcel.headers.items() if n.startswith(("x-", "content-type"))})
            ).status_code
            == 200
        )
    assert stored() == [("order", order["id"])] * 2
    assert timezone.now() >= InboundEvent.objects.latest("pk").received_at
