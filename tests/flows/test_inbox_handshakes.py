"""Handshakes bring secrets unsigned: they are kept only where one is awaited, and shown nowhere."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection as database
from django.db import connections

from connectors.kit.contract import Greeting
from connectors.registry import get_connector
from credentials.services import open_api
from flows.inbox.handshake import PENDING_HANDSHAKES, keep_secret
from flows.models import Flow, InboundEvent, Subscription
from flows.subscriptions import confirm_handshakes
from tests.flows.conftest import Town
from tests.flows.inbox_caller import Door, Parcel, from_books, from_shop, handshake, open_door, order_body, post

CANARY = "Vq3xTz0canaryW9rKd7mBs2"
Status = Subscription.Status


@pytest.fixture
def books(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr("flows.inbox.views.ring", lambda: None)
    return Door(flow.destination, "")


def want(door: Door, topic: str = "payment") -> Subscription:
    return Subscription.objects.create(connection=door.connection, topic=topic, status=Status.WANTED)


def kept(door: Door) -> list[tuple[str, str, str, str]]:
    rows = Subscription.objects.filter(connection=door.connection).order_by("id")
    return [(row.topic, row.remote_id, str(row.secret), row.status) for row in rows]


def test_one_that_nobody_waits_for_leaves_nothing(books: Door) -> None:
    assert post(books.path, handshake("5121", CANARY)).status_code == 200
    assert (kept(books), InboundEvent.objects.count()) == ([], 0)


def test_one_that_overtakes_the_answer_waits_under_its_id(books: Door) -> None:
    want(books)
    for _ in range(3):
        assert post(books.path, handshake("5121", CANARY)).status_code == 200
    assert kept(books) == [("payment", "", "", "wanted"), ("pending:5121", "5121", CANARY, "unverified")]
    assert InboundEvent.objects.count() == 0


def test_a_wanted_one_of_another_connection_does_not_count(books: Door, flow: Flow) -> None:
    Subscription.objects.create(connection=flow.source, topic="order.updated", status=Status.WANTED)
    post(books.path, handshake("5121", CANARY))
    assert kept(books) == []


def test_at_most_twenty_wait(books: Door) -> None:
    want(books)
    for number in range(PENDING_HANDSHAKES + 15):
        assert post(books.path, handshake(str(number), CANARY)).status_code == 200
    assert PENDING_HANDSHAKES == 20
    assert len(kept(books)) == 1 + 20


def test_the_awaited_one_gets_its_secret_and_a_newer_one_keeps_the_older(books: Door) -> None:
    row = Subscription.objects.create(connection=books.connection, topic="payment", remote_id="5121", status=Status.UNVERIFIED)
    post(books.path, handshake("5121", "first-verifier"))
    post(books.path, handshake("5121", CANARY))
    row.refresh_from_db()
    assert (str(row.secret), str(row.previous_secret), row.status) == (CANARY, "first-verifier", "unverified")


def test_a_verified_subscription_takes_no_other_secret(books: Door) -> None:
    door = open_door(books.connection, "the-true-verifier", "payment")
    assert post(door.path, handshake("5121", CANARY)).status_code == 200
    assert kept(door) == [("payment", "5121", "the-true-verifier", "active")]
    assert post(door.path, door.good(1, secret=CANARY)).status_code == 401
    assert post(door.path, door.good(1)).status_code == 200


@pytest.mark.parametrize("remote_id", ["", "\x00", "5\x00", "x" * 61, "a b", "\u0665", "1&2", "'; --", "../1"])
def test_ids_that_cannot_be_ids_are_dropped(books: Door, remote_id: str) -> None:
    want(books)
    assert post(books.path, handshake(remote_id, CANARY)).status_code == 200
    assert kept(books) == [("payment", "", "", "wanted")]


def test_endless_verifiers_are_dropped(books: Door) -> None:
    want(books)
    assert post(books.path, handshake("5121", "v" * 501)).status_code == 200
    assert post(books.path, handshake("5122", "")).status_code == 401
    assert kept(books) == [("payment", "", "", "wanted")]


@pytest.mark.django_db(transaction=True)
def test_the_same_handshake_many_times_at_once_is_kept_once(books: Door) -> None:
    want(books)

    def arrive(_number: int) -> None:
        try:
            keep_secret(books.connection.pk, Greeting("handshake", "5121", CANARY))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(arrive, range(8)))
    assert [row[0] for row in kept(books)] == ["payment", "pending:5121"]


def test_a_refused_secret_gives_way_to_the_one_before_and_is_not_tried_for_ever(town: Town) -> None:
    webhooks, connection = get_connector("freshbooks").webhooks, town.orders.destination
    assert webhooks is not None
    made = webhooks.subscriptions.create(open_api(connection), "payment", "http://127.0.0.1:1/in/", "")
    row = Subscription.objects.create(
        connection=connection, topic="payment", remote_id=made.id, status=Status.UNVERIFIED, secret="wrong 2", previous_secret="wrong 1"
    )
    left = []
    for _ in range(3):
        confirm_handshakes()
        row.refresh_from_db()
        left.append((str(row.secret), str(row.previous_secret), row.status))
    assert left == [("wrong 1", "", "unverified"), ("", "", "unverified"), ("", "", "unverified")]
    tries = [call for call in town.books.sandbox.log if call["method"] == "PUT"]
    assert [call["status"] for call in tries] == [422, 422]


def everything_stored() -> str:
    """All rows of all tables as text, with binary columns in plain."""
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            for row in cursor.fetchall():
                found += [bytes(v).decode("latin-1") if isinstance(v, (bytes, memoryview)) else str(v) for v in row]
    return "\n".join(found)


def test_no_secret_shows_in_any_row_or_log(flow: Flow, books: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop = open_door(flow.source, CANARY)
    ledger = open_door(flow.destination, CANARY)
    want(books, "client")
    answers = [
        post(shop.path, shop.good()),
        post(shop.path, from_shop(CANARY, b"garbage")),
        post(shop.path, shop.good(2, secret="wrong")),
        post(ledger.path, ledger.good()),
        post(ledger.path, from_books(CANARY, "timer.create", "3")),
        post(ledger.path, ledger.good(4, secret="wrong")),
        post(ledger.path, handshake("77", CANARY)),
        post(shop.path, Parcel(b"", {"X-Api-Key": "k"})),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 401, 200, 200, 401, 200, 401]
    signature = from_shop(CANARY, order_body(7)).headers[shop.signature]
    stored = everything_stored()
    assert '"status": "processing"' in stored
    for secret in (CANARY, signature):
        assert secret not in stored
        assert secret not in caplog.text
        assert all(secret not in answer.content.decode() + str(answer.headers) for answer in answers)
