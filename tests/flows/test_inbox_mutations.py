"""Ten thousand deliveries with mutated bodies and headers: never a server error, nothing stored that was not signed."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable
from unittest.mock import Mock
from urllib.parse import parse_qsl, quote_plus

import pytest

from flows.models import Flow, InboundEvent, Subscription
from tests.flows.inbox_caller import FORM, Door, Parcel, from_books, from_shop, handshake, hmac_base64, open_door, order_body, post

CASES = 5_000  # for each platform
Mutation = Callable[[random.Random, Parcel, Door], Parcel]
JUNK = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{}",
    b"[]",
    b"null",
    b"&",
    b"=",
    b"%",
    b"%00",
    b"+",
    b'"',
    b"\r\n",
    b"\xf0\x9f\x92\xa9",
    b"id",
    b"9" * 400,
]


def _bytes(chance: random.Random, most: int) -> bytes:
    return chance.randbytes(chance.randrange(most))


def flip(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    body = bytearray(parcel.body)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        if body:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return parcel.but(bytes(body))


def cut(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    return parcel.but(parcel.body[: chance.randrange(len(parcel.body) + 1)])


def insert(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    at = chance.randrange(len(parcel.body) + 1)
    return parcel.but(parcel.body[:at] + chance.choice((chance.choice(JUNK), _bytes(chance, 40))) + parcel.body[at:])


def shuffle(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    parts = parcel.body.split(chance.choice((b"&", b",", b":", b"=")))
    chance.shuffle(parts)
    return parcel.but(chance.choice((b"&", b",")).join(parts))


def recode(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    """The same in another writing; of a form the same fields again, which stays signed."""
    body = parcel.body
    escaped = "&".join(f"{k}={quote_plus(v) if chance.random() < 0.5 else v.replace('.', '%2e')}" for k, v in _pairs(body)).encode()
    return parcel.but(chance.choice((gzip.compress(body), body.decode("latin-1").encode("utf-16"), body * 2, body[::-1], escaped)))


def replace_body(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    return parcel.but(chance.choice((chance.choice(JUNK), _bytes(chance, 300), b"[" * chance.randrange(3000))))


def spoil_signature(chance: random.Random, parcel: Parcel, door: Door) -> Parcel:
    signature = bytearray(parcel.headers[door.signature] or "A", "latin-1")
    for _ in range(chance.choice((1, 2, 5))):
        signature[chance.randrange(len(signature))] = chance.randrange(1, 256)
    spoiled = signature[: chance.choice((len(signature), chance.randrange(len(signature))))].decode("latin-1")
    return Parcel(parcel.body, {**parcel.headers, door.signature: chance.choice((spoiled, spoiled * 2, f" {spoiled} ", spoiled.upper()))})


def forge(chance: random.Random, parcel: Parcel, door: Door) -> Parcel:
    forged = hmac_base64(chance.choice(("", "None", "another connection's", door.secret.upper())), parcel.body)
    return Parcel(parcel.body, {**parcel.headers, door.signature: forged})


def spoil_header(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    """Any header but the signature is free for everybody to change."""
    names = [*parcel.headers, "Content-Encoding", "X-Forwarded-For", "Host-Override", "X-WC-Webhook-Source", "X" * 300, "Cookie", "Expect"]
    headers = dict(parcel.headers)
    for _ in range(chance.choice((1, 2, 4))):
        headers[chance.choice(names)] = chance.choice((_bytes(chance, 60), chance.choice(JUNK))).decode("latin-1")
    return Parcel(parcel.body, headers)


def drop_headers(chance: random.Random, parcel: Parcel, _door: Door) -> Parcel:
    return Parcel(parcel.body, {name: value for name, value in parcel.headers.items() if chance.random() < 0.6})


def greet(chance: random.Random, _parcel: Parcel, _door: Door) -> Parcel:
    """Unsigned greetings and what resembles them."""
    ping = Parcel(b"webhook_id=" + chance.choice((b"7", b"", b"x", b"%00", b"7&a=b")), {"Content-Type": FORM})
    return chance.choice((ping, handshake(chance.choice(("5121", "", "\x00", "z" * 300)), chance.choice(("v", "", "v" * 900)))))


MUTATIONS: tuple[Mutation, ...] = (
    flip, cut, insert, shuffle, recode, replace_body, spoil_signature, forge, spoil_header, drop_headers, greet,
)  # fmt: skip


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return []


def still_signed(door: Door, parcel: Parcel, signed: Parcel) -> bool:
    """Whether body and signature are what was signed: the very bytes of a shop, the very fields of a form."""
    if parcel.headers.get(door.signature, "").strip() != signed.headers[door.signature]:
        return False
    if door.connection.platform == "woocommerce":
        return parcel.body == signed.body
    return sorted(_pairs(parcel.body)) == sorted(_pairs(signed.body))


def an_original(chance: random.Random, door: Door, number: int) -> Parcel:
    if door.connection.platform == "woocommerce":
        return from_shop(door.secret, {**order_body(number), "note": chance.choice(("", "caf\u00e9", "x" * 500))})
    return from_books(door.secret, chance.choice(("payment.create", "client.create")), str(number), system="https://b.example/?a=b c")


@pytest.mark.parametrize("side", ["shop", "books"])
def test_ten_thousand_mutated_deliveries(side: str, flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Mock()
    monkeypatch.setattr("flows.inbox.views.ring", bell)
    door = open_door(flow.source if side == "shop" else flow.destination, f"secret-of-{side}")
    before = list(Subscription.objects.values_list("status", "remote_id"))
    chance, seen = random.Random(20261102), Counter[str]()
    for number in range(CASES):
        signed = parcel = an_original(chance, door, number)
        for mutation in chance.choices(MUTATIONS, k=chance.choice((1, 1, 1, 2, 3))):
            if door.signature in parcel.headers:
                parcel = mutation(chance, parcel, door)
        rung = bell.call_count
        status = post(chance.choice((door.path, door.path.rstrip("/"))), parcel).status_code
        stored = bell.call_count - rung
        if still_signed(door, parcel, signed):
            assert status == 200, (number, parcel)
            seen["signed"] += 1
        else:
            assert (status, stored) in ((401, 0), (200, 0)), (number, parcel, status, stored)
            seen["greeted" if status == 200 else "refused"] += 1
    assert InboundEvent.objects.count() == bell.call_count == seen["signed"]
    assert list(Subscription.objects.values_list("status", "remote_id")) == before
    assert seen["refused"] > CASES * 0.6
    assert seen["signed"] > CASES * 0.05
    assert 0 < seen["greeted"] < CASES * 0.15
