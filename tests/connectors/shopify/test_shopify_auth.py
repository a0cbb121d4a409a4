"""Who sends a browser to us, and how a token is come by at the sandbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from tea_shop import Shop, open_shop

from connectors.kit.account import Account
from connectors.kit.contract import ClientCredentials, Keys, OAuth2
from connectors.kit.errors import BadSignature, Rejected
from connectors.kit.signatures import hex_signature
from connectors.platforms.shopify import CONNECTOR
from connectors.platforms.shopify.api import shop_domain
from connectors.platforms.shopify.auth import WAYS, covers, signed_message, verify, whose

NOW = datetime(2012, 5, 16, 14, 9, 33, tzinfo=UTC)
HIT = [
    ("code", "0907a61c0c8d55e99db179b68161bc00"),
    ("hmac", "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf"),
    ("shop", "some-shop.myshopify.com"),
    ("state", "0.6784241404160823"),
    ("timestamp", "1337178173"),
]  # fmt: skip
ACCOUNT = Account("t", "https://some-shop.myshopify.com", secrets={"client_secret": "hush"})
SIGNED_AT = datetime.fromtimestamp(1337178173, UTC)


def changed(**fields: str) -> list[tuple[str, str]]:
    """The hit with other fields, signed anew."""
    plain = [(name, fields.get(name, value)) for name, value in HIT if name != "hmac"]
    return [*plain, ("hmac", hex_signature("hush", signed_message(plain).encode()))]


def test_the_known_vector_is_accepted_in_any_order() -> None:
    verify(HIT, ACCOUNT, SIGNED_AT)
    verify(HIT[::-1], ACCOUNT, SIGNED_AT + timedelta(seconds=90))


@pytest.mark.parametrize(
    "query",
    [
        [pair for pair in HIT if pair[0] != "hmac"],
        [(name, "x" + value if name == "code" else value) for name, value in HIT],
        [*HIT, ("shop", "other.myshopify.com")],
        changed(shop="other.myshopify.com"),
        changed(shop="some-shop.myshopify.com\n"),
        changed(shop="some-shop.myshopify.com.evil.example"),
        changed(timestamp="1337178000"),
        changed(timestamp="soon"),
        changed(state="a&shop=some-shop.myshopify.com"),
    ],
    ids=["unsigned", "changed", "twice", "other shop", "newline", "other host", "old", "no time", "ambiguous"],
)  # fmt: skip
def test_anything_else_is_refused(query: list[tuple[str, str]]) -> None:
    if query == changed(shop="some-shop.myshopify.com\n"):  # trimmed it is the same shop, but the signature covers the newline
        query = [(name, value.strip() if name == "shop" else value) for name, value in query]
    with pytest.raises(BadSignature):
        verify(query, ACCOUNT, SIGNED_AT)


def test_another_secret_or_none_is_refused() -> None:
    for secret in ("", "hush2"):
        with pytest.raises(BadSignature):
            verify(HIT, replace(ACCOUNT, secrets={"client_secret": secret}), SIGNED_AT)


def test_an_install_hit_names_its_shop() -> None:
    assert whose([("shop", "Some-Shop.myshopify.com")]).base_url == "https://some-shop.myshopify.com"
    for wrong in ("shop.example", "", "-x.myshopify.com", "a.b.myshopify.com", "x.myshopify.com/.evil.example/y.z"):
        if shop_domain(wrong):
            continue  # what stands behind a slash is a path
        with pytest.raises(Rejected):
            whose([("shop", wrong)])


def test_the_ways_ask_for_what_they_need() -> None:
    assert set(WAYS) == {"app", "app_all_orders", "custom_app", "own_shop", "token"}
    assert isinstance(CONNECTOR.auth, OAuth2)
    assert (WAYS["app"].token_params["expiring"], WAYS["custom_app"].token_params["expiring"]) == ("1", "0")  # type: ignore[union-attr]
    assert isinstance(WAYS["own_shop"], ClientCredentials)
    assert isinstance(WAYS["token"], Keys)
    asked = {name: {s.name for s in CONNECTOR.settings_of({"auth": name}) if s.secret} for name in WAYS}
    assert asked["token"] == {"access_token", "client_secret"}
    assert asked["own_shop"] == asked["app"] == {"client_id", "client_secret"}
    assert covers(frozenset(("write_orders", "read_products"))) == {"write_orders", "read_orders", "read_products"}


# ---- tokens of the sandbox ---------------------------------------------------------------------------------


def ask_token(shop: Shop, **fields: str) -> Any:
    client = {name: shop.account.secrets[name] for name in ("client_id", "client_secret")}
    return requests.post(f"{shop.served.url}/admin/oauth/access_token", json={**client, **fields}, timeout=5)


def test_a_refresh_token_repeats_until_its_replacement_was_used() -> None:
    with open_shop() as shop:
        first = ask_token(shop, grant_type="refresh_token", refresh_token=shop.account.secrets["refresh_token"]).json()
        again = ask_token(shop, grant_type="refresh_token", refresh_token=shop.account.secrets["refresh_token"])
        assert again.status_code == 200
        assert again.json()["refresh_token"] != first["refresh_token"]
        api = replace(shop.api, plumbing=replace(shop.api.plumbing, tokens=None), auth=None)
        used = requests.post(
            f"{api.base_url}/admin/api/2026-07/graphql.json",
            json={"query": "{ shop { name } }"},
            headers={"X-Shopify-Access-Token": again.json()["access_token"]},
            timeout=5,
        )
        assert used.json()["data"] == {"shop": {"name": "Tillbridge Teas"}}
        refused = ask_token(shop, grant_type="refresh_token", refresh_token=shop.account.secrets["refresh_token"])
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_request")


def test_client_credentials_bring_a_token_for_a_day_without_refresh() -> None:
    with open_shop() as shop:
        answer = ask_token(shop, grant_type="client_credentials").json()
        assert answer["expires_in"] == 86400
        assert "refresh_token" not in answer


def test_probing_names_each_missing_scope_and_another_shop() -> None:
    with open_shop(scopes=("read_orders", "write_products")) as shop:
        (problem,) = CONNECTOR.probe(shop.api).problems
        assert "read_customers" in problem
    with open_shop(domain="other-teas.myshopify.com") as shop:
        (problem,) = CONNECTOR.probe(shop.api).problems
        assert "other-teas.myshopify.com" in problem
