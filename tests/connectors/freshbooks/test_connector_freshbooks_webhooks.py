"""FreshBooks' webhooks: handshake, byte-exact signatures, keys that swallow no change, registrations."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest

from connectors.canonical.identity import Notice, ObjectType
from connectors.canonical.party import Customer
from connectors.kit.account import Account
from connectors.kit.contract import Delivery
from connectors.kit.errors import BadSignature, Refused
from connectors.kit.http import Plumbing
from connectors.kit.sandbox import serve
from connectors.platforms.freshbooks import CONNECTOR

assert CONNECTOR.webhooks is not None
HOOKS = CONNECTOR.webhooks
VERIFIER = "k3Yz8uQwErTy1AsDfGh5JkLzXcVbN7mQp2"


def signed(fields: dict[str, str], verifier: str = VERIFIER, order: Callable[[dict[str, str]], dict[str, str]] = dict) -> Delivery:
    """A delivery signed as the vendor's page says: HMAC over Python's JSON text of the fields."""
    digest = hmac.new(verifier.encode(), json.dumps(order(fields)).encode(), hashlib.sha256).digest()
    return Delivery({"x-freshbooks-hmac-sha256": base64.b64encode(digest).decode()}, urlencode(fields).encode())


UPDATE = {"name": "payment.update", "object_id": "4401", "account_id": "Zx81Qp", "business_id": "77", "identity_id": "9", "user_id": "1"}
SHUFFLED = {
    "user_id": "1",
    "name": "client.create",
    "object_id": "12",
    "account_id": "Zx81Qp",
    "system": "https://caf\u00e9.books.example/a?b=c:d",
}


@pytest.mark.parametrize("fields", [UPDATE, SHUFFLED])
def test_the_order_received_is_what_is_signed(fields: dict[str, str]) -> None:
    HOOKS.verify(signed(fields), [VERIFIER])
    HOOKS.verify(signed(fields), ["another-verifier", VERIFIER])


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (b"name=invoice.update&object_id=5", "+Wog/xoi9jJnMSy156WhN7EEWM60xFF2avxDkMiH1Jg="),
        (b"name=client.update&system=https%3A%2F%2Fcaf%C3%A9.example", "Mnyd6El/rTKvCZYmsiEk6UHARjb/hN0Ut5KLBu4ui7s="),
    ],
)
def test_known_signatures_byte_for_byte(body: bytes, signature: str) -> None:
    """Made by openssl (dgst -sha256 -hmac v3rifier) over the texts {"name": "invoice.update", "object_id": "5"} and
    {"name": "client.update", "system": "https://caf\\u00e9.example"}.
    """
    HOOKS.verify(Delivery({"x-freshbooks-hmac-sha256": signature}, body), ["v3rifier"])


@pytest.mark.parametrize("order", [lambda f: dict(sorted(f.items())), lambda f: {**{k: f[k] for k in UPDATE if k in f}, **f}])
def test_other_orders_are_tried_before_refusing(order: Callable[[dict[str, str]], dict[str, str]]) -> None:
    HOOKS.verify(signed(SHUFFLED, order=order), [VERIFIER])


@pytest.mark.parametrize(
    "delivery",
    [
        signed(UPDATE, "wrong"),
        Delivery({}, urlencode(UPDATE).encode()),
        Delivery({"x-freshbooks-hmac-sha256": ""}, urlencode(UPDATE).encode()),
        Delivery(signed(UPDATE).headers, urlencode({**UPDATE, "object_id": "4402"}).encode()),
        Delivery(signed(UPDATE).headers, b""),
        Delivery(signed({}).headers, b""),
        Delivery(signed(UPDATE).headers, b"\xff\xfe=1"),
        Delivery(signed(UPDATE).headers, b"&".join(b"a%d=1" % n for n in range(200))),
        Delivery(signed(UPDATE).headers, json.dumps(UPDATE).encode()),
    ],
)
def test_bad_signatures(delivery: Delivery) -> None:
    with pytest.raises(BadSignature):
        HOOKS.verify(delivery, [VERIFIER])


def test_no_secret_verifies_nothing() -> None:
    for secrets in ([], [""]):
        with pytest.raises(BadSignature):
            HOOKS.verify(signed(UPDATE, ""), secrets)


def test_the_handshake_brings_the_secret() -> None:
    greeting = HOOKS.greet(Delivery({}, urlencode({"name": "callback.verify", "object_id": "31", "verifier": VERIFIER}).encode()))
    assert greeting is not None
    assert (greeting.kind, greeting.subscription_id, greeting.secret) == ("handshake", "31", VERIFIER)
    assert VERIFIER not in repr(greeting)
    assert HOOKS.greet(signed(UPDATE)) is None
    assert HOOKS.greet(Delivery({}, b"name=callback.verify&object_id=31")) is None
    assert HOOKS.greet(Delivery({}, b"\xff")) is None


def test_events_become_notices() -> None:
    event = HOOKS.parse(signed(UPDATE))
    assert event.topic == "payment.update"
    assert event.notices == (Notice(ObjectType.PAYMENT, "4401", topic="payment.update"),)
    gone = HOOKS.parse(signed({**UPDATE, "name": "client.delete"}))
    assert gone.notices == (Notice(ObjectType.CUSTOMER, "4401", topic="client.delete", deleted=True),)


def test_only_creations_are_recognised_as_repeats() -> None:
    creation = signed({**UPDATE, "name": "payment.create"})
    assert HOOKS.parse(creation).dedupe_key == HOOKS.parse(creation).dedupe_key
    assert HOOKS.parse(creation).dedupe_key != HOOKS.parse(signed({**UPDATE, "name": "payment.create", "object_id": "4402"})).dedupe_key
    for verb in ("update", "delete"):
        change = signed({**UPDATE, "name": f"payment.{verb}"})
        assert HOOKS.parse(change).dedupe_key != HOOKS.parse(change).dedupe_key
    assert len(HOOKS.parse(signed({**UPDATE, "name": "n" * 500, "object_id": "1" * 500})).dedupe_key) <= 200


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "estimate.create", "object_id": "1"},
        {"name": "payment.update"},
        {"a": "b"},
        {"name": "payment.update", "object_id": "../1"},
    ],
)
def test_signed_but_useless(fields: dict[str, str]) -> None:
    event = HOOKS.parse(signed(fields))
    assert event.notices == ()
    assert event.problem


# ---- with the sandbox --------------------------------------------------------------------------------------


class Mailbox:
    """Where the sandbox delivers."""

    def __init__(self) -> None:
        self.got: list[Delivery] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append(Delivery({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/in/x"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, count: int) -> list[Delivery]:
        deadline = time.monotonic() + 5
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.got) == count
        return self.got


class Token:
    def __init__(self, text: str) -> None:
        self.text = text

    def current(self) -> str:
        return self.text

    def renew(self, stale: str) -> str:
        raise AssertionError("not needed here")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.http.shutdown()
    box.http.server_close()


@pytest.fixture(params=["random", "documented"])
def bench(request: pytest.FixtureRequest) -> Iterator[Any]:
    assert CONNECTOR.sandbox is not None
    served = serve(CONNECTOR.sandbox.build, {"field_order": request.param, "system": "https://caf\u00e9.books.example", "retry_pauses": []})
    spec = CONNECTOR.sandbox.connection(served.url)
    account = Account(f"hooks-{served.url}", served.url, spec["urls"], spec["ids"])
    api = CONNECTOR.open(account, Plumbing(tokens=Token(spec["secrets"]["access_token"]), allow_private=True))
    yield api
    served.stop()


def test_register_confirm_receive_resend_delete(bench: Any, mailbox: Mailbox) -> None:
    subscriptions = HOOKS.subscriptions
    assert subscriptions.confirm is not None
    assert subscriptions.resend is not None
    made = subscriptions.create(bench, "client", mailbox.url, "")
    assert (made.topic, made.url, made.status) == ("client", mailbox.url, "unverified")
    greeting = HOOKS.greet(mailbox.wait(1)[0])
    assert greeting is not None
    assert greeting.subscription_id == made.id
    confirmed = subscriptions.confirm(bench, made.id, greeting.secret)
    assert confirmed.status == "active"
    assert [(row.id, row.status) for row in subscriptions.list(bench)] == [(made.id, "active")]

    client = CONNECTOR.writes[ObjectType.CUSTOMER].create(bench, Customer(email="z@x.example"))
    delivery = mailbox.wait(2)[1]
    HOOKS.verify(delivery, [greeting.secret])
    with pytest.raises(BadSignature):
        HOOKS.verify(delivery, [greeting.secret[::-1]])
    assert HOOKS.parse(delivery).notices == (Notice(ObjectType.CUSTOMER, client.id, topic="client.create"),)

    subscriptions.resend(bench, made.id)
    again = HOOKS.greet(mailbox.wait(3)[2])
    assert again is not None
    assert again.subscription_id == made.id
    subscriptions.delete(bench, made.id)
    subscriptions.delete(bench, made.id)
    assert subscriptions.list(bench) == ()


def test_unknown_events_are_refused(bench: Any, mailbox: Mailbox) -> None:
    with pytest.raises(Refused, match="Unrecognized event"):
        HOOKS.subscriptions.create(bench, "refund", mailbox.url, "")
    assert HOOKS.subscriptions.list(bench) == ()
    assert mailbox.got == []


def test_every_topic_can_be_registered(bench: Any, mailbox: Mailbox) -> None:
    topics = [topic for found in HOOKS.topics.values() for topic in found]
    for topic in topics:
        HOOKS.subscriptions.create(bench, topic, mailbox.url, "")
    assert sorted(row.topic for row in HOOKS.subscriptions.list(bench)) == sorted(topics)
    assert set(HOOKS.topics) == set(CONNECTOR.reads)
    mailbox.wait(len(topics))
