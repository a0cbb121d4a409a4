"""Calling the inbox as platforms do, with signatures made here and not by the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

from credentials.models import Connection
from flows.models import InboundEvent, Subscription

FORM = "application/x-www-form-urlencoded"
WHO = {"account_id": "qX7rT", "business_id": "31", "identity_id": "8", "user_id": "1"}
SIGNATURES = {"woocommerce": "X-WC-Webhook-Signature", "freshbooks": "X-FreshBooks-Hmac-SHA256"}


@dataclass(frozen=True)
class Parcel:
    """One delivery as it goes over the wire."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def but(self, body: bytes | None = None, **headers: str | None) -> Parcel:
        """The same with another body, or with headers replaced (None: left out)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        low = {name.lower() for name in named}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in low}
        more = {name: value for name, value in named.items() if value is not None}
        return Parcel(self.body if body is None else body, {**kept, **more})


def hmac_base64(secret: str, message: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def from_shop(secret: str, value: Any, topic: str = "order.updated", **headers: str) -> Parcel:
    """A shop's delivery; value is JSON, or bytes as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Parcel(body, {
        "Content-Type": "application/json", "User-Agent": "WooCommerce/11.0.1 Hookshot (WordPress/7.0.4)",
        "X-WC-Webhook-Topic": topic, "X-WC-Webhook-ID": "12", "X-WC-Webhook-Delivery-ID": "6690b81db82d35e812c82a41e4e4d020",
        SIGNATURES["woocommerce"]: hmac_base64(secret, body), **headers,
    })  # fmt: skip


def order_body(order_id: Any, modified: str = "2026-11-02T12:00:00") -> dict[str, Any]:
    return {"id": order_id, "status": "processing", "date_modified_gmt": modified, "total": "12.50"}


def from_books(secret: str, name: str, object_id: str, **fields: str) -> Parcel:
    """The ledger's delivery: a form, signed over the JSON text of its fields."""
    form = {"name": name, "object_id": object_id, **WHO, **fields}
    signature = hmac_base64(secret, json.dumps(form).encode())
    return Parcel(urlencode(form).encode(), {"Content-Type": FORM, SIGNATURES["freshbooks"]: signature})


def handshake(remote_id: str, verifier: str) -> Parcel:
    form = {"name": "callback.verify", "object_id": remote_id, "verifier": verifier, **WHO}
    return Parcel(urlencode(form).encode(), {"Content-Type": FORM})


@dataclass(frozen=True)
class Door:
    """The inbox address of one connection, and the secret of its deliveries."""

    connection: Connection
    secret: str

    @property
    def path(self) -> str:
        return f"/in/{self.connection.platform}/{self.connection.inbox_token}/"

    def good(self, object_id: int = 7, secret: str | None = None) -> Parcel:
        """A delivery that is accepted, of something that happens once."""
        key = self.secret if secret is None else secret
        if self.connection.platform == "woocommerce":
            return from_shop(key, order_body(object_id))
        return from_books(key, "payment.create", str(object_id))

    @property
    def signature(self) -> str:
        return SIGNATURES[self.connection.platform]


def open_door(connection: Connection, secret: str, topic: str = "any", status: str = "active") -> Door:
    """Give the connection a subscription with this secret."""
    Subscription.objects.create(connection=connection, topic=topic, remote_id="5121", secret=secret, status=status)
    return Door(connection, secret)


@cache
def _client() -> Client:
    """One for all calls: making one loads all middleware anew."""
    return Client()


def post(path: str, parcel: Parcel, **environ: Any) -> HttpResponse:
    """Post it through all middleware; environ overrides what the server tells of the request."""
    meta = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in parcel.headers.items() if name.lower() != "content-type"}
    kind = next((value for name, value in parcel.headers.items() if name.lower() == "content-type"), "")
    return _client().generic("POST", path, parcel.body, content_type=kind, **{**meta, **environ})  # type: ignore[return-value]


def refused(door: Door, parcel: Parcel, bell: Mock, status: int = 401, path: str = "", meta: Mapping[str, Any] | None = None) -> None:
    """Posting it is answered with this status and leaves no event behind."""
    assert post(path or door.path, parcel, **(meta or {})).status_code == status
    assert InboundEvent.objects.count() == 0
    assert not bell.called
