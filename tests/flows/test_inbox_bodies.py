"""Bodies and headers of deliveries: unmeasured, broken off, too large, and signed garbage."""

from __future__ import annotations

import gzip
import io
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings

from audit.models import Alert
from flows.models import InboundEvent
from tests.flows.inbox_caller import FORM, Door, Parcel, from_books, from_shop, order_body, post, refused


class Unread(io.RawIOBase):
    """A body that must not be read."""

    def read(self, _size: int = -1) -> bytes:
        raise AssertionError("the body was read")


def test_a_stranger_s_body_is_not_read(door: Door, bell: Mock) -> None:
    meta = {"CONTENT_LENGTH": "100", "wsgi.input": Unread()}
    refused(door, door.good(), bell, status=404, path=door.path[:-3], meta=meta)


class Broken(io.RawIOBase):
    """A sender that goes away half way."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    def read(self, _size: int = -1) -> bytes:
        if self.parts:
            return self.parts.pop()
        raise ConnectionResetError


def test_a_body_that_says_it_is_too_large_is_not_read(door: Door, bell: Mock) -> None:
    for told in (settings.MAX_BODY_BYTES + 1, 10**12, 10**18):
        refused(door, door.good(), bell, status=413, meta={"CONTENT_LENGTH": str(told), "wsgi.input": Unread()})


def chunked(parcel: Parcel, stream: Any = None) -> dict[str, Any]:
    """What the server tells of a body without length."""
    told = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    return {**told, "wsgi.input": stream or io.BytesIO(parcel.body)}


def test_a_body_without_length_is_read_to_its_end(door: Door, bell: Mock) -> None:
    refused(door, door.good(), bell, meta=chunked(door.good().but(b"not the signed one")))
    assert post(door.path, door.good(), **chunked(door.good())).status_code == 200
    assert bytes(InboundEvent.objects.get().body) == door.good().body


def test_a_body_without_length_is_bounded(door: Door, bell: Mock) -> None:
    endless = Mock(read=Mock(return_value=b"0" * 65536))
    refused(door, door.good(), bell, status=413, meta=chunked(door.good(), endless))
    assert endless.read.call_count == settings.MAX_BODY_BYTES // 65536 + 1


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "+7", "0x10", "\u0663", "1,1", "9" * 30, " ", "7 7"])
def test_a_length_that_is_none_is_no_crash(door: Door, bell: Mock, length: str) -> None:
    refused(door, door.good(), bell, meta={"CONTENT_LENGTH": length, "wsgi.input": Unread()})
    parcel = door.good()
    assert post(door.path, parcel, **{**chunked(parcel), "CONTENT_LENGTH": length}).status_code == 200
    assert InboundEvent.objects.count() == 1


def test_lengths_that_lie_are_refused(door: Door, bell: Mock) -> None:
    body = door.good().body
    for told in (len(body) - 1, 1, 0):
        refused(door, door.good(), bell, meta={"CONTENT_LENGTH": str(told), "wsgi.input": io.BytesIO(body)})
    refused(door, door.good(), bell, meta={"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body[:-1])})


def test_a_body_that_breaks_off_is_refused(door: Door, bell: Mock) -> None:
    length = str(len(door.good().body))
    refused(door, door.good(), bell, status=400, meta={"CONTENT_LENGTH": length, "wsgi.input": Broken()})
    refused(door, door.good(), bell, status=400, meta=chunked(door.good(), Broken(door.good().body[:9])))


def test_the_largest_body_allowed_is_taken(shop_door: Door) -> None:
    filling = settings.MAX_BODY_BYTES - len(b'{"id":7,"status":"x","z":""}')
    body = b'{"id":7,"status":"x","z":"' + b"z" * filling + b'"}'
    assert len(body) == settings.MAX_BODY_BYTES
    assert post(shop_door.path, from_shop(shop_door.secret, body)).status_code == 200
    assert InboundEvent.objects.get().source_id == "7"


# ---- pings -------------------------------------------------------------------------------------------------


def test_a_ping_is_answered_and_leaves_nothing(shop_door: Door, bell: Mock) -> None:
    for number in range(30):
        refused(shop_door, Parcel(f"webhook_id={number + 1}".encode(), {"Content-Type": FORM}), bell, status=200)
    assert Alert.objects.count() == 0


@pytest.mark.parametrize("body", [b"webhook_id=", b"webhook_id=a", b"webhook_id=1&id=7", b"webhook_id=%00", b'{"webhook_id":1}', b"x=1"])
def test_what_only_resembles_a_ping_is_refused(door: Door, bell: Mock, body: bytes) -> None:
    refused(door, Parcel(body, {"Content-Type": FORM}), bell)


# ---- signed, but useless -----------------------------------------------------------------------------------

NUL = chr(92) + "u0000"
USELESS = [
    b"", b"null", b"[]", b'"text"', b"17", b"{", b"\xff\xfe\x00", gzip.compress(b'{"id":7}'), b"[" * 100_000, b'{"id":NaN}',
    b'{"id":null}', b'{"id":{}}', b'{"id":true}', b'{"id":1.5}', b'{"id":""}', b'{"status":"processing"}', b"\x00\x01\x02" * 50,
    f'{{"id":"{NUL}","status":"x"}}'.encode(), f'{{"id":"7{NUL}","status":"x"}}'.encode(), b'{"id":"\\ud800","status":"x"}',
    b'{"id":"' + b"9" * 101 + b'","status":"x"}', b'{"id":' + b"9" * 4000 + b',"status":"x"}', b'{"id":' + b"9" * 5000 + b',"status":"x"}',
    b'{"id":7,"status":{}}', b'{"id":7,"status":"x","date_modified_gmt":[]}', b'{"code":"rest_oops","message":"no","data":{"status":500}}',
    f'{{"code":"{NUL}","message":"{NUL}"}}'.encode(),
]  # fmt: skip


@pytest.mark.parametrize("body", USELESS, ids=[str(n) for n in range(len(USELESS))])
def test_signed_garbage_is_kept_as_evidence_and_told(shop_door: Door, bell: Mock, body: bytes) -> None:
    for _ in range(2):
        assert post(shop_door.path, from_shop(shop_door.secret, body)).status_code == 200
    event = InboundEvent.objects.get()
    assert (bytes(event.body), event.state, event.notices, event.object_type) == (body, "ignored", [], "")
    assert event.note
    alert = Alert.objects.get()
    assert (alert.cause, alert.count) == (f"webhook:{shop_door.connection.pk}", 2)
    assert shop_door.secret not in alert.message + event.note


@pytest.mark.parametrize(
    ("name", "object_id"),
    [("timer.create", "9"), ("payment.create", "abc"), ("payment.create", ""), ("", "7"), ("payment.create", "\x00"), ("x" * 900, "7"),
     ("payment.create", "9" * 101), ("\x00.create", "7")],
)  # fmt: skip
def test_signed_forms_that_say_nothing_known(books_door: Door, name: str, object_id: str) -> None:
    assert post(books_door.path, from_books(books_door.secret, name, object_id)).status_code == 200
    event = InboundEvent.objects.get()
    assert (event.state, event.notices) == ("ignored", [])
    assert Alert.objects.get().cause == f"webhook:{books_door.connection.pk}"


ODD_TOPICS = [
    "",
    "order",
    "order.",
    "\x00",
    "order.updated\x00",
    "x" * 5000,
    "\xff\x80",
    "coupon.created",
    "order.updated, order.updated",
    " ",
]


@pytest.mark.parametrize("topic", ODD_TOPICS)
def test_topics_are_not_signed_and_never_a_crash(shop_door: Door, topic: str) -> None:
    assert post(shop_door.path, from_shop(shop_door.secret, order_body(7), topic)).status_code == 200
    event = InboundEvent.objects.get()
    assert "\x00" not in event.topic + event.dedupe_key + str(event.headers) + str(event.notices)
    assert len(event.topic) <= 80


def test_odd_headers_are_stored_harmlessly(shop_door: Door) -> None:
    odd = {"X-Odd": "a\x00b\x1b", "X-Long": "y" * 9000, "X-Bytes": "\xe9\xff", "User-Agent": "\x00", "X-WC-Webhook-ID": "\x00" * 30}
    assert post(shop_door.path, from_shop(shop_door.secret, order_body(7), **odd)).status_code == 200
    headers = InboundEvent.objects.get().headers
    assert (headers["x-odd"], headers["x-long"], headers["x-bytes"]) == ("ab", "y" * 500, "\xe9\xff")


def test_overlong_versions_are_cut_and_still_make_a_job(shop_door: Door) -> None:
    assert post(shop_door.path, from_shop(shop_door.secret, order_body(7, "2" * 500))).status_code == 200
    assert InboundEvent.objects.get().notices[0]["version"] == "2" * 40
