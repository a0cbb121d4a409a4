"""Sending of the FreshBooks sandbox: the handshake, signed deliveries to verified callbacks, and what failures lead to.

The signature is over a JSON text of the fields in the order they are sent, as Python's json.dumps writes it by default; key: the verifier.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from connectors.kit.sandbox import Sandbox
from connectors.platforms.freshbooks.sandbox.fields import Row
from connectors.platforms.freshbooks.sandbox.identity import IDENTITY_ID
from connectors.platforms.freshbooks.sandbox.state import Books, World

SIGNATURE = "X-FreshBooks-Hmac-SHA256"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "FreshHooks/1.0 (sandbox)"}


def sign(verifier: str, fields: Mapping[str, str]) -> str:
    """The signature of these fields in this order."""
    digest = hmac.new(verifier.encode(), json.dumps(dict(fields)).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def new_verifier(world: World) -> str:
    return "".join(world.random.choices(string.ascii_letters + string.digits, k=33))


def _fields(books: Books, name: str, object_id: int, more: Mapping[str, str]) -> dict[str, str]:
    """The form fields, in the documented order or (switched, and the default) in any."""
    pairs = [
        ("name", name),
        ("object_id", str(object_id)),
        ("account_id", books.account_id),
        ("business_id", str(books.business_id)),
        ("identity_id", str(IDENTITY_ID)),
        ("user_id", "1"),
        *more.items(),
    ]
    if books.switches.system:
        pairs.append(("system", books.switches.system))
    if books.switches.field_order == "random":
        books.world.random.shuffle(pairs)
    return dict(pairs)


def send_handshake(sandbox: Sandbox, books: Books, callback: Row) -> None:
    """Tell the callback its verifier. Unsigned: whether FreshBooks signs it is not documented."""
    fields = _fields(books, "callback.verify", callback["callbackid"], {"verifier": callback["_verifier"]})
    pauses = books.switches.retry_pauses
    sandbox.courier.send(callback["uri"], urlencode(fields).encode(), _HEADERS, reliable=True, pauses=pauses)


def _note_outcome(sandbox: Sandbox, books: Books, callback: Row) -> Callable[[int], None]:
    def note(status: int) -> None:
        with sandbox.lock:
            good = 200 <= status < 300
            callback["_sent"] += 1
            callback["_failures"] = 0 if good else callback["_failures"] + 1
            limit = books.switches.unverify_after
            if limit and callback["_failures"] >= limit:
                callback["verified"] = False

    return note


def deliver(sandbox: Sandbox, books: Books, callback: Row, name: str, object_id: int) -> None:
    """One signed delivery to one callback, whatever its state."""
    fields = _fields(books, name, object_id, {})
    headers = {**_HEADERS, SIGNATURE: sign(callback["_verifier"], fields)}
    outcome = _note_outcome(sandbox, books, callback)
    sandbox.courier.send(callback["uri"], urlencode(fields).encode(), headers, outcome, pauses=books.switches.retry_pauses)


def announcer(sandbox: Sandbox) -> Callable[[Books, str, int], None]:
    """Fires an event at the verified callbacks of it and of its noun. Our own API writes echo back like anyone's."""

    def announce(books: Books, event: str, object_id: int) -> None:
        table = books.tables["callbacks"]
        for wanted in (event, event.partition(".")[0]):
            for callback in table.by("event", wanted):
                if callback["verified"]:
                    deliver(sandbox, books, callback, event, object_id)

    return announce
