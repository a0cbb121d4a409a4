"""What shops that have webhooks may tell: Adobe's events, and extensions that sign, or know a secret. Both only say where to look.

Magento Open Source has no webhooks, and no release lets them be registered over REST: a person enters our address in the shop or in
Adobe's console. Polling stays the truth.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import BY_HAND, Delivery, Event, Webhooks
from connectors.kit.errors import BadSignature, Rejected
from connectors.kit.signatures import check_base64, check_hex, check_rsa
from connectors.kit.tame import Tame, parse_json

ADOBE = "https://static.adobeioevents.com"  # the only place where keys of Adobe's events are published
CLIENT, PEM = "adobe-client:", "-----BEGIN PUBLIC KEY-----"
_KEY_PATH = re.compile(r"(?:/[\w-]+){1,4}/[\w.-]+\.pem", re.ASCII)
# Where extensions put an HMAC-SHA256 of the body, in base64 or hexadecimal.
_SIGNATURES = ("x-magento-hmac-sha256", "x-hub-signature-256", "merchant-signature", "x-webhook-signature", "x-signature")
_NO_OBJECT = (
    "A webhook of the shop names no order, customer or product by its number. Let its body carry order_id (for an order entity_id), "
    "customer_id or product_id; until then changes are found by polling."
)
# What an event is about, by words in its name; parts of an order say which order they belong to.
_PARTS = ("creditmemo", "credit_memo", "invoice", "shipment", "refund", "payment", "comment", "status_history", "transaction")


def signing_secrets(known: Mapping[str, str]) -> tuple[str, ...]:
    """The shop's own secret, and which of Adobe's clients we are."""
    client = known.get("events_client_id", "")
    return (known.get("webhook_secret", ""), f"{CLIENT}{client}" if client else "")


def answer_challenge(query: Mapping[str, str]) -> str | None:
    """Adobe registers an address only if it echoes this."""
    return query.get("challenge") or None


def published_keys(delivery: Delivery, secrets: Sequence[str]) -> tuple[str, ...]:
    """Where the keys are that this delivery claims to be signed with; nowhere for connections that expect nothing of Adobe."""
    if not any(secret.startswith(CLIENT) for secret in secrets):
        return ()
    paths = [delivery.headers.get(f"x-adobe-public-key{n}-path", "") for n in (1, 2)]
    return tuple(ADOBE + path for path in paths if _KEY_PATH.fullmatch(path))


def verify(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Adobe's signature for our client; else an HMAC of the body; else, where nothing is signed, the secret itself in a header."""
    own = [secret for secret in secrets if secret and not secret.startswith((CLIENT, PEM))]
    if any(name.startswith("x-adobe-digital-signature-") for name in delivery.headers):
        return _check_adobe(delivery, secrets)
    signature = next((delivery.headers[name] for name in _SIGNATURES if name in delivery.headers), None)
    if signature is None:
        return _check_shown(delivery, own)
    bare = signature.strip().removeprefix("sha256=")
    if re.fullmatch(r"[0-9a-fA-F]{64}", bare):
        return check_hex(bare.lower(), delivery.body, own)
    return check_base64(bare, delivery.body, own)


def _check_adobe(delivery: Delivery, secrets: Sequence[str]) -> None:
    given = [delivery.headers.get(f"x-adobe-digital-signature-{n}", "") for n in (1, 2)]
    check_rsa([text for text in given if text], delivery.body, [secret for secret in secrets if secret.startswith(PEM)])
    try:  # Adobe signs for all of its customers with the same keys
        body = parse_json(delivery.body, "event")
        recipient = body.get("recipientclientid").text_or() or body.get("recipient_client_id").text_or()
    except Rejected as error:
        raise BadSignature("an event without a recipient") from error
    if f"{CLIENT}{recipient}" not in secrets or not recipient:
        raise BadSignature("an event for somebody else")


