"""The payment service tells us: one endpoint, its secret kept, each event once, a disabled endpoint found and what it missed read again."""

from __future__ import annotations

import json
import random
import time
from bisect import bisect_left
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.test import Client
from django.utils import timezone

from connectors.canonical.identity import ObjectType
from connectors.kit.errors import Gone
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.platforms.stripe.api import VERSION
from connectors.registry import get_connector
from credentials.services import open_api
from flows.inbox import receive
from flows.inbox.expand import expand_events
from flows.models import Backfill, InboundEvent, Subscription, SyncRecord
from flows.polling import poll_flow, walk_backfills
from flows.subscriptions import ensure_subscriptions
from tests.flows.till import Till


class Postman:
    """Takes what the service sends, for a test to hand in at our inbox when and as often as it likes."""

    def __init__(self, till: Till) -> None:
        self.till, self.client, self.calls = till, Client(), list[Any]()
        self.served = serve(self._build)

    def _build(self, _url: str, _options: Any) -> Sandbox:
        sandbox = Sandbox(None)
        sandbox.route("POST", "/in/.*", self._take)
        return sandbox

    def _take(self, call: Any) -> Answer:
        self.calls.append(call)
        return Answer(200)

    def letters(self) -> list[Any]:
        """All that was sent so far."""
        deadline = time.monotonic() + 10
        while self.till.service.sandbox.courier.pending and time.monotonic() < deadline:
            time.sleep(0.02)
        return list(self.calls)

    def hand_in(self, call: Any) -> int:
        header = call.headers["stripe-signature"]
        answer = self.client.post(call.path, call.body, content_type="application/json", headers={"stripe-signature": header})
        return int(answer.status_code)


