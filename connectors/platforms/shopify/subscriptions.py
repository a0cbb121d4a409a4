"""Webhook registrations at the shop. Shopify deletes one after eight failed deliveries in a row; nothing switches it on again."""

from __future__ import annotations

from connectors.kit.contract import RemoteSubscription
from connectors.kit.errors import Conflict, Refused
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.shopify.api import ask, walk
from connectors.platforms.shopify.ids import gid, number_of
from connectors.platforms.shopify.queries import SUBSCRIBE, SUBSCRIPTIONS, UNSUBSCRIBE


def topic_enum(topic: str) -> str:
    """orders/create -> ORDERS_CREATE."""
    return topic.replace("/", "_").upper()


def topic_name(enum: str) -> str:
    """ORDERS_CREATE -> orders/create. The last underscore before the event is the slash, except for topics that we never use."""
    return _NAMES.get(enum, enum.lower())


_OURS = (
    "orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/edited", "orders/delete", "refunds/create",
    "order_transactions/create", "customers/create", "customers/update", "customers/delete", "customers/merge",
    "products/create", "products/update", "products/delete", "app/uninstalled", "app/scopes_update",
)  # fmt: skip
_NAMES = {topic_enum(topic): topic for topic in _OURS}


def list_subscriptions(api: Api) -> tuple[RemoteSubscription, ...]:
    """All that this app made at the shop by the API; those of its configuration file are never listed."""
    return tuple(_read(row) for row in walk(api, SUBSCRIPTIONS, {"n": 100}, "webhookSubscriptions"))


def create_subscription(api: Api, topic: str, url: str, _secret: str) -> RemoteSubscription:
    """Register a webhook; Shopify signs with the app's own secret, whatever we would choose."""
    variables = {"topic": topic_enum(topic), "sub": {"uri": url, "format": "JSON"}}
    answer = ask(api, SUBSCRIBE, variables, effect=Effect.CREATE)["webhookSubscriptionCreate"]
    for error in answer["userErrors"].items():
        words = error["message"].text_or()
        if "already been taken" in words:
            raise Conflict(f"Shopify has a webhook for {topic} to this address already.", code="taken")
        raise Refused(f"Shopify refused the webhook {topic}: {words[:300]}", code="webhook_refused")
    return _read(answer["webhookSubscription"])


def delete_subscription(api: Api, subscription_id: str) -> None:
    """Remove a webhook; one that is gone already is fine."""
    ask(api, UNSUBSCRIBE, {"id": gid("WebhookSubscription", subscription_id)}, effect=Effect.REPEATABLE)


def _read(row: Tame) -> RemoteSubscription:
    return RemoteSubscription(
        id=number_of(row["id"]),
        topic=topic_name(row["topic"].text()),
        url=row["uri"].text(),
        status="active",
        changed_at=row["updatedAt"].time_or_none(),
    )
