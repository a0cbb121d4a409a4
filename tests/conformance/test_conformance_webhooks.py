"""Registrations at a platform's own sandbox, and what it then sends: signed, verified, leading to the changed object."""

import time
from datetime import timedelta

import pytest
from conformance_world import existing, lately, sample

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Delivery
from connectors.kit.errors import BadSignature
from connectors.kit.sandbox import Answer, Sandbox, serve
from credentials.accounts import is_about
from credentials.models import Connection

SECRET = "5f0d7a61c2b94e83a7d6"


class Inbox:
    """An endpoint of ours on loopback that keeps what it gets and answers 200."""

    def __init__(self):
        self.received = []
        self.served = serve(self.build)

    def build(self, _url, _options):
        sandbox = Sandbox(None)
        sandbox.route("POST", "/in/", self.take)
        return sandbox

    def take(self, call):
        self.received.append(Delivery(call.headers, call.body))
        return Answer(200)

    @property
    def url(self):
        return f"{self.served.url}/in/"


@pytest.fixture
def inbox():
    inbox = Inbox()
    yield inbox
    inbox.served.stop()


@pytest.fixture
def hooks(world):
    if world.connector.webhooks is None:
        pytest.skip("has no webhooks")
    if world.connector.webhooks.by_hand:
        pytest.skip("its webhooks are registered by hand")
    return world.connector.webhooks


def eventually(condition, what):
    deadline = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return found


def subscribe(world, hooks, inbox, topics):
    """Register, finish handshakes, and give the secrets that deliveries may be signed with."""
    made = [hooks.subscriptions.create(world.api, topic, inbox.url, SECRET) for topic in topics]
    ours = list(hooks.secrets(world.account.secrets)) if hooks.secrets else []
    if hooks.own_secret:
        return made, [SECRET, *ours]
    if ours or hooks.subscriptions.resend is None:
        return made, [*(one.secret for one in made if one.secret), *ours]

    def handshakes():
        greetings = [greeting for delivery in list(inbox.received) if (greeting := hooks.greet(delivery))]
        return {g.subscription_id: g.secret for g in greetings if g.kind == "handshake"}

    eventually(lambda: {one.id for one in made} <= set(handshakes()), "no handshake came")
    for one in made:
        if hooks.subscriptions.confirm:
            hooks.subscriptions.confirm(world.api, one.id, handshakes()[one.id])
    return made, list(handshakes().values())


def test_registrations_come_and_go(world, hooks, inbox):
    before = {one.id for one in hooks.subscriptions.list(world.api)}
    topic = next(iter(hooks.topics.values()))[0]
    (made,), _secrets = subscribe(world, hooks, inbox, [topic])
    assert (made.topic, made.url) == (topic, inbox.url)
    (listed,) = [one for one in hooks.subscriptions.list(world.api) if one.id not in before]
    assert (listed.id, listed.topic, listed.url, listed.status) == (made.id, topic, inbox.url, "active")
    if hooks.subscriptions.enable:
        assert hooks.subscriptions.enable(world.api, made.id).status == "active"
    hooks.subscriptions.delete(world.api, made.id)
    assert {one.id for one in hooks.subscriptions.list(world.api)} == before
    hooks.subscriptions.delete(world.api, made.id)  # gone already is fine


def test_a_delivery_says_whose_it_is(world, hooks, inbox):
    if hooks.whose is None:
        pytest.skip("its deliveries name no connection")
    kind = ObjectType.ORDER if world.is_shop else ObjectType.CUSTOMER
    made, _secrets = subscribe(world, hooks, inbox, hooks.topics[kind])
    cause(world)
    signed = eventually(lambda: [one for one in list(inbox.received) if hooks.greet(one) is None], "nothing was delivered")
    place = Connection(base_url=world.account.base_url, ids=dict(world.account.ids), settings=dict(world.account.settings))
    assert all(is_about(hooks.whose(delivery), place) for delivery in signed)
    for one in made:
        hooks.subscriptions.delete(world.api, one.id)


def cause(world):
    """Make the sandbox change something, and say what."""
    if world.is_shop:
        return ObjectType.ORDER, {str(order["id"]) for order in world.admin("place_orders", {"count": 3, "seed": 77})["orders"]}
    if world.role == "collector":
        return ObjectType.COLLECTION, {row["id"] for row in world.admin("place_invoices", {"count": 3})["invoices"]}
    existing(world, ObjectType.CUSTOMER)
    kind = ObjectType.CUSTOMER
    return kind, {world.connector.writes[kind].create(world.api, sample(world, kind)).id}


def test_deliveries_are_signed_and_lead_to_what_changed(world, hooks, inbox):
    kind = {"shop": ObjectType.ORDER, "ledger": ObjectType.CUSTOMER, "collector": ObjectType.COLLECTION}[world.role]
    made, secrets = subscribe(world, hooks, inbox, hooks.topics[kind])
    _kind, changed = cause(world)

    def signed():
        return [delivery for delivery in list(inbox.received) if hooks.greet(delivery) is None]

    def told():
        return {n.source_id for delivery in signed() for n in hooks.parse(delivery).notices if n.object_type is kind}

    eventually(lambda: changed <= told(), "not every change was told")
    for delivery in signed():
        hooks.verify(delivery, secrets)
        with pytest.raises(BadSignature):
            hooks.verify(delivery, ["another-secret"])
        with pytest.raises(BadSignature):
            hooks.verify(Delivery(delivery.headers, delivery.body + b"0"), secrets)
    for one in made:
        hooks.subscriptions.delete(world.api, one.id)


def test_what_is_told_is_also_polled(world):
    kind, changed = cause(world)
    reads = world.connector.reads[kind]
    window = lately()
    assert window.until - window.since > timedelta(days=1)
    seen, cursor = set(), None
    while True:
        page = reads.page(world.api, window, cursor)
        seen |= {notice.source_id for notice in page.notices}
        cursor = page.next
        if cursor is None:
            break
    assert changed <= seen
