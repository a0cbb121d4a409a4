"""WooCommerce deliveries: pings, signatures, signed garbage, and keys that tell events apart."""

import base64
import hashlib
import hmac
import json
from pathlib import Path

import pytest

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery
from connectors.kit.errors import BadSignature, Rejected
from connectors.platforms import woocommerce
from connectors.platforms.woocommerce import CONNECTOR

FIXTURES = Path(woocommerce.__file__).parent / "fixtures"
HOOKS = CONNECTOR.webhooks


def load(name):
    fixture = json.loads((FIXTURES / f"webhook__{name}.json").read_bytes())
    return Delivery(fixture["headers"], fixture["body"].encode()), fixture["secret"]


def delivery(body, topic="order.updated", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {"x-wc-webhook-topic": topic, "x-wc-webhook-id": "12", "x-wc-webhook-delivery-id": "d1"}
    return Delivery({**names, **{name.replace("_", "-"): value for name, value in headers.items()}}, raw)


def test_a_ping_is_greeted_and_does_not_pass_for_signed():
    ping, _ = load("ping")
    greeting = HOOKS.greet(ping)
    assert (greeting.kind, greeting.subscription_id, greeting.secret) == ("ping", "12", "")
    with pytest.raises(BadSignature):
        HOOKS.verify(ping, ["a-secret"])


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"webhook_id=12&x=1", {"content-type": "application/x-www-form-urlencoded"}),
        (b"webhook_id=abc", {"content-type": "application/x-www-form-urlencoded"}),
        (b"", {"content-type": "application/x-www-form-urlencoded"}),
        (b"webhook_id=12", {"content-type": "application/json"}),
        (b"webhook_id=12", {"content-type": "application/x-www-form-urlencoded", "x-wc-webhook-signature": "x"}),
        (b"webhook_id=" + b"1" * 200, {"content-type": "application/x-www-form-urlencoded"}),
    ],
)
def test_what_only_resembles_a_ping_is_not_greeted(body, headers):
    assert HOOKS.greet(Delivery(headers, body)) is None


def test_any_of_several_secrets_will_do():
    signed, secret = load("order_updated")
    HOOKS.verify(signed, ["new-secret", secret])
    for secrets in ([], [""], ["new-secret"], [secret.upper()]):
        with pytest.raises(BadSignature):
            HOOKS.verify(signed, secrets)


def test_an_empty_secret_never_signs():
    body = b'{"id":1}'
    forged = base64.b64encode(hmac.new(b"", body, hashlib.sha256).digest()).decode()
    with pytest.raises(BadSignature):
        HOOKS.verify(Delivery({"x-wc-webhook-signature": forged}, body), [""])


def test_an_updated_order():
    signed, _ = load("order_updated")
    event = HOOKS.parse(signed)
    assert (event.topic, event.problem) == ("order.updated", "")
    assert event.notices == (Notice(ObjectType.ORDER, "5101", "order.updated", False, "2026-03-04T09:16:05"),)


def test_a_deleted_order_is_a_hint_with_an_id():
    signed, _ = load("order_deleted")
    assert HOOKS.parse(signed).notices == (Notice(ObjectType.ORDER, "5109", "order.deleted", deleted=True),)


def test_a_changed_product_points_to_its_variations_too():
    signed, _ = load("product_updated")
    assert [(n.source_id, n.version) for n in HOOKS.parse(signed).notices] == [
        ("305", "2026-02-20T12:30:00"),
        ("307", ""),
        ("308", ""),
    ]


def test_a_customer():
    event = HOOKS.parse(delivery({"id": 88, "date_modified_gmt": "2026-03-04T09:16:05"}, "customer.updated"))
    assert event.notices == (Notice(ObjectType.CUSTOMER, "88", "customer.updated", False, "2026-03-04T09:16:05"),)


def test_an_owner_who_is_gone_is_a_problem_and_no_notice():
    signed, secret = load("owner_gone")
    HOOKS.verify(signed, [secret])
    event = HOOKS.parse(signed)
    assert event.notices == ()
    assert "the user who owns the webhook is gone" in event.problem


@pytest.mark.parametrize(
    ("body", "topic", "words"),
    [
        ({"code": "rest_no_route", "message": "No route.", "data": {"status": 404}}, "order.created", "rest_no_route"),
        (b"<html>", "order.updated", "cannot be read"),
        (b"[]", "order.updated", "cannot be read: delivery: expected object, got list"),
        ({"id": 0}, "order.deleted", "delivery.id: expected identifier"),
        ({"id": 3, "status": None}, "order.updated", "delivery.status: expected text, got null"),
        ({"id": 3}, "coupon.created", "coupon.created, which is not subscribed to"),
        ({"id": 3}, "", "an event without a topic"),
    ],
)
def test_signed_but_useless(body, topic, words):
    event = HOOKS.parse(delivery(body, topic))
    assert event.notices == ()
    assert words in event.problem


def test_the_key_tells_events_apart_within_one_delivery_id():
    one = {"id": 1, "status": "processing", "date_modified_gmt": "2026-03-04T09:16:05"}
    keys = {
        HOOKS.parse(event).dedupe_key
        for event in (
            delivery(one),
            delivery({**one, "id": 2}),
            delivery(one, "order.created"),
            delivery(one, x_wc_webhook_id="13"),
        )
    }
    assert len(keys) == 4
    repeat = delivery(one, x_wc_webhook_delivery_id="another")
    assert HOOKS.parse(repeat).dedupe_key == HOOKS.parse(delivery(one)).dedupe_key


def test_an_order_trashed_twice_is_two_events():
    first, again = (delivery({"id": 1}, "order.deleted", x_wc_webhook_delivery_id=name) for name in ("d1", "d2"))
    assert HOOKS.parse(first).dedupe_key != HOOKS.parse(again).dedupe_key
    assert HOOKS.parse(first).dedupe_key == HOOKS.parse(delivery({"id": 1}, "order.deleted")).dedupe_key


def test_keys_stay_short_whatever_the_headers_say():
    long = delivery({"id": 1}, "order." + "x" * 500, x_wc_webhook_id="9" * 500, x_wc_webhook_delivery_id="d" * 500)
    assert len(HOOKS.parse(long).dedupe_key) <= 200


def test_the_handover_asks_the_shop_and_reads_its_answer():
    url = CONNECTOR.handover.start("https://shop.example/eu/", "Till bridge", "st/1", "https://t/r?x=1", "https://t/c")
    assert url == (
        "https://shop.example/eu/wc-auth/v1/authorize?app_name=Till+bridge&scope=read_write&user_id=st%2F1"
        "&return_url=https%3A%2F%2Ft%2Fr%3Fx%3D1&callback_url=https%3A%2F%2Ft%2Fc"
    )
    body = {"key_id": 4, "user_id": "st/1", "consumer_key": "ck_a", "consumer_secret": "cs_b", "key_permissions": "read_write"}
    assert CONNECTOR.handover.read(json.dumps(body).encode()) == ("st/1", {"consumer_key": "ck_a", "consumer_secret": "cs_b"})
    for change in ({"user_id": ""}, {"consumer_key": "x"}, {"consumer_secret": None}, {"key_permissions": "read"}):
        with pytest.raises(Rejected):
            CONNECTOR.handover.read(json.dumps({**body, **change}).encode())
