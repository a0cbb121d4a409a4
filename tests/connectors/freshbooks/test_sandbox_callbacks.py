"""Webhooks of the FreshBooks sandbox: the handshake, who gets what, signatures, repeats and failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fb_sandbox_driver import Driver, Receiver, running

from connectors.platforms.freshbooks.sandbox.webhooks import sign

VERIFIER = "mT4vXq9LkWc2ZsB7nEa5RyUhJd8PfGo1C"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


def register(books: Driver, receiver: Receiver, event: str = "invoice", *, verify: bool = True) -> int:
    """A callback, and its handshake answered; forgets what was received for it."""
    answer = books.events("POST", body={"event": event, "uri": receiver.url})
    assert answer.status_code == 200, answer.text
    callback = answer.json()["response"]["result"]["callback"]
    assert (callback["verified"], callback["event"], callback["uri"]) == (False, event, receiver.url)
    books.settled()
    handshake = receiver.fields()[-1]
    assert (handshake["name"], handshake["object_id"]) == ("callback.verify", str(callback["callbackid"]))
    if verify:
        answer = books.events("PUT", callback["callbackid"], {"verifier": handshake["verifier"]})
        assert answer.json()["response"]["result"]["callback"]["verified"] is True
        receiver.received.clear()
    return callback["callbackid"]


def webhook(books: Driver, callback: int) -> dict[str, Any]:
    return next(each for each in books.admin("webhooks")["webhooks"] if each["callbackid"] == callback)


def test_signature_vectors() -> None:
    """Worked out with openssl over the JSON text written by hand."""
    plain = {"name": "payment.update", "object_id": "940017", "account_id": "Tb7Qx1", "business_id": "31007001", "identity_id": "27004411"}
    assert sign(VERIFIER, {**plain, "user_id": "1"}) == "cl+uJ4oM57HjjLkQKRNw2jhiaaGLUasi8UOuJm/0aVw="
    odd = {"user_id": "1", "system": "https://café-pots.example/a?b=c:d", "name": "invoice.create", "object_id": "830004"}
    assert sign(VERIFIER, {**odd, "account_id": "Tb7Qx1"}) == "WDDZVor7aoelfoYtS1U8AW2TkdJKtTgIj1pVXG2Al1w="
    assert sign(VERIFIER, {"account_id": "Tb7Qx1", **odd}) != sign(VERIFIER, {**odd, "account_id": "Tb7Qx1"})


@pytest.mark.parametrize("order", ["docs", "random"])
def test_deliveries_are_signed_in_the_order_they_are_sent(receiver: Receiver, order: str) -> None:
    with running(field_order=order, system="https://café-pots.example") as books:
        callback = register(books, receiver)
        for _ in range(8):
            books.invoice(books.client()["id"], "1.00")
        books.settled()
        orders = set()
        for (headers, _), fields in zip(receiver.received, receiver.fields(), strict=True):
            assert headers["content-type"] == "application/x-www-form-urlencoded"
            assert headers["x-freshbooks-hmac-sha256"] == sign(webhook(books, callback)["verifier"], fields)
            assert fields["system"] == "https://café-pots.example"
            orders.add(tuple(fields))
        assert len(receiver.received) == 8
        assert (len(orders) == 1) == (order == "docs")


def test_the_handshake_carries_the_verifier_and_no_signature(receiver: Receiver) -> None:
    with running() as books:
        callback = register(books, receiver, verify=False)
        headers, _ = receiver.received[0]
        assert "x-freshbooks-hmac-sha256" not in headers
        assert len(receiver.fields()[0]["verifier"]) == 33
        wrong = books.events("PUT", callback, {"verifier": "guess"})
        assert (wrong.status_code, wrong.json()["errno"]) == (422, 422)
        assert books.events("GET", callback).json()["response"]["result"]["callback"]["verified"] is False


def test_only_verified_callbacks_get_anything(receiver: Receiver) -> None:
    with running() as books:
        callback = register(books, receiver, "client")
        books.client()
        books.settled()
        assert receiver.names() == ["client.create"]
        books.admin("unverify", callbackid=callback)
        books.client()
        books.settled()
        assert receiver.names() == ["client.create"]


@pytest.mark.parametrize("policy", ["new", "same"])
def test_resend_brings_the_verifier_again(receiver: Receiver, policy: str) -> None:
    with running(resend_verifier=policy) as books:
        callback = register(books, receiver)
        before = webhook(books, callback)["verifier"]
        books.admin("unverify", callbackid=callback)
        assert books.events("PUT", callback, {"resend": True}).status_code == 200
        books.settled()
        again = receiver.fields()[-1]["verifier"]
        assert (again == before) == (policy == "same")
        books.events("PUT", callback, {"verifier": again})
        assert webhook(books, callback)["verified"] is True


def test_nouns_and_verbs_and_the_echo_of_own_writes(receiver: Receiver) -> None:
    with running() as books:
        register(books, receiver, "invoice")
        register(books, receiver, "payment.create")
        client = books.client()["id"]
        made = books.invoice(client, "5.00")["id"]
        paid = books.pay(made, "5.00")["id"]
        books.ok("PUT", f"payments/payments/{paid}", {"payment": {"note": "x"}})
        books.ok("PUT", f"invoices/invoices/{made}", {"invoice": {"vis_state": 1}})
        books.settled()
        expected = ["invoice.create", "invoice.delete", "invoice.update", "invoice.update", "payment.create"]
        assert sorted(receiver.names()) == expected
        assert {fields["object_id"] for fields in receiver.fields() if fields["name"] == "payment.create"} == {str(paid)}


def test_what_a_person_does_by_hand_fires_too(receiver: Receiver) -> None:
    with running() as books:
        made = books.invoice(books.client()["id"], "5.00")["id"]
        register(books, receiver, "payment")
        books.admin("pay", invoice_id=made, amount="2.00")
        books.settled()
        assert receiver.names() == ["payment.create"]
        books.admin("fire", event="payment.create", object_id=receiver.fields()[0]["object_id"])
        books.settled()
        assert receiver.names() == ["payment.create"] * 2


def test_bad_registrations_are_refused_without_a_handshake(receiver: Receiver) -> None:
    with running() as books:
        answer = books.events("POST", body={"event": "invoice.paid", "uri": "in/hook"})
        assert (answer.status_code, len(answer.json()["details"])) == (422, 2)
        assert books.events("POST", body={"event": "invoice", "uri": "http://[x"}).status_code == 422
        assert books.events("POST", body=[]).json()["errno"] == 400
        assert books.events("GET", 77).json() == {"errno": 404, "message": "Requested resource could not be found."}
        books.token = "stranger"
        assert books.events("GET").json()["errno"] == 401
        assert receiver.received == []
        assert books.admin("webhooks") == {"webhooks": []}


def test_lists_and_deletes(receiver: Receiver) -> None:
    with running() as books:
        first, second = register(books, receiver, "invoice"), register(books, receiver, "payment")
        found = books.events("GET").json()["response"]["result"]
        assert [row["callbackid"] for row in found["callbacks"]] == [first, second]
        assert found["total"] == 2
        assert set(found["callbacks"][0]) == {"callbackid", "id", "verified", "uri", "event", "updated_at"}
        gone = books.events("DELETE", first)
        assert (gone.status_code, gone.content) == (204, b"")
        assert books.events("DELETE", first).status_code == 404
        books.invoice(books.client()["id"], "1.00")
        books.settled()
        assert receiver.received == []


def test_a_moved_callback_has_to_prove_itself_again(receiver: Receiver) -> None:
    with running() as books:
        callback = register(books, receiver)
        assert books.events("PUT", callback, {"uri": receiver.url + "other"}).json()["response"]["result"]["callback"]["verified"] is False
        books.settled()
        assert receiver.names() == ["callback.verify"]


def test_three_attempts_with_the_same_body(receiver: Receiver) -> None:
    with running(retry_pauses=[0.05, 0.05]) as books:
        callback = register(books, receiver, "client")
        receiver.statuses = [500, 302, 200]
        books.client()
        books.settled()
        assert len({body for _, body in receiver.received}) == 1
        assert len(receiver.received) == 3
        assert webhook(books, callback)["failures"] == 0
        receiver.statuses = [500] * 3
        books.client()
        books.settled()
        assert len(receiver.received) == 6
        assert webhook(books, callback)["failures"] == 1


def test_lost_deliveries_in_a_row_unverify_when_switched(receiver: Receiver) -> None:
    with running(retry_pauses=[], unverify_after=2) as books:
        callback = register(books, receiver, "client")
        for statuses in ([500], [200], [500], [500]):
            assert webhook(books, callback)["verified"] is True
            receiver.statuses = statuses
            books.client()
            books.settled()
        assert webhook(books, callback)["verified"] is False


def test_the_courier_doubles_loses_and_holds(receiver: Receiver) -> None:
    with running() as books:
        register(books, receiver, "client")
        books.admin("deliveries", copies=3)
        books.client()
        books.settled()
        assert receiver.names() == ["client.create"] * 3
        books.admin("deliveries", copies=1, lose=1.0)
        books.client()
        books.settled()
        assert len(receiver.received) == 3
        books.admin("deliveries", lose=0.0, hold=True)
        books.client()
        books.client()
        books.settled()
        assert len(receiver.received) == 3
        books.admin("deliveries", hold=False)
        books.settled()
        assert len(receiver.received) == 5
        books.admin("deliveries", shuffle=0.1)
        for _ in range(10):
            books.client()
        books.settled()
        ids = [int(fields["object_id"]) for fields in receiver.fields()[5:]]
        assert len(set(ids)) == 10
        assert ids != sorted(ids)
