"""Activating an integration: the shop posts consumer keys, hands out a request token, then the lasting one."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.magento.sandbox.signing import check_signature, parse_header
from connectors.platforms.magento.sandbox.state import Integration, Shop
from connectors.platforms.magento.sandbox.wire import Json, Refusal


def _letters(shop: Shop, name: str) -> str:
    return hashlib.sha256(f"{shop.home} {name} {shop.next_id('secret')}".encode()).hexdigest()[:32]


def activate(shop: Shop, body: Json) -> Json:
    """{"callback"}: an administrator clicks Activate. Posts the keys, unsigned; what the identity link would carry is returned."""
    integration = Integration(_letters(shop, "key"), _letters(shop, "secret"), active=False, verifier=_letters(shop, "verifier"))
    shop.integrations[integration.consumer_key] = integration
    posted = {
        "oauth_consumer_key": integration.consumer_key,
        "oauth_consumer_secret": integration.consumer_secret,
        "store_base_url": f"{shop.home}/",
        "oauth_verifier": integration.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Laminas_Http_Client"}
    status = shop.courier.post_now(body["callback"], urlencode(posted).encode(), headers) if body.get("callback") else 0
    back = f"{shop.home}/admin/integration/loginSuccessCallback"
    return {"status": status, "posted": posted, "oauth_consumer_key": integration.consumer_key, "success_call_back": back}


def hand_out(shop: Shop, call: Call) -> Answer:
    """POST /oauth/token/request and /oauth/token/access. Refusals say what the problem is, in a form."""
    try:
        pair = _exchanged(shop, call, parse_header(call.headers.get("authorization", "")))
    except Refusal as refusal:
        return Answer(401, urlencode({"oauth_problem": refusal.message}).encode(), {"Content-Type": "text/html; charset=UTF-8"})
    return Answer(200, urlencode(pair).encode(), {"Content-Type": "text/html; charset=UTF-8"})


def _exchanged(shop: Shop, call: Call, given: dict[str, str]) -> dict[str, Any]:
    integration = shop.integrations.get(given.get("oauth_consumer_key", ""))
    if integration is None:
        raise Refusal(401, "A consumer having the specified key does not exist")
    if call.path.endswith("/request"):
        check_signature(shop, call, given, integration.consumer_secret, "")
        integration.request_token, integration.request_secret = _letters(shop, "request"), _letters(shop, "request secret")
        return {"oauth_token": integration.request_token, "oauth_token_secret": integration.request_secret}
    if not integration.request_token or given.get("oauth_token") != integration.request_token:
        raise Refusal(401, "Specified token does not exist")
    check_signature(shop, call, given, integration.consumer_secret, integration.request_secret)
    if given.get("oauth_verifier") != integration.verifier:
        raise Refusal(401, "Token verifier and verifier token do not match")
    integration.request_token = ""
    integration.access_token, integration.access_token_secret = _letters(shop, "access"), _letters(shop, "access secret")
    integration.active = True
    return {"oauth_token": integration.access_token, "oauth_token_secret": integration.access_token_secret}
