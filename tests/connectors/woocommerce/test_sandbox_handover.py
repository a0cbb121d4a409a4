"""The key hand-over of the WooCommerce sandbox: approval page, callback, the way back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import requests
from woo_shop import OpenShop, Receiver, open_shop, receiver


@pytest.fixture
def shop() -> Iterator[OpenShop]:
    with open_shop() as opened:
        yield opened


@pytest.fixture
def post() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


def asked(post: Receiver, **changes: str) -> dict[str, str]:
    wanted = {
        "app_name": "Tillbridge",
        "scope": "read_write",
        "user_id": "state-17",
        "return_url": "http://back.example/done?x=1",
        "callback_url": f"{post.url}/keys",
    }
    return {name: value for name, value in {**wanted, **changes}.items() if value}


def authorize(shop: OpenShop, params: dict[str, str], **options: Any) -> requests.Response:
    return requests.get(f"{shop.url}/wc-auth/v1/authorize", params=params, allow_redirects=False, timeout=5, **options)


def link(page: requests.Response, kind: str) -> str:
    found = re.search(rf'class="wc-auth-{kind}" href="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


def test_approval_sends_keys_that_work_before_the_browser_returns(shop: OpenShop, post: Receiver) -> None:
    tried: list[int] = []

    def use_them() -> None:
        keys = json.loads(post.got[-1][2])
        auth = (keys["consumer_key"], keys["consumer_secret"])
        tried.append(requests.get(f"{shop.api}/system_status", auth=auth, timeout=5).status_code)

    post.before_answer = use_them
    page = authorize(shop, asked(post))
    assert page.status_code == 200
    back = requests.get(link(page, "approve"), allow_redirects=False, timeout=5)
    assert (back.status_code, back.headers["Location"]) == (302, "http://back.example/done?x=1&success=1&user_id=state-17")
    [(path, headers, body)] = post.got
    keys = json.loads(body)
    assert (path, list(keys)) == ("/keys", ["key_id", "user_id", "consumer_key", "consumer_secret", "key_permissions"])
    assert (keys["user_id"], keys["key_permissions"]) == ("state-17", "read_write")
    assert re.fullmatch("ck_[0-9a-f]{40}", keys["consumer_key"])
    assert re.fullmatch("cs_[0-9a-f]{40}", keys["consumer_secret"])
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert headers["user-agent"] == f"WordPress/7.0.4; {shop.url}"
    assert tried == [200]


def test_denial(shop: OpenShop, post: Receiver) -> None:
    assert link(authorize(shop, asked(post)), "deny") == "http://back.example/done?x=1&success=0&user_id=state-17"
    assert post.got == []


@pytest.mark.parametrize("status", [201, 204, 500])
def test_keys_are_taken_back_unless_the_answer_is_200(shop: OpenShop, post: Receiver, status: int) -> None:
    post.status = status
    denied = requests.get(link(authorize(shop, asked(post)), "approve"), allow_redirects=False, timeout=5)
    assert (denied.status_code, "Access denied" in denied.text) == (401, True)
    keys = json.loads(post.got[0][2])
    auth = (keys["consumer_key"], keys["consumer_secret"])
    assert requests.get(f"{shop.api}/orders", auth=auth, timeout=5).status_code == 401


def test_the_scope_is_the_keys_permission(shop: OpenShop, post: Receiver) -> None:
    requests.get(link(authorize(shop, asked(post, scope="read")), "approve"), allow_redirects=False, timeout=5)
    keys = json.loads(post.got[0][2])
    auth = (keys["consumer_key"], keys["consumer_secret"])
    assert requests.get(f"{shop.api}/orders", auth=auth, timeout=5).status_code == 200
    assert requests.post(f"{shop.api}/orders", json={}, auth=auth, timeout=5).status_code == 401


@pytest.mark.parametrize("changes", [{"user_id": ""}, {"scope": "all"}, {"callback_url": "http://shop.example/keys"}])
def test_mistakes_are_html_with_401(shop: OpenShop, post: Receiver, changes: dict[str, str]) -> None:
    answer = authorize(shop, asked(post, **changes))
    assert (answer.status_code, "<title>Access denied</title>" in answer.text) == (401, True)
    assert "wc-auth-approve" not in answer.text


def test_a_forged_approval_gives_nothing(shop: OpenShop, post: Receiver) -> None:
    params = {**asked(post), "wc_auth_nonce": "0123456789"}
    answer = requests.get(f"{shop.url}/wc-auth/v1/access_granted/", params=params, allow_redirects=False, timeout=5)
    assert (answer.status_code, post.got) == (401, [])


def test_http_callbacks_only_by_option(post: Receiver) -> None:
    with open_shop(http_callback=False) as shop:
        assert authorize(shop, asked(post)).status_code == 401


def test_the_login_form(post: Receiver) -> None:
    with open_shop(login_form=True) as shop, requests.Session() as browser:
        first = browser.get(f"{shop.url}/wc-auth/v1/authorize", params=asked(post), timeout=5)
        assert [step.status_code for step in first.history] == [302]
        assert first.url.startswith(f"{shop.url}/wc-auth/v1/login/?")
        page = browser.post(first.url, data={"username": "m", "password": "p"}, timeout=5)
        assert page.url.startswith(f"{shop.url}/wc-auth/v1/authorize/?")
        assert link(page, "approve").startswith(f"{shop.url}/wc-auth/v1/access_granted/?")
