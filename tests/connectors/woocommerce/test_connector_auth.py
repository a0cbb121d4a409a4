"""Signing in to a shop: Basic, keys in the address, OAuth 1.0a, and which of them when."""

import base64
import hashlib
import hmac
import json
import re
from itertools import count
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
import responses

from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, Unauthorised
from connectors.kit.http import Effect, Plumbing
from connectors.platforms.woocommerce import CONNECTOR

KEYS = {"consumer_key": "ck_test", "consumer_secret": "cs_test"}
BASIC = "Basic " + base64.b64encode(b"ck_test:cs_test").decode()
CANNOT_VIEW = {"code": "woocommerce_rest_cannot_view", "message": "Nein.", "data": {"status": 401}}
_fresh = count(1)


def open_shop(base_url, **settings):
    account = Account(f"auth-{next(_fresh)}", base_url, settings=settings, secrets=KEYS)
    return CONNECTOR.open(account, Plumbing(sleep=lambda _seconds: None))


@pytest.fixture
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def answer_all(web, answer):
    for method in ("GET", "POST", "PUT"):
        web.add_callback(method, re.compile(".*"), callback=answer)


def test_basic_over_https_with_the_sub_folder_kept(web):
    web.get("https://shop.example/eu/wp-json/wc/v3/orders", json=[])
    open_shop("https://shop.example/eu/").get("/wc/v3/orders")
    (call,) = web.calls
    assert call.request.headers["Authorization"] == BASIC
    assert "consumer" not in call.request.url


def only_by_query(request):
    seen = dict(parse_qsl(urlsplit(request.url).query))
    if (seen.get("consumer_key"), seen.get("consumer_secret")) == ("ck_test", "cs_test"):
        return 200, {}, "[]"
    return 401, {}, json.dumps(CANNOT_VIEW)


def test_a_stripped_header_falls_back_to_the_address_and_is_remembered(web):
    answer_all(web, only_by_query)
    shop = open_shop("https://shop.example")
    shop.get("/wc/v3/orders", {"page": "2"})
    shop.get("/wc/v3/orders")
    ways = ["query" if "consumer_key" in call.request.url else "basic" for call in web.calls]
    assert ways == ["basic", "query", "query"]
    assert "page=2&consumer_key=ck_test" in web.calls[1].request.url
    assert "Authorization" not in web.calls[1].request.headers


def test_the_fallback_also_serves_writes_that_must_not_be_repeated(web):
    answer_all(web, only_by_query)
    open_shop("https://shop.example").call("POST", "/wc/v3/orders/1/notes", json={"note": "x"}, effect=Effect.CREATE)
    assert [call.request.body for call in web.calls] == [b'{"note": "x"}'] * 2


def test_unknown_keys_are_refused_after_both_ways_and_the_header_is_tried_first_again(web):
    answer_all(web, lambda _request: (401, {}, json.dumps(CANNOT_VIEW)))
    shop = open_shop("https://shop.example")
    for _ in range(2):
        with pytest.raises(Unauthorised, match="key is unknown or was deleted, or the web server strips"):
            shop.get("/wc/v3/orders")
    assert ["consumer_key" in call.request.url for call in web.calls] == [False, True, False, True]


@pytest.mark.parametrize(("status", "code"), [(401, "woocommerce_rest_authentication_error"), (403, "woocommerce_rest_cannot_view")])
def test_a_key_that_was_seen_is_not_put_into_the_address(web, status, code):
    answer_all(web, lambda _request: (status, {}, json.dumps({**CANNOT_VIEW, "code": code})))
    with pytest.raises(Unauthorised):
        open_shop("https://shop.example").get("/wc/v3/orders")
    assert ["consumer_key" in call.request.url for call in web.calls] == [False]


@pytest.mark.parametrize("way", ["basic", "oauth1"])
def test_a_chosen_way_is_never_left(web, way):
    answer_all(web, only_by_query)
    with pytest.raises(Unauthorised):
        open_shop("https://shop.example", auth=way).get("/wc/v3/orders")
    assert len(web.calls) == 1
    assert "consumer" not in web.calls[0].request.url


