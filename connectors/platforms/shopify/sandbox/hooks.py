"""Webhooks of the sandbox: registered by mutation, signed with the app's secret, deleted after too many failures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from functools import partial

from connectors.platforms.shopify.sandbox.model import Json
from connectors.platforms.shopify.sandbox.records import gid, stamp
from connectors.platforms.shopify.sandbox.state import Hook, Shop

WEBHOOK_VERSION = "2026-07"  # the app's own setting at Shopify; a registration cannot choose it


def create_hook(shop: Shop, topic: str, wanted: Json) -> Json:
    """The payload of webhookSubscriptionCreate."""
    uri = wanted.get("uri") or ""
    if any(hook.topic == topic and hook.uri == uri for hook in shop.hooks.values()):
        return _refused("Address for this topic has already been taken")
    if not uri.startswith(("https://", "http://")):
        return _refused("Address is invalid")
    hook = Hook(shop.next_id("hook"), topic, uri, shop.now())
    shop.hooks[hook.id] = hook
    times = {"createdAt": stamp(hook.created), "updatedAt": stamp(hook.created)}
    shown = {"id": gid("WebhookSubscription", hook.id), "topic": topic, "uri": uri, "format": "JSON", **times}
    return {"webhookSubscription": shown, "userErrors": []}


def _refused(message: str) -> Json:
    return {"webhookSubscription": None, "userErrors": [{"field": ["webhookSubscription", "callbackUrl"], "message": message}]}


def delete_hook(shop: Shop, global_id: str) -> Json:
    """The payload of webhookSubscriptionDelete."""
    number = int(global_id.rpartition("/")[2])
    if shop.hooks.pop(number, None) is None:
        errors = [{"field": ["id"], "message": "Webhook subscription does not exist"}]
        return {"deletedWebhookSubscriptionId": None, "userErrors": errors}
    return {"deletedWebhookSubscriptionId": global_id, "userErrors": []}


def announce(shop: Shop, topic: str, body: Json) -> None:
    """Send an event to every registration of its topic: one event id for all of them, a webhook id for each."""
    event = str(uuid.UUID(int=shop.random.getrandbits(128), version=4))
    raw = json.dumps(body, separators=(",", ":")).encode()
    for hook in list(shop.hooks.values()):
        if hook.topic == topic:
            headers = headers_for(shop, topic, raw, event, str(uuid.UUID(int=shop.random.getrandbits(128), version=4)))
            shop.courier.send(hook.uri, raw, headers, partial(_settle, shop, hook.id), pauses=shop.switches.retries)


def headers_for(shop: Shop, topic: str, raw: bytes, event: str, delivery: str) -> dict[str, str]:
    """All headers of a delivery."""
    digest = hmac.new(shop.client[1].encode(), raw, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": name_of(topic),
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": shop.switches.domain,
        "X-Shopify-API-Version": WEBHOOK_VERSION,
        "X-Shopify-Webhook-Id": delivery,
        "X-Shopify-Event-Id": event,
        "X-Shopify-Triggered-At": stamp(shop.now()).replace("Z", ".000000000Z"),
    }


_COMPLIANCE = {"CUSTOMERS_DATA_REQUEST": "customers/data_request", "CUSTOMERS_REDACT": "customers/redact", "SHOP_REDACT": "shop/redact"}


def name_of(topic: str) -> str:
    """ORDERS_CREATE -> orders/create: the object is all but the last word, except where an event has two."""
    if topic in _COMPLIANCE:
        return _COMPLIANCE[topic]
    for event in ("_SCOPES_UPDATE", "_DATA_REQUEST"):
        if topic.endswith(event):
            return f"{topic.removesuffix(event).lower()}/{event[1:].lower()}"
    start, _, end = topic.rpartition("_")
    return f"{start.lower()}/{end.lower()}"


def _settle(shop: Shop, hook_id: int, status: int) -> None:
    """After so many failures in a row Shopify deletes a registration that was made by the API."""
    with shop.lock:
        hook = shop.hooks.get(hook_id)
        if hook is None:
            return
        hook.failures = 0 if 200 <= status < 300 else hook.failures + 1
        if hook.failures >= shop.switches.hook_failures:
            del shop.hooks[hook_id]