@pytest.fixture
def post(till: Till, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(receive, "_senders", {})
    monkeypatch.setattr("flows.inbox.views.ring", lambda: None)
    postman = Postman(till)
    settings.PUBLIC_URL = postman.served.url
    assert ensure_subscriptions(till.back.source) == []
    yield postman
    postman.served.stop()


def test_one_endpoint_in_our_version_with_the_secret_that_it_was_given(till: Till, post: Postman) -> None:
    [endpoint] = till.service.sandbox.state.tables["webhook_endpoints"].values()
    row = Subscription.objects.get(connection=till.back.source)
    assert (row.topic, row.remote_id, row.status, row.secret) == ("collection", endpoint["id"], "active", endpoint["_secret"])
    assert endpoint["api_version"] == VERSION
    ensure_subscriptions(till.back.source)
    assert len(till.service.sandbox.state.tables["webhook_endpoints"]) == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_first_twice_or_late_is_booked_once(till: Till, post: Postman, seed: int) -> None:
    chance = random.Random(seed)
    invoice, at = till.issued()
    paid = [till.pay(at, amount) for amount in ("30.00", "45.00", "25.00")]
    till.ask(till.service, "refund", payment=chance.choice(paid)["payment"], amount="10.00")
    letters = post.letters() * 2
    chance.shuffle(letters)
    for letter in letters:
        assert post.hand_in(letter) == 200
        if chance.random() < 0.4:
            expand_events(timezone.now())
            till.work()
    expand_events(timezone.now())
    till.work()
    till.due_now()
    till.work()
    assert InboundEvent.objects.count() == len(letters) // 2
    assert sum(int(amount.replace(".", "")) for amount in till.recorded(invoice)) == 9000
    assert len(till.recorded(invoice)) == 3
    record = SyncRecord.objects.get(flow=till.back, source_id=at["id"])
    assert (record.exact, till.here(invoice)["outstanding"]) == (True, "10.00")


def test_a_wrong_signature_is_refused_and_nothing_is_stored(till: Till, post: Postman) -> None:
    till.issued()
    [letter] = [call for call in post.letters() if b"invoice.finalized" in call.body]
    changed = type(letter)(letter.method, letter.path, letter.query, letter.headers, letter.body + b" ", letter.url)
    assert post.hand_in(changed) == 401
    assert InboundEvent.objects.count() == 0
    assert post.hand_in(letter) == 200


def test_an_echo_of_our_own_write_is_kept_and_makes_no_job(till: Till, post: Postman) -> None:
    till.issued()
    echoes = [call for call in post.letters() if json.loads(call.body)["type"] == "invoice.updated"]
    assert echoes
    for call in echoes:
        post.hand_in(call)
    assert set(InboundEvent.objects.values_list("state", "note")) == {("ignored", "The echo of a write of ours.")}
    assert expand_events(timezone.now()) == 0


def test_a_disabled_endpoint_is_found_switched_on_and_what_it_missed_is_read(till: Till, post: Postman) -> None:
    connection = till.back.source
    connection.reenable_subscriptions = True
    connection.save()
    invoice, at = till.issued()
    till.ask(till.service, "disable_endpoints")
    till.pay(at)
    assert not [call for call in post.letters() if json.loads(call.body)["type"] == "invoice.paid"]
    [sentence] = ensure_subscriptions(connection)
    assert "switched off by the platform" in sentence
    [endpoint] = till.service.sandbox.state.tables["webhook_endpoints"].values()
    assert endpoint["status"] == "enabled"
    assert Backfill.objects.filter(flow=till.back).count() == 1
    walk_backfills()
    till.work()
    assert till.recorded(invoice) == ["100.00"]


def test_polling_finds_what_no_webhook_told(till: Till) -> None:
    invoice, at = till.issued()
    till.pay(at, "60.00")
    later = timezone.now() + timedelta(seconds=10)
    poll_flow(till.back.pk, later)
    till.work()
    assert till.recorded(invoice) == ["60.00"]
    assert poll_flow(till.back.pk, later + timedelta(seconds=5)) == 0  # nothing new, so nobody is asked again


def test_a_lost_secret_is_replaced_by_a_new_registration(till: Till, post: Postman) -> None:
    before = Subscription.objects.get(connection=till.back.source)
    Subscription.objects.update(secret="")
    ensure_subscriptions(till.back.source)
    after = Subscription.objects.get(connection=till.back.source)
    assert after.remote_id != before.remote_id
    assert after.secret.startswith("whsec_")
    assert len(till.service.sandbox.state.tables["webhook_endpoints"]) == 1


def test_the_rate_stays_within_what_the_service_allows_in_any_second(till: Till) -> None:
    """25 a second to each kind of call, and the account starts after a quiet time, when a burst is saved up."""
    connection = till.back.source
    connection.settings = {}  # the platform's own rate
    connection.save()
    till.service.sandbox.command("forget", {})

    for _ in range(50):
        with pytest.raises(Gone):
            get_connector("stripe").writes[ObjectType.CUSTOMER].get(open_api(connection), "cus_none")
    times = sorted(entry["at"] for entry in till.service.sandbox.log)
    busiest = max(bisect_left(times, at + 1.0) - place for place, at in enumerate(times))
    assert len(times) == 50
    assert 15 <= busiest <= 26  # one more than allowed, for a call that the wire held up


def test_a_thin_event_is_looked_up_and_booked_once_beside_the_full_one(till: Till, post: Postman) -> None:
    invoice, at = till.issued()
    till.pay(at, "100.00")
    full = next(call for call in post.letters() if b"invoice.paid" in call.body)
    related = {"id": at["id"], "type": "invoice", "url": f"/v1/invoices/{at['id']}"}
    thin = {
        "id": "evt_thin_1",
        "object": "v2.core.event",
        "type": "v1.invoice.paid",
        "created": timezone.now().isoformat(),
        "livemode": False,
    }
    body = json.dumps({**thin, "related_object": related}).encode()
    secret = Subscription.objects.get(connection=till.back.source).secret
    assert post.client.post(full.path, body, content_type="application/json", headers={"stripe-signature": "t=1,v1=00"}).status_code == 401
    assert InboundEvent.objects.count() == 0
    header = stripe_signature(body, str(secret))
    assert post.client.post(full.path, body, content_type="application/json", headers={"stripe-signature": header}).status_code == 200
    expand_events(timezone.now())
    till.work()
    assert till.recorded(invoice) == ["100.00"]
    assert post.hand_in(full) == 200
    expand_events(timezone.now())
    till.work()
    assert till.recorded(invoice) == ["100.00"]
    assert InboundEvent.objects.count() == 2


def stripe_signature(body: bytes, secret: str) -> str:
    """As the official package makes it."""
    at = int(time.time())
    signed = stripe.WebhookSignature._compute_signature(f"{at}.{body.decode()}", secret)
    return f"t={at},v1={signed}"
