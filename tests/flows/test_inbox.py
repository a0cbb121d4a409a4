"""The webhook endpoint: what is accepted, what is refused, and that nothing refused leaves a trace."""

from __future__ import annotations

import gzip
from typing import Any
from unittest.mock import Mock

import pytest
from django.conf import settings
from django.test import Client

from audit.models import Alert
from flows.models import Flow, InboundEvent, Subscription
from tests.flows.conftest import MakeFlow
from tests.flows.inbox_caller import Door, Parcel, from_books, open_door, post, refused

# ---- accepted ----------------------------------------------------------------------------------------------


def test_a_signed_delivery_is_stored_as_it_came(door: Door, bell: Mock) -> None:
    parcel = door.good()
    assert post(door.path, parcel).status_code == 200
    event = InboundEvent.objects.get()
    assert (bytes(event.body), event.connection, event.source_id) == (parcel.body, door.connection, "7")
    assert (event.state, event.note, event.out_of_order) == ("received", "", False)
    assert bell.call_count == 1


def test_a_repeat_is_acknowledged_and_not_stored_again(door: Door, bell: Mock) -> None:
    assert [post(door.path, door.good()).status_code for _ in range(5)] == [200] * 5
    assert InboundEvent.objects.count() == 1
    assert bell.call_count == 1
    post(door.path, door.good(8))
    assert InboundEvent.objects.count() == 2


def test_changes_without_an_event_id_are_all_kept(books_door: Door) -> None:
    parcel = from_books(books_door.secret, "payment.update", "7")
    assert [post(books_door.path, parcel).status_code for _ in range(3)] == [200] * 3
    assert list(InboundEvent.objects.values_list("source_id", flat=True)) == ["7"] * 3


def test_with_and_without_the_slash_never_a_redirect(door: Door) -> None:
    for number, path in enumerate((door.path, door.path.rstrip("/"))):
        answer = post(path, door.good(number + 1))
        assert (answer.status_code, answer.content, "Location" in answer.headers) == (200, b"", False)
    assert InboundEvent.objects.count() == 2
    assert post(door.path.rstrip("/"), door.good().but(b"{}")).status_code == 401


def test_a_secret_that_was_just_changed_is_known_at_once(door: Door) -> None:
    assert post(door.path, door.good(1)).status_code == 200
    Subscription.objects.filter(connection=door.connection).delete()
    open_door(door.connection, "the-new-secret")
    assert post(door.path, door.good(2, secret="the-new-secret")).status_code == 200


def test_the_previous_secret_stays_good_during_a_change(door: Door) -> None:
    row = Subscription.objects.get()
    row.previous_secret, row.secret = row.secret, "the-new-secret"
    row.save()
    assert post(door.path, door.good(1)).status_code == 200
    assert post(door.path, door.good(2, secret="the-new-secret")).status_code == 200


# ---- refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: "",
        lambda s: s[:-1],
        lambda s: s[:-4] + "AAA=",
        lambda s: s.swapcase(),
        lambda s: s[0].swapcase() + s[1:] if s[0].isalpha() else "A" + s[1:],
        lambda s: s.rstrip("="),
        lambda s: s + "=",
        lambda s: f"{s}, {s}",
        lambda s: f"sha256={s}",
        lambda s: '"' + s + '"',
        lambda s: s[::-1],
        lambda s: "A" * 20000,
        lambda s: "\xff\xfe\x80",
        lambda s: "\x00",
        lambda s: "None",
    ],
)
def test_a_spoiled_signature_is_refused(door: Door, bell: Mock, spoil: Any) -> None:
    parcel = door.good()
    refused(door, Parcel(parcel.body, {**parcel.headers, door.signature: spoil(parcel.headers[door.signature])}), bell)


def test_an_unsigned_delivery_is_refused(door: Door, bell: Mock) -> None:
    parcel = door.good()
    refused(door, Parcel(parcel.body, {k: v for k, v in parcel.headers.items() if k != door.signature}), bell)
    refused(door, Parcel(parcel.body), bell)
    refused(door, Parcel(b""), bell)


def test_a_changed_body_is_refused(door: Door, bell: Mock) -> None:
    body = door.good().body
    middle = len(body) // 2
    changed = [body[:-1], body[:middle], body[1:], b"", body + b"0", body[:5] + bytes([body[5] ^ 1]) + body[6:], body.upper(), body * 2]
    changed += [gzip.compress(body), body.decode().encode("utf-16"), b"\xff" + body, bytes(range(256)), b"\x00" * 300]
    for other in changed:
        refused(door, door.good().but(other), bell)


def test_another_connection_s_signature_is_refused(door: Door, bell: Mock, make_flow: MakeFlow) -> None:
    other = make_flow("other")
    open_door(other.source, "other-shop-secret")
    open_door(other.destination, "other-books-secret")
    for secret in ("other-shop-secret", "other-books-secret"):
        refused(door, door.good(secret=secret), bell)


@pytest.mark.parametrize("stored", [None, ""])
def test_without_a_secret_nothing_is_accepted(flow: Flow, bell: Mock, stored: str | None) -> None:
    for connection in (flow.source, flow.destination):
        door = Door(connection, "")
        if stored is not None:
            open_door(connection, stored)
        for guess in ("", "None", "null", "***"):
            refused(door, door.good(secret=guess), bell)


def test_a_secret_that_cannot_be_decrypted_opens_nothing(door: Door, bell: Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "FERNET_KEYS", ["another-key"])
    for guess in ("cannot be decrypted", "", door.secret):
        refused(door, door.good(secret=guess), bell)


def test_wrong_signatures_raise_one_alert_without_the_secret(door: Door, bell: Mock) -> None:
    for number in range(20):
        refused(door, door.good(number, secret="wrong-guess"), bell)
    alert = Alert.objects.get()
    assert alert.cause == f"signature:{door.connection.pk}"
    assert door.secret not in alert.message
    assert "wrong-guess" not in alert.message


# ---- addresses and methods ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", ["", "/"])
def test_unknown_addresses_are_not_found(door: Door, bell: Mock, tail: str) -> None:
    token, platform = door.connection.inbox_token, door.connection.platform
    other = "freshbooks" if platform == "woocommerce" else "woocommerce"
    tokens = ["nobody", token[:-1], token + "A", token.swapcase(), "x" * 5000, "%00", token + "%00", "%F0%9F%92%A9", "%ff", "a%2Fb", ".."]
    paths = [f"/in/{platform}/{wrong}" for wrong in tokens]
    paths += [f"/in/{other}/{token}", f"/in/nobody/{token}", f"/in/{platform.upper()}/{token}", f"/in/{token}", f"/in/{platform}"]
    for path in paths:
        refused(door, door.good(), bell, status=404, path=path + tail)
    assert Alert.objects.count() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
def test_only_post(door: Door, bell: Mock, method: str) -> None:
    for path in (door.path, door.path.rstrip("/")):
        answer = Client().generic(method, path, door.good().body, headers=dict(door.good().headers))
        assert (answer.status_code, answer.headers["Allow"], "Location" in answer.headers) == (405, "POST", False)
    assert InboundEvent.objects.count() == 0
    assert not bell.called
