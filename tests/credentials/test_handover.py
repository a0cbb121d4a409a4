"""Keys that a shop hands over: expected ones only, once, and unproven until they worked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from audit.models import AuditRecord
from connectors.kit.contract import Probe
from credentials.models import Authorisation, Connection, Organization
from credentials.vault import read_secrets
from tests.credentials.browser import leave, told
from tests.credentials.platform_double import TokenServer, make_connector

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(organization: Organization, platforms: object, server: TokenServer) -> Connection:
    return Connection.objects.create(organization=organization, platform="shopette", label="Shop", base_url=server.url, status="active")


def hand_over(state: str, path: str = "shopette", **more: Any) -> Any:
    body = {"user_id": state, "key": "handed-over-key", "key_secret": "handed-over-secret", **more}
    return Client(enforce_csrf_checks=True).post(f"/connect/handover/{path}/", json.dumps(body), content_type="application/json")


def test_a_shop_hands_its_keys_over(owner: Client, shop: Connection, server: TokenServer) -> None:
    with override_settings(PUBLIC_URL="https://tills.example"):
        gone = leave(owner, shop, "handover")
    assert gone["address"].startswith(f"{server.url}/authorize?")
    assert gone["callback_url"] == "https://tills.example/connect/handover/shopette/"
    assert gone["return_url"] == f"https://tills.example/connect/{shop.pk}/handover/return/"
    response = hand_over(gone["user_id"])
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    stored = Connection.objects.get()
    assert (stored.status, stored.status_reason) == ("new", "The shop handed new keys over; they were not tried yet.")
    assert read_secrets(shop) == {"key": "handed-over-key", "key_secret": "handed-over-secret"}
    assert "handed-over" not in json.dumps(list(AuditRecord.objects.values("message", "evidence")))
    assert hand_over(gone["user_id"], key="replayed-key").status_code == 400
    assert read_secrets(shop)["key"] == "handed-over-key"


def test_the_browser_comes_back_and_the_keys_are_tried(
    owner: Client, shop: Connection, platforms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    platforms["shopette"] = make_connector("shopette", platforms["shopette"].auth, lambda _api: Probe(currency="EUR"))
    address = f"/connect/{shop.pk}/handover/return/"
    owner.get(address, {"success": "1"})
    assert "handed no keys over" in told(owner)
    gone = leave(owner, shop, "handover")
    owner.get(address, {"success": "0"})
    assert "handed no keys over" in told(owner)
    assert Connection.objects.get().checked_at is None
    assert hand_over(gone["user_id"]).status_code == 200
    owner.get(address, {"success": "1", "user_id": gone["user_id"]})
    stored = Connection.objects.get()
    assert (stored.status, stored.currency) == ("active", "EUR")


def test_unexpected_keys_are_refused(owner: Client, shop: Connection, books: Connection) -> None:
    state = leave(owner, shop, "handover")["user_id"]
    oauth_state = leave(owner, books)["state"]
    assert hand_over("forged").status_code == 400
    assert hand_over(oauth_state).status_code == 400
    assert hand_over(state, path="ledgerly").status_code == 404
    assert hand_over(state, path="unknown").status_code == 404
    assert hand_over(state, key=5).status_code == 400
    client = Client()
    address = "/connect/handover/shopette/"
    assert client.post(address, b"\xff{", content_type="application/json").status_code == 400
    assert client.post(address, b"[" * 5000, content_type="application/json").status_code == 400
    assert client.post(address, b"x" * 20_000, content_type="application/json").status_code == 413
    assert client.get(address).status_code == 405
    Authorisation.objects.update(expires_at=timezone.now())
    assert hand_over(state).status_code == 400
    assert read_secrets(shop) == {}
    assert Connection.objects.get(pk=shop.pk).status == "active"


def test_without_a_shop_address_nothing_begins(owner: Client, shop: Connection, books: Connection) -> None:
    Connection.objects.filter(pk=shop.pk).update(base_url="")
    owner.post(f"/connect/{shop.pk}/handover/")
    assert "Enter the address of the shop first" in told(owner)
    owner.post(f"/connect/{books.pk}/handover/")
    assert "type them in" in told(owner)
    assert not Authorisation.objects.exists()
