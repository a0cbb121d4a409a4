"""What the shop sends us: pings, signed deliveries, and signed garbage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery, Event, Greeting
from connectors.kit.errors import Rejected
from connectors.kit.signatures import check_base64
from connectors.kit.tame import Tame, parse_json
from connectors.platforms.woocommerce.answers import CANNOT_VIEW
from connectors.platforms.woocommerce.orders import order_notice
from connectors.platforms.woocommerce.products import product_notices

TOPICS = {
    ObjectType.ORDER: ("order.created", "order.updated", "order.deleted", "order.restored"),
    ObjectType.CUSTOMER: ("customer.created", "customer.updated", "customer.deleted"),
    ObjectType.PRODUCT: ("product.created", "product.updated", "product.deleted", "product.restored"),
}
_RESOURCES = {kind.value: kind for kind in TOPICS}


def greet(delivery: Delivery) -> Greeting | None:
    """The unsigned form post `webhook_id=7` by which WooCommerce tries an address."""
    if "x-wc-webhook-signature" in delivery.headers or len(delivery.body) > 100:
        return None
    if not delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    fields = dict(parse_qsl(delivery.body.decode("latin-1"), keep_blank_values=True))
    webhook_id = fields.get("webhook_id", "")
    return Greeting("ping", webhook_id) if webhook_id.isascii() and webhook_id.isdigit() and len(fields) == 1 else None


def verify(delivery: Delivery, secrets: Sequence[str]) -> None:
    """base64(HMAC-SHA256(raw body)) under one of the secrets; raises BadSignature."""
    check_base64(delivery.headers.get("x-wc-webhook-signature", ""), delivery.body, secrets)


def parse(delivery: Delivery) -> Event:
    """The event behind a verified delivery."""
    topic, key = delivery.headers.get("x-wc-webhook-topic", "")[:60], _dedupe_key(delivery)
    try:
        body = parse_json(delivery.body, "delivery")
        problem = _problem(topic, body)
        notices = () if problem else tuple(_notices(topic, body))
    except Rejected as error:
        return Event(key, topic, (), f"The shop sent a delivery that cannot be read: {error.message}")
    return Event(key, topic, notices, problem)


def _dedupe_key(delivery: Delivery) -> str:
    """The body's hash tells events apart: the delivery id is shared by all deliveries of a webhook within a second
    (observed). It only joins where the body has no change time: an order trashed twice says {"id": 7} both times.
    """
    headers = delivery.headers
    parts = [headers.get("x-wc-webhook-id", "")[:20], headers.get("x-wc-webhook-topic", "")[:60]]
    parts.append(hashlib.sha256(delivery.body).hexdigest())
    if b'"date_modified_gmt"' not in delivery.body:
        parts.append(headers.get("x-wc-webhook-delivery-id", "")[:40])
    return ":".join(parts)


def _problem(topic: str, body: Tame) -> str:
    if "code" in body and "message" in body and "id" not in body:
        return _error_sent(topic, body["code"].text_or()[:60])
    if topic.partition(".")[0] not in _RESOURCES:
        return f"The shop sent {topic or 'an event without a topic'}, which is not subscribed to. Remove that webhook in the shop."
    return ""


def _error_sent(topic: str, code: str) -> str:
    """WooCommerce builds the body as the webhook's owner and signs whatever comes of it, errors too (observed)."""
    if code == CANNOT_VIEW:
        return (
            f"The shop sent an error instead of the {topic}: the user who owns the webhook is gone or lost access. Make a"
            " new key for an administrator and register the webhooks again; until then only polling brings changes."
        )
    return (
        f"The shop sent an error ({code}) instead of the {topic}, as happens when a plugin sends webhooks during"
        " checkout. Polling brings the change; ask the shop to switch background delivery of webhooks on."
    )


def _notices(topic: str, body: Tame) -> Iterable[Notice]:
    """A deletion names only an id, and for products that of any trashed post (observed): a hint, to be looked up."""
    resource, _, event = topic.partition(".")
    if not body["id"].identifier():
        raise body["id"].fail("identifier")
    if event == "deleted":
        return [Notice(_RESOURCES[resource], body["id"].identifier(), topic, deleted=True)]
    if resource == "order":
        return [order_notice(body, topic)]
    if resource == "product":
        return product_notices(body, topic)
    version = body.get("date_modified_gmt").text_or()
    return [Notice(ObjectType.CUSTOMER, body["id"].identifier(), topic, version=version)]
