"""Keys, OAuth 1.0a and permissions of the WooCommerce sandbox, refusals word for word."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from requests_oauthlib import OAuth1
from woo_shop import OpenShop, open_shop

CANNOT_LIST = {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources.", "data": {"status": 401}}


def refusal(message: str, code: str = "woocommerce_rest_authentication_error") -> dict[str, Any]:
    return {"code": code, "message": message, "data": {"status": 401}}


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    with open_shop(basic_over_http=False, now="") as opened:
        yield opened


@pytest.fixture
def open_to_basic() -> Iterator[OpenShop]:
    with open_shop() as opened:
        yield opened


def test_keys_in_clear_work_when_the_shop_believes_in_https(open_to_basic: OpenShop) -> None:
    key, secret = open_to_basic.key
    assert requests.get(f"{open_to_basic.api}/orders", auth=(key, secret), timeout=5).status_code == 200
    params = {"consumer_key": key, "consumer_secret": secret}
    assert requests.get(f"{open_to_basic.api}/orders", params=params, timeout=5).status_code == 200


def test_query_keys_win_over_the_header(open_to_basic: OpenShop) -> None:
    params = {"consumer_key": open_to_basic.key[0], "consumer_secret": "cs_wrong"}
    answer = requests.get(f"{open_to_basic.api}/orders", params=params, auth=open_to_basic.key, timeout=5)
    assert (answer.status_code, answer.json()) == (401, refusal("Consumer secret is invalid."))


def test_keys_in_clear_are_ignored_over_http(shop: OpenShop) -> None:
    key, secret = shop.key
    basic = requests.get(f"{shop.api}/orders", auth=(key, secret), timeout=5)
    query = requests.get(f"{shop.api}/orders", params={"consumer_key": key, "consumer_secret": secret}, timeout=5)
    assert [(answer.status_code, answer.json()) for answer in (basic, query)] == [(401, CANNOT_LIST)] * 2


def test_no_key_unknown_key_and_rest_route_look_the_same(open_to_basic: OpenShop) -> None:
    url = open_to_basic.url
    answers = [
        requests.get(f"{url}/wp-json/wc/v3/orders", timeout=5),
        requests.get(f"{url}/wp-json/wc/v3/orders", auth=("ck_0", "cs_0"), timeout=5),
        requests.get(f"{url}/?rest_route=/wc/v3/orders", auth=open_to_basic.key, timeout=5),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, CANNOT_LIST)] * 3
    assert requests.get(f"{url}/index.php/wp-json/wc/v3/orders", auth=open_to_basic.key, timeout=5).status_code == 200


def test_a_key_does_only_what_it_may(open_to_basic: OpenShop) -> None:
    order = open_to_basic.order(customer_note="before")
    path = f"{open_to_basic.api}/orders/{order['id']}"
    reader, writer, buyer = (
        (found["consumer_key"], found["consumer_secret"])
        for found in (
            open_to_basic.admin("add_key", permissions="read"),
            open_to_basic.admin("add_key", permissions="write"),
            open_to_basic.admin("add_key", role="customer"),
        )
    )
    written = requests.put(path, json={"customer_note": "x"}, auth=reader, timeout=5)
    assert (written.status_code, written.json()) == (401, refusal("The API key provided does not have write permissions."))
    assert requests.get(path, auth=reader, timeout=5).json()["customer_note"] == "before"
    read = requests.get(path, auth=writer, timeout=5)
    assert (read.status_code, read.json()) == (401, refusal("The API key provided does not have read permissions."))
    assert requests.put(path, json={"customer_note": "x"}, auth=writer, timeout=5).json()["customer_note"] == "x"
    denied = requests.get(f"{open_to_basic.api}/orders", auth=buyer, timeout=5)
    assert (denied.status_code, denied.json()) == (403, {**CANNOT_LIST, "data": {"status": 403}})
    created = requests.post(f"{open_to_basic.api}/orders", json={}, auth=buyer, timeout=5)
    assert (created.status_code, created.json()["code"]) == (403, "woocommerce_rest_cannot_create")
    assert open_to_basic.get("/orders").headers["X-WP-Total"] == "1"


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256"])
@pytest.mark.parametrize("where", ["query", "auth_header"])
def test_oauth_as_requests_oauthlib_signs_it(shop: OpenShop, method: str, where: str) -> None:
    signer = OAuth1(*shop.key, signature_method=method, signature_type=where)
    params = {"status": "any,trash", "modified_after": "2020-01-01T00:00:00", "search": "caf\u00e9 ~ & +"}
    assert requests.get(f"{shop.api}/orders", params=params, auth=signer, timeout=5).status_code == 200
    made = requests.post(f"{shop.api}/orders", json={"customer_note": "signed"}, auth=signer, timeout=5)
    assert (made.status_code, made.json()["customer_note"]) == (201, "signed")


def test_oauth_with_a_wrong_secret(shop: OpenShop) -> None:
    signer = OAuth1(shop.key[0], "cs_wrong", signature_method="HMAC-SHA256", signature_type="query")
    answer = requests.post(f"{shop.api}/orders", json={}, auth=signer, timeout=5)
    assert (answer.status_code, answer.json()) == (401, refusal("Invalid signature - provided signature does not match."))
    assert shop.served.sandbox.state.orders == {}


def signed(shop: OpenShop, path: str, query: dict[str, str], **changes: str) -> str:
    """An OAuth 1.0a query string made by hand (RFC 5849), without any library."""
    params = {
        **query,
        "oauth_consumer_key": shop.key[0],
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": "n0nce",
        "oauth_signature_method": "HMAC-SHA256",
        **changes,
    }
    pairs = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(params.items()))
    text = f"GET&{quote(shop.api + path, safe='~')}&{quote(pairs, safe='~')}"
    digest = hmac.new(f"{shop.key[1]}&".encode(), text.encode(), hashlib.sha256).digest()
    return f"{shop.api}{path}?{pairs}&oauth_signature={quote(base64.b64encode(digest).decode(), safe='~')}"


def test_a_nonce_is_good_for_once(shop: OpenShop) -> None:
    url = signed(shop, "/orders", {"per_page": "1"})
    assert requests.get(url, timeout=5).status_code == 200
    again = requests.get(url, timeout=5)
    assert (again.status_code, again.json()) == (401, refusal("Invalid nonce - nonce has already been used."))


@pytest.mark.parametrize(("shift", "status"), [(-890, 200), (-910, 401), (890, 200), (910, 401)])
def test_a_timestamp_is_good_for_a_quarter_of_an_hour(shop: OpenShop, shift: int, status: int) -> None:
    answer = requests.get(signed(shop, "/orders", {}, oauth_timestamp=str(int(time.time()) + shift)), timeout=5)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == refusal("Invalid timestamp.")


def test_incomplete_oauth_and_unknown_keys(shop: OpenShop) -> None:
    some = requests.get(f"{shop.api}/orders", params={"oauth_consumer_key": "x"}, timeout=5)
    message = "Missing OAuth parameters oauth_timestamp, oauth_nonce, oauth_signature, oauth_signature_method"
    assert (some.status_code, some.json()) == (401, refusal(message, "woocommerce_rest_authentication_missing_parameter"))
    unknown = requests.get(signed(shop, "/orders", {}, oauth_consumer_key="ck_0"), timeout=5)
    assert (unknown.status_code, unknown.json()) == (401, refusal("Consumer key is invalid."))
    odd = requests.get(signed(shop, "/orders", {}, oauth_signature_method="PLAINTEXT"), timeout=5)
    assert odd.json() == refusal("Invalid signature - signature method is invalid.")


def test_bracket_parameters_do_not_sign_the_ordinary_way(shop: OpenShop) -> None:
    answer = requests.get(signed(shop, "/orders", {"include[]": "1"}), timeout=5)
    assert answer.json() == refusal("Invalid signature - provided signature does not match.")
    assert requests.get(signed(shop, "/orders", {"include": "1,2"}, oauth_nonce="other"), timeout=5).status_code == 200


def test_discovery_needs_no_key(shop: OpenShop) -> None:
    root = requests.get(f"{shop.url}/wp-json/", timeout=5)
    assert root.status_code == 200
    assert "wc/v3" in root.json()["namespaces"]
    assert root.json()["timezone_string"] == "America/Toronto"
