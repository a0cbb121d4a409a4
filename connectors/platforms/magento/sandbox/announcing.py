"""An extension of the shop that sends webhooks: signed with HMAC-SHA256 over the body, base64, one try."""

from __future__ import annotations

import json

from connectors.kit.signatures import base64_signature
from connectors.platforms.magento.sandbox.state import Shop
from connectors.platforms.magento.sandbox.wire import Json


def install(shop: Shop, body: Json) -> Json:
    """{"url", "secret"}: where it sends from now on."""
    shop.hooks.append({"url": body["url"], "secret": body["secret"]})
    return {"hooks": len(shop.hooks)}


def announce(shop: Shop, topic: str, number: int) -> None:
    """Tell every hook of a change of this object."""
    body = json.dumps({"event": topic, "data": {"entity_id": number, "updated_at": shop.stamp()}}).encode()
    for hook in shop.hooks:
        signature = base64_signature(hook["secret"], body)
        headers = {"Content-Type": "application/json", "X-Magento-Topic": topic, "X-MAGENTO-HMAC-SHA256": signature}
        shop.courier.send(hook["url"], body, headers)
