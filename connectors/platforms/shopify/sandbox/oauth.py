"""OAuth of the sandbox: consent that is always given, offline tokens that expire or do not, rotation, client credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import urlencode

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.shopify.sandbox.model import Json
from connectors.platforms.shopify.sandbox.state import Shop, Token

DAY = 86400.0


def query_signature(fields: dict[str, str], secret: str) -> str:
    """Hex HMAC-SHA256 of the parameters by name, without hmac."""
    message = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "hmac")
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def signed_fields(shop: Shop, **more: str) -> dict[str, str]:
    """Parameters as Shopify puts them on an install hit or a callback, with their hmac."""
    host = base64.b64encode(f"{shop.switches.domain}/admin".encode()).decode().rstrip("=")
    fields = {"shop": shop.switches.domain, "timestamp": str(int(time.time())), "host": host, **more}
    return {**fields, "hmac": query_signature(fields, shop.client[1])}


def authorize(shop: Shop, call: Call) -> Answer:
    """The consent page: the merchant agrees at once, and the browser goes back with a code."""
    fields = dict(call.query)
    if fields.get("client_id") != shop.client[0] or not fields.get("redirect_uri"):
        return Answer(400, b"<html><body>Oauth error invalid_request</body></html>", {"Content-Type": "text/html"})
    code = secrets.token_hex(16)
    shop.codes[code] = {"scope": fields.get("scope", ""), "until": time.time() + 600}
    back = signed_fields(shop, code=code, state=fields.get("state", ""))
    return Answer(302, b"", {"Location": f"{fields['redirect_uri']}?{urlencode(back)}"})


def access_token(shop: Shop, call: Call) -> Answer:
    """POST /admin/oauth/access_token, JSON or form."""
    fields = _fields(call)
    if (fields.get("client_id", ""), fields.get("client_secret", "")) != shop.client:
        return _error(400, "invalid_client", "The client is not known")
    grant = fields.get("grant_type", "")
    if grant == "refresh_token":
        return _refresh(shop, fields)
    if grant == "client_credentials":
        return Answer.of(_answer(shop, _new(shop, DAY), False))
    return _redeem(shop, fields)


def _fields(call: Call) -> dict[str, str]:
    if call.headers.get("content-type", "").startswith("application/json"):
        return {name: str(value) for name, value in (call.json() or {}).items()}
    return call.form()


def _redeem(shop: Shop, fields: dict[str, str]) -> Answer:
    code = shop.codes.pop(fields.get("code", ""), None)
    if code is None or code["until"] < time.time():
        return _error(400, "invalid_request", "The authorization code was not found or was already used")
    shop.installed = True
    if fields.get("expiring") == "1":
        return Answer.of(_answer(shop, _new(shop, shop.switches.token_seconds, refreshable=True), True))
    return Answer.of(_answer(shop, _new(shop, None), False))


def _refresh(shop: Shop, fields: dict[str, str]) -> Answer:
    """Always a new pair. The refresh token before it holds until its replacement was used for the first time."""
    held = next((token for token in shop.tokens.values() if token.refresh and token.refresh == fields.get("refresh_token")), None)
    replacement = shop.tokens.get(held.replaced_by) if held else None
    if held is None or held.refresh_expires_at < time.time() or (replacement and replacement.used) or not shop.installed:
        return _error(401, "invalid_request", "This request requires an active refresh_token")
    fresh = _new(shop, shop.switches.token_seconds, refreshable=True)
    held.replaced_by = fresh.access
    shop.refreshes += 1
    return Answer.of(_answer(shop, fresh, True))


def _new(shop: Shop, seconds: float | None, *, refreshable: bool = False) -> Token:
    now, prefix = time.time(), "shpat_"
    token = Token(prefix + secrets.token_hex(16), None if seconds is None else now + seconds)
    if refreshable:
        token.refresh, token.refresh_expires_at = "shprt_" + secrets.token_hex(16), now + shop.switches.refresh_seconds
    shop.tokens[token.access] = token
    return token


def _answer(shop: Shop, token: Token, refreshable: bool) -> Json:
    body: Json = {"access_token": token.access, "scope": ",".join(shop.switches.scopes)}
    if token.expires_at is not None:
        body["expires_in"] = round(token.expires_at - time.time())
    if refreshable:
        body |= {"refresh_token": token.refresh, "refresh_token_expires_in": round(token.refresh_expires_at - time.time())}
    return body


def _error(status: int, code: str, words: str) -> Answer:
    return Answer.of({"error": code, "error_description": words}, status)
