"""Deliveries: signed the Standard Webhooks way or proven by our header; repeats, switched-off hooks, blocked domains."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from bc_store import NOW, store
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from connectors.canonical.identity import Notice, ObjectType
from connectors.kit.contract import Delivery, Whose
from connectors.kit.errors import BadSignature, Refused
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.platforms.bigcommerce import CONNECTOR
from connectors.platforms.bigcommerce.sandbox.deliveries import RETRY_AFTER
from connectors.platforms.bigcommerce.webhooks import EXCEPTIONS, parse, sign, signing_secrets, verify, whose

HOOKS = CONNECTOR.webhooks
SECRET, KEY = "l2w9c0ud1n4xv7byq5me8rha3tksfz6p", "7f3b52c4a9e10d68"
SIGN = list(signing_secrets({"client_secret": SECRET}))
BODY = b'{"scope":"store/order/updated","data":{"type":"order","id":173},"created_at":1772442900,"producer":"stores/k7w2xq9"}'


def referee():
    """BigCommerce has the secret base64-encoded before it is handed to the library."""
    return Webhook(base64.b64encode(SECRET.encode()).decode())


def delivery(body=BODY, signature=None, stamp=1772442901, **headers):
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": signature or sign(SECRET, "msg_1", stamp, body)}
    return Delivery({**signed, **headers}, body)


# ---- the signature -----------------------------------------------------------------------------------------


def test_the_library_signs_what_we_accept():
    moment = datetime(2026, 3, 2, 9, 15, 1, tzinfo=UTC)
    theirs = referee().sign("msg_1", moment, BODY.decode())
    assert theirs == sign(SECRET, "msg_1", int(moment.timestamp()), BODY)
    verify(delivery(signature=theirs, stamp=int(moment.timestamp())), SIGN)


def test_the_library_accepts_what_the_sandbox_signs():
    with hooked() as (town, inbox):
        town.place()
        wait(lambda: inbox.received)
        got = inbox.received[0]
        secret = town.account.secrets["client_secret"]
        library = Webhook(base64.b64encode(secret.encode()).decode())
        with pytest.raises(WebhookVerificationError):  # the sandbox's clock stands in the past: the library goes by its age
            library.verify(got.body, dict(got.headers))
        stamp = int(time.time())
        fresh = {
            **got.headers,
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(secret, got.headers["webhook-id"], stamp, got.body),
        }
        library.verify(got.body, fresh)
        verify(got, signing_secrets(town.account.secrets))


def test_an_old_signature_is_still_one():
    """A repeat may come two days late with its first time stamp, and dropping it would lose the event."""
    old = int(time.time()) - 3 * 86400
    verify(delivery(stamp=old), SIGN)


def test_one_of_several_signatures_is_enough():
    good = sign(SECRET, "msg_1", 1772442901, BODY)
    verify(delivery(signature=f"v1,bm90aGluZw== v2,xyz {good}"), SIGN)


@pytest.mark.parametrize(
    "bad",
    [
        delivery(signature="v1,bm90aGluZw=="),
        delivery(signature="v2," + sign(SECRET, "msg_1", 1772442901, BODY)[3:]),
        delivery(signature="v1,\udcff"),
        delivery(**{"webhook-id": "msg_2"}),
        delivery(**{"webhook-timestamp": "1772442902"}),
        Delivery(delivery().headers, BODY + b" "),
        Delivery({}, BODY),
    ],
)
def test_whatever_differs_is_refused(bad):
    with pytest.raises(BadSignature):
        verify(bad, [KEY, *SIGN])


def test_our_header_proves_what_is_not_signed():
    verify(Delivery({"x-tillbridge-key": KEY}, BODY), [KEY, *SIGN])
    for headers in (
        {},
        {"x-tillbridge-key": ""},
        {"x-tillbridge-key": "other"},
        {"x-tillbridge-key": SECRET},
        {"x-tillbridge-key": SIGN[0]},
    ):
        with pytest.raises(BadSignature):
            verify(Delivery(headers, BODY), [KEY, *SIGN])


def test_without_a_client_secret_our_header_proves_a_signed_delivery_too():
    verify(delivery(**{"x-tillbridge-key": KEY}), [KEY])
    with pytest.raises(BadSignature):
        verify(delivery(), [KEY])


def test_with_a_client_secret_the_header_does_not_excuse_a_wrong_signature():
    with pytest.raises(BadSignature):
        verify(delivery(signature="v1,bm90aGluZw==", **{"x-tillbridge-key": KEY}), [KEY, *SIGN])


# ---- what it says ------------------------------------------------------------------------------------------


def event(scope, data, **more):
    return parse(Delivery({"webhook-id": "m1"}, json.dumps({"scope": scope, "data": data, **more}).encode()))


@pytest.mark.parametrize(
    ("scope", "data", "kind", "source_id", "deleted"),
    [
        ("store/order/created", {"type": "order", "id": 7}, ObjectType.ORDER, "7", False),
        ("store/order/archived", {"type": "order", "id": 7}, ObjectType.ORDER, "7", False),
        ("store/order/refund/created", {"type": "order", "id": 7, "refund": {"refund_id": 3}}, ObjectType.ORDER, "7", False),
        ("store/order/transaction/updated", {"type": "transaction", "order_id": "7", "transaction_id": "9"}, ObjectType.ORDER, "7", False),
        ("store/channel/2/order/updated", {"type": "order", "order_id": 7}, ObjectType.ORDER, "7", False),
        ("store/customer/updated", {"type": "customer", "id": 5}, ObjectType.CUSTOMER, "5", False),
        ("store/customer/deleted", {"type": "customer", "id": 5}, ObjectType.CUSTOMER, "5", True),
        ("store/customer/address/deleted", {"type": "customer", "id": 60, "address": {"customer_id": 5}}, ObjectType.CUSTOMER, "5", False),
        ("store/product/deleted", {"type": "product", "id": 2}, ObjectType.PRODUCT, "2", True),
        ("store/sku/updated", {"type": "sku", "id": 4, "sku": {"product_id": 2, "variant_id": 3}}, ObjectType.PRODUCT, "2-3", False),
    ],
)
def test_a_payload_names_an_object_and_no_more(scope, data, kind, source_id, deleted):
    found = event(scope, data, created_at=1772442900)
    assert found.notices == (Notice(kind, source_id, scope, deleted, "2026-03-02T09:15:00Z"),)
    assert found.problem == ""
    assert event(scope, data).notices[0].version == "", "some samples lack the time"


def test_repeats_share_the_message_id_and_different_events_do_not_collide():
    first = event("store/order/updated", {"type": "order", "id": 7}, hash="h")
    again = event("store/order/updated", {"type": "order", "id": 7}, hash="h")
    assert first.dedupe_key == again.dedupe_key
    bare = [parse(Delivery({}, json.dumps({"scope": "store/order/updated", "data": {"id": 7}, "hash": "h", "created_at": at}).encode()))
            for at in (1772442900, 1772442901)]  # fmt: skip
    assert bare[0].dedupe_key != bare[1].dedupe_key, "the payload's hash may cover no time"


@pytest.mark.parametrize(("code", "words"), [(90001, "will try again"), (90002, "gave up"), (90003, "blocks our address")])
def test_delivery_exceptions_are_heard(code, words):
    found = event(EXCEPTIONS, {"type": "hook", "id": 12, "error_code": code})
    assert found.notices == ()
    assert words in found.problem
    assert str(code) in found.problem


def test_the_end_of_the_app_ends_the_connection():
    found = event("store/app/uninstalled", {"type": "app"}, created_at=1772442900)
    assert (found.notices, found.problem) == ((), "")
    assert "removed" in found.ends
    assert found.at == datetime(2026, 3, 2, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"scope":"store/order/updated","data":{}}', b'{"scope":5}'])
def test_what_cannot_be_read_is_a_problem(body):
    found = parse(Delivery({}, body))
    assert found.notices == ()
    assert found.problem


def test_a_delivery_names_its_store():
    assert whose(Delivery({}, BODY)) == Whose(ids={"store_hash": "k7w2xq9"})
    assert whose(Delivery({}, b'{"producer":"shops/1"}')) == Whose()


# ---- how the store delivers --------------------------------------------------------------------------------


class Inbox:
    """An address of ours that answers what it is told to."""

    def __init__(self):
        self.status, self.received = 200, []
        self.served = serve(self.build)

    def build(self, _url, _options):
        sandbox = Sandbox(None)
        sandbox.route("POST", "/in/?", self.take)
        return sandbox

    def take(self, call):
        self.received.append(Delivery(call.headers, call.body))
        return Answer(self.status)


class hooked:
    """A store with a hook on orders, and one for exceptions, both on our address."""

    def __init__(self, topics=("store/order/*", EXCEPTIONS), **switches):
        self.topics, self.context = topics, store(**{"noise": False, **switches})

    def __enter__(self):
        self.inbox, self.town = Inbox(), self.context.__enter__()
        self.hooks = [HOOKS.subscriptions.create(self.town.api, topic, f"{self.inbox.served.url}/in/", KEY) for topic in self.topics]
        return self.town, self.inbox

    def __exit__(self, *raised):
        self.inbox.served.stop()
        return self.context.__exit__(*raised)


def wait(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def settled(town):
    wait(lambda: not town.ask("settled")["pending"])


def hook_of(town, scope="store/order/*"):
    return next(hook for hook in town.ask("webhooks")["webhooks"] if hook["scope"] == scope)


def test_eleven_repeats_over_two_days_then_the_hook_is_switched_off():
    assert (len(RETRY_AFTER), sum(RETRY_AFTER)) == (11, 173040)
    with hooked(topics=("store/order/*",)) as (town, inbox):
        inbox.status = 500
        town.ask("fire", scope="store/order/updated", data={"type": "order", "id": 101})
        settled(town)
        for step, pause in enumerate(RETRY_AFTER, start=1):
            assert len(inbox.received) == step
            town.ask("clock", advance=pause - 1)
            settled(town)
            assert len(inbox.received) == step, "too early"
            town.ask("clock", advance=1)
            settled(town)
        assert len(inbox.received) == 12
        assert len({got.headers["webhook-id"] for got in inbox.received}) == 1
        assert len({parse(got).dedupe_key for got in inbox.received}) == 1
        assert hook_of(town)["status"] == "deactivated"
        (listed,) = HOOKS.subscriptions.list(town.api)
        assert listed.status == "disabled"
        assert HOOKS.subscriptions.enable(town.api, listed.id).status == "active"
        (again,) = HOOKS.subscriptions.list(town.api)
        assert again.status == "active"


@pytest.mark.parametrize("resigned", [False, True])
def test_a_repeat_is_taken_whether_it_is_signed_anew_or_not(resigned):
    with hooked(topics=("store/order/*",), resign_retries=resigned) as (town, inbox):
        inbox.status = 503
        town.ask("fire", scope="store/order/updated", data={"type": "order", "id": 101})
        settled(town)
        inbox.status = 200
        town.ask("clock", advance=60)
        settled(town)
        first, second = inbox.received
        assert (first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]) is resigned
        verify(second, signing_secrets(town.account.secrets))
        assert hook_of(town)["status"] == "active"


def test_ninety_days_of_silence_switch_a_hook_off():
    with hooked(topics=("store/customer/*",)) as (town, _inbox):
        town.ask("clock", advance=89 * 86400)
        assert hook_of(town, "store/customer/*")["status"] == "active"
        town.ask("clock", advance=2 * 86400)
        (listed,) = HOOKS.subscriptions.list(town.api)
        assert listed.status == "disabled"


def test_a_hook_that_a_person_switched_off_is_paused():
    with hooked(topics=("store/order/*",)) as (town, _inbox):
        town.ask("set_webhook", id=hook_of(town)["id"], status="inactive")
        assert [one.status for one in HOOKS.subscriptions.list(town.api)] == ["paused"]


def test_a_domain_that_fails_too_often_is_blocked_for_three_minutes():
    with hooked() as (town, inbox):
        inbox.status = 500
        for number in range(110):
            town.ask("fire", scope="store/order/updated", data={"type": "order", "id": number + 1})
        settled(town)
        api = town.api.get("/v3/hooks/admin").json()["data"]
        (blocked,) = api["blocked_domains"].value
        assert 0 < blocked["time_left"] <= 180
        told = {parse(got).problem for got in inbox.received if b"deliveryException" in got.body}
        assert any("will try again" in problem for problem in told)
        count = len(inbox.received)
        town.ask("fire", scope="store/order/updated", data={"type": "order", "id": 999})
        settled(town)
        assert len(inbox.received) == count, "sent to a blocked domain"
        inbox.status = 200
        town.ask("clock", advance=181)
        settled(town)
        assert any(b'"id":999' in got.body for got in inbox.received[count:]), "it was kept for later"
        assert town.api.get("/v3/hooks/admin").json()["data"]["blocked_domains"].value == []


def test_the_hook_for_exceptions_has_an_address_of_its_own():
    with hooked() as (town, inbox):
        destinations = {hook["scope"]: hook["destination"] for hook in town.ask("webhooks")["webhooks"]}
        assert destinations == {"store/order/*": f"{inbox.served.url}/in/", EXCEPTIONS: f"{inbox.served.url}/in"}


def test_the_store_takes_each_hook_once_and_only_on_https():
    with store(https_only=True) as town:
        create = HOOKS.subscriptions.create
        create(town.api, "store/order/*", "https://till.example/in/", KEY)
        for wrong in ("https://till.example/in/", "http://till.example/in/", "https://till.example:8443/in/"):
            with pytest.raises(Refused, match="Validation failed"):
                create(town.api, "store/order/*", wrong, KEY)
        assert len(HOOKS.subscriptions.list(town.api)) == 1


# ---- refunds of one order, one at a time -------------------------------------------------------------------


def test_the_store_refuses_a_refund_while_another_is_being_processed():
    with store(refund_seconds=5.0, noise=False) as town:
        placed = next(one for one in town.place(20) if one["refunded"] == "0.00")
        item = {"item_type": "ORDER", "item_id": int(placed["id"]), "amount": "1.00"}
        town.ask("refund", id=placed["id"], items=[item])
        refused = town.served.sandbox.command("refund", {"id": placed["id"], "items": [item]})
        assert refused["status"] == 422
        assert "being processed" in refused["error"]
        assert len(town.order(placed["id"]).refunds) == 1
        town.ask("clock", now=(datetime.fromisoformat(NOW) + timedelta(seconds=6)).isoformat())
        town.ask("refund", id=placed["id"], items=[item])
        assert len(town.order(placed["id"]).refunds) == 2