def test_basic_over_http_only_when_asked_for(web):
    answer_all(web, lambda _request: (200, {}, "[]"))
    open_shop("http://shop.example", auth="basic").get("/wc/v3/orders")
    open_shop("http://shop.example").get("/wc/v3/orders")
    assert [call.request.headers["Authorization"][:6] for call in web.calls] == ["Basic ", "OAuth "]


def oauth_fields(request):
    header = request.headers["Authorization"].removeprefix("OAuth ")
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


def woocommerce_signature(method, home, request, fields):
    """The base string as WooCommerce builds it: only the five parameters that it knows, and the query."""
    known = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature_method")
    parts = urlsplit(request.url)
    pairs = parse_qsl(parts.query, keep_blank_values=True) + [(name, fields[name]) for name in known]
    encoded = sorted((quote(name, safe="-._~"), quote(value, safe="-._~")) for name, value in pairs)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join([method, quote(home + parts.path, safe="-._~"), quote(query, safe="-._~")])
    digest = hmac.new(b"cs_test&", base.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def test_oauth_over_http_signs_as_woocommerce_checks(web):
    answer_all(web, lambda _request: (200, {}, "[]"))
    shop = open_shop("http://shop.example/eu")
    shop.get("/wc/v3/orders", {"status": "any", "modified_after": "2026-03-04T09:15:30", "_fields": "id,status"})
    shop.call("PUT", "/wc/v3/orders/5", json={"status": "processing"}, effect=Effect.REPEATABLE)
    for method, call in zip(("GET", "PUT"), web.calls, strict=True):
        fields = oauth_fields(call.request)
        assert set(fields) == {
            "oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature_method", "oauth_signature",
        }  # fmt: skip
        assert fields["oauth_signature_method"] == "HMAC-SHA256"
        assert fields["oauth_signature"] == woocommerce_signature(method, "http://shop.example", call.request, fields)


def test_every_retry_has_a_nonce_of_its_own(web):
    answer_all(web, lambda _request: (503, {}, ""))
    with pytest.raises(Exception, match="503"):
        open_shop("http://shop.example").get("/wc/v3/orders")
    nonces = [oauth_fields(call.request)["oauth_nonce"] for call in web.calls]
    assert len(nonces) == 3
    assert len(set(nonces)) == 3


def test_behind_a_proxy_the_signature_uses_the_shop_s_own_address(web):
    answer_all(web, lambda _request: (200, {}, "[]"))
    shop = open_shop("https://shop.example", auth="oauth1", signed_address="http://inner.example/")
    shop.get("/wc/v3/orders", {"page": "1"})
    request = web.calls[0].request
    assert request.url == "https://shop.example/wp-json/wc/v3/orders?page=1"
    fields = oauth_fields(request)
    assert fields["oauth_signature"] == woocommerce_signature("GET", "http://inner.example", request, fields)


def test_secrets_are_in_no_repr_and_no_recorded_exchange(web):
    answer_all(web, only_by_query)
    seen = []
    account = Account("auth-canary", "https://shop.example", secrets=KEYS)
    shop = CONNECTOR.open(account, Plumbing(sleep=lambda _seconds: None, record=seen.append))
    shop.get("/wc/v3/orders")
    assert len(seen) == 2
    assert "cs_test" not in repr(shop) + repr(seen)
    assert "ck_test" not in repr(shop) + repr(seen)


def test_a_redirect_is_not_followed_and_its_target_s_keys_are_not_shown(web):
    target = "https://www.shop.example/wp-json/wc/v3/orders?consumer_secret=cs_test"
    answer_all(web, lambda _request: (301, {"Location": target}, ""))
    with pytest.raises(NeedsAttention, match=r"https://www\.shop\.example") as caught:
        open_shop("https://shop.example", auth="query").get("/wc/v3/orders")
    assert len(web.calls) == 1
    assert "cs_test" not in str(caught.value)
