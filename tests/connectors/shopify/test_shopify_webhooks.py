"""Deliveries: who signed them, which shop they are about, what they ask us to look at, what they end, what they ask for a person."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any

import pytest
from tea_shop import FIXTURES, open_shop

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Delivery, Whose
from connectors.kit.errors import BadSignature, Conflict
from connectors.platforms.shopify.subscriptions import create_subscription, delete_subscription, list_subscriptions, topic_name
from connectors.platforms.shopify.webhooks import TOPICS, WEBHOOKS, app_secret, parse, verify, whose

BOTH = [(ObjectType.PRODUCT, "5", False), (ObjectType.PRODUCT, "6", False)]
VARIANT = "gid://shopify/ProductVariant/"


def delivery(topic: str, body: Any, secret: str = "hush", **headers: str) -> Delivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
    known = {"topic": topic, "hmac-sha256": signature, "shop-domain": "tea.myshopify.com", "webhook-id": "w-1", "event-id": "e-1"}
    return Delivery({f"x-shopify-{name.replace('_', '-')}": value for name, value in (known | headers).items()}, raw)


def test_the_known_vector_verifies_over_the_raw_bytes() -> None:
    raw = b'{"id":820982911946154508,"total_price":"404.95"}'
    good = Delivery({"x-shopify-hmac-sha256": "ElM0Fvrc5UfswH2ZuNj7QJdcpxK1oULxjFFcHDuRYGw="}, raw)
    verify(good, ["hush"])
    verify(Delivery({"shopify-hmac-sha256": good.headers["x-shopify-hmac-sha256"]}, raw), ["new", "hush"])
    for wrong in (b'{"id": 820982911946154508, "total_price": "404.95"}', raw + b"\n"):
        with pytest.raises(BadSignature):
            verify(Delivery(good.headers, wrong), ["hush"])
    with pytest.raises(BadSignature):
        verify(Delivery({"x-shopify-hmac-sha256": hmac.new(b"hush", raw, hashlib.sha256).hexdigest()}, raw), ["hush"])


def test_the_app_s_secret_signs_and_the_header_names_the_shop() -> None:
    assert app_secret({"client_secret": "s", "access_token": "t"}) == ("s",)
    assert not WEBHOOKS.own_secret
    assert whose(delivery("orders/create", {})) == Whose("https://tea.myshopify.com")
    for host in ("tea.example", "tea.myshopify.com.evil.example", "tea.myshopify.com\n.example"):
        assert whose(delivery("orders/create", {}, shop_domain=host)) == Whose(ids={"shop": "unknown"})


def test_a_repeat_has_the_same_key_over_retries_and_over_registrations() -> None:
    body = {"id": 7, "updated_at": "2026-09-14T11:20:00-04:00"}
    first = parse(delivery("orders/updated", body))
    assert parse(delivery("orders/updated", body, webhook_id="w-2")).dedupe_key == first.dedupe_key
    others = [
        parse(delivery("orders/updated", body, event_id="e-2")),
        parse(delivery("orders/paid", body)),
        parse(delivery("orders/updated", {**body, "id": 8})),
    ]
    assert len({event.dedupe_key for event in [first, *others]}) == 4
    nameless = [parse(delivery("orders/updated", body, event_id="", webhook_id=number)).dedupe_key for number in ("w-1", "w-1", "w-2")]
    assert nameless[0] == nameless[1] != nameless[2]


def test_change_times_of_bodies_compare_with_those_of_listings() -> None:
    (notice,) = parse(delivery("orders/updated", {"id": 7, "updated_at": "2026-09-14T11:20:00-04:00"})).notices
    assert (notice.object_type, notice.source_id, notice.version) == (ObjectType.ORDER, "7", "2026-09-14T15:20:00Z")


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        ("refunds/create", {"id": 1, "order_id": 7}, [(ObjectType.ORDER, "7", False)]),
        ("order_transactions/create", {"id": 1, "order_id": 2**60}, [(ObjectType.ORDER, str(2**60), False)]),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 7}}, [(ObjectType.ORDER, "7", False)]),
        ("orders/delete", {"id": 7}, [(ObjectType.ORDER, "7", True)]),
        ("customers/delete", {"id": 7}, [(ObjectType.CUSTOMER, "7", True)]),
        (
            "customers/merge",
            {f"admin_graphql_api_customer_{which}_id": f"gid://shopify/Customer/{i}" for i, which in ((1, "kept"), (2, "deleted"))},
            [(ObjectType.CUSTOMER, "1", False), (ObjectType.CUSTOMER, "2", True)],
        ),
        ("products/update", {"id": 1, "variants": [{"id": 5}, {"id": 6}]}, BOTH),
        (
            "products/create",
            {"id": 1, "variants": [{"id": 5}], "variant_gids": [{"admin_graphql_api_id": f"{VARIANT}{i}"} for i in (5, 6)]},
            BOTH,
        ),
    ],
)  # fmt: skip
def test_each_topic_says_what_to_look_at(topic: str, body: Any, expected: list[Any]) -> None:
    event = parse(delivery(topic, body))
    assert [(n.object_type, n.source_id, n.deleted) for n in event.notices] == expected
    assert event.problem == ""


@pytest.mark.parametrize(
    ("topic", "body"), [("orders/create", b"\xff"), ("orders/create", b"[]"), ("refunds/create", {"id": 1}), ("carts/update", {"id": "x"})]
)
def test_what_cannot_be_read_or_used_is_a_problem_and_looks_at_nothing(topic: str, body: Any) -> None:
    event = parse(delivery(topic, body))
    assert event.notices == ()
    assert event.problem


def test_an_uninstall_ends_the_connection_at_its_time() -> None:
    event = parse(delivery("app/uninstalled", {"id": 1}, triggered_at="2026-09-14T15:20:00.123456789Z"))
    assert "removed at Shopify" in event.ends
    assert event.at is not None
    assert event.at.isoformat()[:19] == "2026-09-14T15:20:00"
    assert "app/uninstalled" in WEBHOOKS.extra_topics


def test_lost_scopes_are_told() -> None:
    event = parse(delivery("app/scopes_update", {"current": ["read_orders", "write_products"]}))
    assert "read_customers" in event.problem
    assert "read_products" not in event.problem


def test_the_three_privacy_topics_name_the_person_or_the_shop() -> None:
    found = {}
    for name in ("customers_redact", "customers_data_request", "shop_redact"):
        recorded = json.loads((FIXTURES / f"webhook__{name}.json").read_bytes())
        found[name] = parse(Delivery(recorded["headers"], recorded["body"].encode())).privacy
    redact, export, leave = found.values()
    assert redact is not None
    assert (redact.kind, redact.emails, redact.telephones) == ("redact_person", ("iris@vahl.example",), ("+1 555 0142",))
    assert redact.objects == ((ObjectType.CUSTOMER, "7000000000001"), (ObjectType.ORDER, "5800000000004"))
    assert export is not None
    assert (export.kind, export.emails, export.objects, export.reference) == ("export_person", ("iris@vahl.example",), (), "4711")
    assert leave is not None
    assert leave.kind == "redact_account"


def test_topics_are_named_both_ways() -> None:
    for topic in [topic for topics in TOPICS.values() for topic in topics]:
        assert topic_name(topic.replace("/", "_").upper()) == topic


def test_registrations_are_made_once_listed_and_removed_twice_without_harm() -> None:
    with open_shop() as shop:
        made = create_subscription(shop.api, "order_transactions/create", "https://till.example/in/", "")
        with pytest.raises(Conflict):
            create_subscription(shop.api, "order_transactions/create", "https://till.example/in/", "")
        assert list_subscriptions(shop.api) == (made,)
        assert (made.topic, made.url, made.status) == ("order_transactions/create", "https://till.example/in/", "active")
        for _ in range(2):
            delete_subscription(shop.api, made.id)
        assert list_subscriptions(shop.api) == ()
