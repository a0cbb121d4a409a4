"""Webhook registrations at the shop."""

from __future__ import annotations

from typing import Literal

from connectors.kit.contract import RemoteSubscription
from connectors.kit.errors import Gone
from connectors.kit.http import Api, Effect
from connectors.kit.tame import Tame
from connectors.platforms.woocommerce.api import V3, create_json, path_id
from connectors.platforms.woocommerce.paging import Cursor, turn_page

_PATH = f"{V3}/webhooks"


def list_subscriptions(api: Api) -> tuple[RemoteSubscription, ...]:
    """All webhooks of the shop, other programs' too; the secret is never shown."""
    found: list[RemoteSubscription] = []
    cursor: Cursor | None = Cursor("all")
    while cursor:
        leaf = turn_page(api, _PATH, cursor, [("status", "all")], "webhooks")
        found.extend(_read(row) for row in leaf.rows)
        cursor = leaf.next
    return tuple({subscription.id: subscription for subscription in found}.values())


def create_subscription(api: Api, topic: str, url: str, secret: str) -> RemoteSubscription:
    """Register a webhook. The shop pings the address before it answers us, for up to five seconds (observed).

    The secret must be plain letters and digits: WordPress decodes HTML entities in it before signing (observed).
    """
    body = {"name": f"Tillbridge {topic}", "topic": topic, "delivery_url": url, "secret": secret}
    return _read(create_json(api, _PATH, body))


def enable_subscription(api: Api, subscription_id: str) -> RemoteSubscription:
    """Make a disabled or paused webhook active. Its count of failures stays until a delivery succeeds, so one more
    failure disables it again (observed).
    """
    path = f"{_PATH}/{path_id(subscription_id)}"
    return _read(api.call("PUT", path, json={"status": "active"}, effect=Effect.REPEATABLE).json("webhook"))


def delete_subscription(api: Api, subscription_id: str) -> None:
    """Remove a webhook; one that is gone already is fine."""
    try:
        api.call("DELETE", f"{_PATH}/{path_id(subscription_id)}", params={"force": "true"}, effect=Effect.REPEATABLE)
    except Gone:
        return


def _read(webhook: Tame) -> RemoteSubscription:
    return RemoteSubscription(
        id=webhook["id"].identifier(),
        topic=webhook["topic"].text(),
        url=webhook["delivery_url"].text(),
        status=_status(webhook["status"].text()),
        changed_at=webhook.get("date_modified_gmt").time_or_none(),
    )


def _status(word: str) -> Literal["active", "disabled", "paused"]:
    """WooCommerce disables by itself after failures; only an administrator pauses."""
    if word == "active":
        return "active"
    return "paused" if word == "paused" else "disabled"