def _check_shown(delivery: Delivery, own: Sequence[str]) -> None:
    """Extensions that sign nothing can send a header of the merchant's making: a bearer token, a password, or our own header."""
    kind, _, value = delivery.headers.get("authorization", "").partition(" ")
    shown = [delivery.headers.get("x-tillbridge-key", "")]
    if kind.lower() == "bearer":
        shown.append(value.strip())
    elif kind.lower() == "basic":
        shown.append(_password(value))
    known = [secret.encode() for secret in own]
    if not sum(compare_digest(one.encode("utf-8", "surrogateescape"), other) for one in shown for other in known):
        raise BadSignature("neither signed nor with our secret")


def _password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (ValueError, binascii.Error):
        return ""


# ---- what it says ------------------------------------------------------------------------------------------


def parse(delivery: Delivery) -> Event:
    """One notice, whatever the body's form: CloudEvents of Adobe, {"event", "data"}, or an object as it is."""
    body = parse_json(delivery.body, "webhook")
    topic = _topic(delivery, body)
    notice = _notice(topic.lower(), _row(body))
    key = _key(delivery, body)
    return Event(key, topic, (notice,)) if notice else Event(key, topic, (), problem=_NO_OBJECT)


def _topic(delivery: Delivery, body: Tame) -> str:
    named = [delivery.headers.get("x-magento-topic", ""), *(body.get(name).value for name in ("type", "event", "topic"))]
    return next((text for text in named if text and isinstance(text, str)), "webhook")[:100]


def _row(body: Tame) -> Tame:
    """The object itself: Adobe puts it into data.value, others into data."""
    row = body
    for name in ("data", "value"):
        inner = row.get(name)
        row = inner if isinstance(inner.value, Mapping) else row
    return row


def _notice(topic: str, row: Tame) -> Notice | None:
    kind, names = _told(topic, row)
    for name in names:
        number = str(row.get(name).value or "")
        if kind and number.isascii() and number.isdigit() and len(number) <= 18 and int(number):
            return Notice(kind, str(int(number)), topic, deleted="delete" in topic and kind is not ObjectType.ORDER)
    return None


def _told(topic: str, row: Tame) -> tuple[ObjectType | None, tuple[str, ...]]:
    """What kind of object it is about, and which fields may hold its number. Without a telling name the fields decide."""
    if any(word in topic for word in _PARTS):
        return ObjectType.ORDER, ("order_id", "parent_id") if "status_history" in topic else ("order_id",)
    if "order" in topic or (topic == "webhook" and ("order_id" in row or "increment_id" in row)):
        return ObjectType.ORDER, ("order_id", "entity_id", "id")
    if "customer" in topic or (topic == "webhook" and ("customer_id" in row or "email" in row)):
        return ObjectType.CUSTOMER, ("customer_id", "parent_id") if "address" in topic else ("customer_id", "entity_id", "id")
    if "product" in topic or (topic == "webhook" and ("product_id" in row or "sku" in row)):
        return ObjectType.PRODUCT, ("product_id", "entity_id", "id")
    return None, ()


def _key(delivery: Delivery, body: Tame) -> str:
    """The event's own number, or the request's. Without either each delivery counts by itself: two changes may look alike."""
    event = "" if body.get("specversion").is_null else str(body.get("id").value or "")
    request = delivery.headers.get("request-id", "") or delivery.headers.get("idempotency-key", "")
    if event or request:
        return f"{'event' if event else 'request'}:{sha256((event or request).encode('utf-8', 'surrogateescape')).hexdigest()}"
    return f"once:{randomness.token_hex(16)}"


def nobody_greets(_delivery: Delivery) -> None:
    """No shop sends unsigned pings."""


WEBHOOKS = Webhooks(
    greet=nobody_greets,
    verify=verify,
    parse=parse,
    topics={},
    subscriptions=BY_HAND,
    own_secret=False,
    secrets=signing_secrets,
    challenge=answer_challenge,
    published=published_keys,
)
