"""Webhooks: form posts that carry ids only, signed over a JSON text of the fields with the verifier as key."""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import Sequence
from urllib.parse import parse_qsl

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery, Event, Greeting, RemoteSubscription, Subscriptions, Webhooks
from connectors.kit.errors import BadSignature, Gone
from connectors.kit.http import Api, Effect
from connectors.kit.redact import excerpt
from connectors.kit.signatures import check_base64
from connectors.kit.tame import Tame
from connectors.platforms.freshbooks import api as fb
from connectors.platforms.freshbooks.fields import EASTERN

SIGNATURE_HEADER = "x-freshbooks-hmac-sha256"
HANDSHAKE = "callback.verify"
CALLBACKS = fb.Resource("events/callbacks", "callback", "callbacks", family="events")
NOUNS = {
    "payment": ObjectType.PAYMENT,
    "client": ObjectType.CUSTOMER,
    "item": ObjectType.PRODUCT,
    "invoice": ObjectType.INVOICE,
    "credit_note": ObjectType.CREDIT,
    "tax": ObjectType.TAX,
}
# The noun alone means all its verbs, under one verifier.
TOPICS: dict[ObjectType, tuple[str, ...]] = {
    ObjectType.PAYMENT: ("payment",),
    ObjectType.CUSTOMER: ("client",),
    ObjectType.PRODUCT: ("item",),
    ObjectType.INVOICE: ("invoice",),
}
_DOCUMENTED_ORDER = ("name", "object_id", "account_id", "business_id", "identity_id", "user_id")


# ---- receiving ---------------------------------------------------------------------------------------------


def _fields(body: bytes) -> dict[str, str]:
    """The form fields in the order received; a body that is no form of a sane size, or names a field twice, has none."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return {}
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


def greet(delivery: Delivery) -> Greeting | None:
    """The handshake that FreshBooks sends after a registration and after a resend: it brings the signing secret."""
    fields = _fields(delivery.body)
    if fields.get("name") != HANDSHAKE or not fields.get("verifier"):
        return None
    return Greeting("handshake", subscription_id=fields.get("object_id", ""), secret=fields["verifier"])


def signed_texts(fields: dict[str, str]) -> list[bytes]:
    """What may have been signed: the fields as a JSON text in the order received, the documented order, or sorted.

    The text is that of Python's json.dumps: ", " and ": " between the parts, all but ASCII escaped.
    """
    documented = {name: fields[name] for name in _DOCUMENTED_ORDER if name in fields}
    orders = (fields, {**documented, **fields}, dict(sorted(fields.items())))
    return list(dict.fromkeys(json.dumps(order).encode() for order in orders))


def verify(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Raise BadSignature unless one of the verifiers signed these fields."""
    fields = _fields(delivery.body)
    if not fields:
        raise BadSignature("the body is not a form")
    check_base64(delivery.headers.get(SIGNATURE_HEADER, ""), signed_texts(fields), secrets)


def parse(delivery: Delivery) -> Event:
    """The event of a verified delivery.

    FreshBooks sends no event id and no time, so a repeat looks exactly like the next real change of the same object. Only a
    creation happens once and can be told by name and id; all else gets a key of its own each time. An accepted repeat
    costs one look that finds nothing to do; a swallowed change would be lost.
    """
    fields = _fields(delivery.body)
    name, id = fields.get("name", ""), fields.get("object_id", "")
    noun, _, verb = name.partition(".")
    kind = NOUNS.get(noun)
    topic = excerpt(name, 80)
    once = "once" if verb == "create" else randomness.token_hex(8)
    key = f"{excerpt(fields.get('account_id', ''), 40)}:{excerpt(name, 60)}:{excerpt(id, 40)}:{once}"[:200]
    if kind is None or not (id.isascii() and id.isdigit()):
        return Event(key, topic, (), problem=f"FreshBooks sent an event that says nothing we know: {topic or 'without a name'}.")
    return Event(key, topic, (Notice(kind, id, topic=topic, deleted=verb == "delete"),))


# ---- registrations -----------------------------------------------------------------------------------------


def _read(callback: Tame) -> RemoteSubscription:
    id = callback.get("callbackid").identifier() or callback["id"].identifier()
    changed = callback.get("updated_at")
    # With a T the time is UTC; in the older writing with a blank it is Eastern like the accounting times.
    zoned = changed.time_or_none() if "T" in changed.text_or() else changed.time_or_none(EASTERN)
    verified = callback.get("verified").value is True
    return RemoteSubscription(id, callback["event"].text(), callback["uri"].text(), "active" if verified else "unverified", zoned)


def _list(api: Api) -> tuple[RemoteSubscription, ...]:
    return tuple(_read(row) for row in fb.rows(api, CALLBACKS))


def _create(api: Api, topic: str, url: str, secret: str) -> RemoteSubscription:
    """Register; the secret is not ours to choose, it comes with the handshake."""
    return fb.create(api, CALLBACKS, {"event": topic, "uri": url}, _read)


def _delete(api: Api, id: str) -> None:
    try:
        api.call("DELETE", fb.address(api, CALLBACKS, id), effect=Effect.REPEATABLE)
    except Gone:
        return


def _confirm(api: Api, id: str, secret: str) -> RemoteSubscription:
    return _read(fb.change(api, CALLBACKS, id, {"verifier": secret}))


def _resend(api: Api, id: str) -> None:
    fb.change(api, CALLBACKS, id, {"resend": True})


WEBHOOKS = Webhooks(
    greet=greet,
    verify=verify,
    parse=parse,
    topics=TOPICS,
    subscriptions=Subscriptions(list=_list, create=_create, delete=_delete, confirm=_confirm, resend=_resend),
    own_secret=False,
)
