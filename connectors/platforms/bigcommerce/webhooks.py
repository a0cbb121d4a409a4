"""What the store sends us: a type and an id, signed the Standard Webhooks way, or with the header that we registered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery, Event, Greeting, Whose
from connectors.kit.errors import BadSignature, Rejected
from connectors.kit.signatures import base64_signature
from connectors.kit.tame import Tame, parse_json
from connectors.platforms.bigcommerce.times import as_version

EXCEPTIONS, UNINSTALLED = "store/hook/deliveryException", "store/app/uninstalled"
KEY_HEADER = "X-Tillbridge-Key"
TOPICS = {
    ObjectType.ORDER: ("store/order/*",),
    ObjectType.CUSTOMER: ("store/customer/*",),
    ObjectType.PRODUCT: ("store/product/*", "store/sku/*"),
}
EXTRA_TOPICS = (EXCEPTIONS, UNINSTALLED)
_SIGNER = "sign:"  # marks the secret that signs, so that it is never taken for the header's
_STORE = re.compile(r"stores/([0-9A-Za-z]{1,60})")
_EXCEPTION_TEXT = {
    "90001": "could not deliver a webhook and will try again. Check that this address can be reached from the internet.",
    "90002": "gave up on a webhook after two days of failures and switches it off. It is switched on again here, and the gap is read.",
    "90003": "blocks our address for a few minutes, since too many deliveries failed. Check that this address can be reached.",
}


def signing_secrets(secrets: Mapping[str, str]) -> Sequence[str]:
    """The client secret of the API account signs, where the operator has entered it."""
    return [_SIGNER + secrets["client_secret"]] if secrets.get("client_secret") else []


def greet(_delivery: Delivery) -> Greeting | None:
    """BigCommerce sends neither pings nor handshakes."""
    return None


def verify(delivery: Delivery, secrets: Sequence[str]) -> None:
    """A signature is checked wherever there is one and we hold the secret; the header proves the rest. Raises BadSignature.

    Whether stores sign for store-level accounts, and whether a repeat is signed anew, is documented nowhere. So a good signature is good
    at any age (a repeat may come two days late; an event is only a hint, and one that comes twice is stored once).
    """
    headers = delivery.headers
    signers = [secret.removeprefix(_SIGNER) for secret in secrets if secret.startswith(_SIGNER)]
    if "webhook-signature" in headers and signers:
        _check_signature(delivery, signers)
        return
    given = headers.get(KEY_HEADER.lower(), "").encode("utf-8", "surrogateescape")
    keys = [secret.encode() for secret in secrets if secret and not secret.startswith(_SIGNER)]
    if not sum(hmac.compare_digest(given, key) for key in keys):
        raise BadSignature("neither a signature nor the header that we registered")


def _check_signature(delivery: Delivery, secrets: Sequence[str]) -> None:
    """HMAC-SHA256 of "id.timestamp.body" under the raw client secret; the header holds several, as "v1,<base64> v1,<base64>"."""
    headers = delivery.headers
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode("utf-8", "surrogateescape") + delivery.body
    wanted = [base64_signature(secret, signed).encode() for secret in secrets if secret]
    sent = [part[3:] for part in headers["webhook-signature"].split() if part.startswith("v1,")][:20]
    if not sum(hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other) for one in sent for other in wanted):
        raise BadSignature("the client secret did not make this signature")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of webhook-signature, as a sender makes it."""
    digest = hmac.new(secret.encode(), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def whose(delivery: Delivery) -> Whose:
    """The store that a delivery says it comes from."""
    producer = parse_json(delivery.body, "delivery").get("producer").text_or()
    match = _STORE.fullmatch(producer)
    return Whose(ids={"store_hash": match[1]} if match else {})


def parse(delivery: Delivery) -> Event:
    """The event behind a verified delivery."""
    try:
        body = parse_json(delivery.body, "delivery")
        scope = body["scope"].text()[:100]
        key = _dedupe_key(delivery, scope)
        problem = _problem(scope, body)
        if scope == UNINSTALLED:
            return Event(key, scope, (), ends=_UNINSTALLED_TEXT, at=_moment(body))
        return Event(key, scope, () if problem else tuple(_notices(scope, body)), problem)
    except Rejected as error:
        said = f"BigCommerce sent a delivery that cannot be read: {error.message}"
        return Event(_dedupe_key(delivery, "unread"), "unread", (), said)


_UNINSTALLED_TEXT = "The app was removed from the store in BigCommerce. Install it there again, or enter another access token."


def _dedupe_key(delivery: Delivery, scope: str) -> str:
    """The message's own id, which repeats of one message share. Else the whole body: its `hash` alone covers no time in the published
    samples (created, updated and archived of one order share it), and would make two changes of an order one.
    """
    message = delivery.headers.get("webhook-id", "")[:80]
    return f"{scope}:{message or hashlib.sha256(delivery.body).hexdigest()}"[:200]


def _problem(scope: str, body: Tame) -> str:
    if scope == EXCEPTIONS:
        data = body["data"]
        code = data.get("error_code").identifier()
        return f"BigCommerce {_EXCEPTION_TEXT.get(code, 'reports trouble with a webhook')} (code {code or 'unknown'})"
    if _subject(scope) not in ("order", "customer", "product", "sku"):
        return f"BigCommerce sent {scope}, which is not subscribed to. Remove that webhook at BigCommerce."
    return ""


def _subject(scope: str) -> str:
    """store/order/updated, and store/channel/7/order/updated where the hook is bound to a channel."""
    parts = scope.split("/")
    place = 3 if parts[1:2] == ["channel"] else 1
    return parts[place] if len(parts) > place else ""


def _notices(scope: str, body: Tame) -> Iterator[Notice]:
    """The id is where the type says; a transaction names its order as text and has no id of its own."""
    subject, data, version = _subject(scope), body["data"], _version(body)
    deleted = scope.endswith("/deleted")
    if subject == "order":
        order = data["order_id"] if "order_id" in data else data["id"]
        yield Notice(ObjectType.ORDER, order.known_identifier(), scope, False, version)
    elif subject == "customer":
        customer = data["address"]["customer_id"] if "address" in data else data["id"]
        yield Notice(ObjectType.CUSTOMER, customer.known_identifier(), scope, deleted and "address" not in data, version)
    elif subject == "product":
        yield Notice(ObjectType.PRODUCT, data["id"].known_identifier(), scope, deleted, version)
    else:
        sku = data["sku"]
        variant = f"{sku['product_id'].known_identifier()}-{sku['variant_id'].known_identifier()}"
        yield Notice(ObjectType.PRODUCT, variant, scope, deleted, version)


def _version(body: Tame) -> str:
    moment = _moment(body)
    return as_version(moment) if moment else ""


def _moment(body: Tame) -> datetime | None:
    """When the event happened; some samples lack it."""
    created = body.get("created_at")
    if created.is_null:
        return None
    seconds = created.integer()
    if not 0 < seconds < 10**11:
        raise created.fail("time of a sane size")
    return datetime.fromtimestamp(seconds, UTC)
