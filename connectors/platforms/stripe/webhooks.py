"""Receiving events: signed with a time over the raw body; full ones carry the object, thin ones name it."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery, Event, Greeting, Webhooks
from connectors.kit.errors import BadSignature
from connectors.kit.redact import excerpt
from connectors.kit.signatures import check_hex, check_timestamp
from connectors.kit.tame import Tame, parse_json
from connectors.platforms.stripe.api import OWN_KEYS
from connectors.platforms.stripe.endpoints import SUBSCRIPTIONS, TOPIC
from connectors.platforms.stripe.listing import version_of, whole_of

SIGNATURE_HEADER = "stripe-signature"
# What our own writes cause and nobody needs to hear of. A finalized invoice brings its payment page, a paid one may have been settled by
# a balance: these are looked at whoever caused them.
ECHOES = frozenset({"invoice.updated", "invoice.voided"})
_THIN_TYPES = frozenset({"invoice", "invoice_payment", "charge", "refund", "dispute", "payment_intent"})


def greet(delivery: Delivery) -> Greeting | None:
    """Stripe sends no pings and no handshakes: whatever comes must be signed."""
    return None


def verify(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Raise BadSignature unless one of the secrets signed body and time, and the time is near, before or after.

    During a roll the header carries a signature for each secret; schemes other than v1 are no proof.
    """
    parts = [part.partition("=") for part in delivery.headers.get(SIGNATURE_HEADER, "").split(",")]
    times = [value.strip() for name, _, value in parts if name.strip() == "t"]
    signatures = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or not signatures:
        raise BadSignature("the header has no time or no signature")
    check_timestamp(times[0], delivery.received_at)
    check_hex(signatures, times[0].encode() + b"." + delivery.body, secrets)


def parse(delivery: Delivery) -> Event:
    """The event of a verified delivery; its id is the same over all repeats. Raises Rejected for what is no event."""
    event = parse_json(delivery.body, "event")
    key, kind = event["id"].known_identifier()[:200], event["type"].text()
    topic = f"{TOPIC}.{excerpt(kind, 60)}"
    whole = _thin(event) if event["object"].text() == "v2.core.event" else whole_of(event["data"]["object"])
    if not whole:
        return Event(key, topic, (), problem=f"Stripe sent an event that says nothing we follow: {excerpt(kind, 60)}.")
    if kind in ECHOES and _is_own(event):
        return Event(key, topic, (), echo=True)
    return Event(key, topic, (Notice(ObjectType.COLLECTION, whole, kind, version=_version(event)),))


def _thin(event: Tame) -> str:
    related = event.get("related_object")
    if related.is_null or related["type"].text() not in _THIN_TYPES:
        return ""
    return related["id"].identifier()


def _version(event: Tame) -> str:
    """Full events count seconds; thin ones write their time out."""
    created = event["created"]
    return f"{int(created.time().timestamp()):012d}" if isinstance(created.value, str) else version_of(created)


def _is_own(event: Tame) -> bool:
    """Whether a call of ours caused it: every key that we send starts the same way."""
    request = event.get("request")
    return isinstance(request.value, dict) and request.get("idempotency_key").text_or().startswith(OWN_KEYS)


WEBHOOKS = Webhooks(
    greet=greet,
    verify=verify,
    parse=parse,
    topics={ObjectType.COLLECTION: (TOPIC,)},
    subscriptions=SUBSCRIPTIONS,
    own_secret=False,
)
