"""Who calls: keys by Basic, query string or OAuth 1.0a, with WooCommerce's exact refusals."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from urllib.parse import quote, unquote, unquote_plus

from connectors.kit.sandbox import Call
from connectors.platforms.woocommerce.sandbox.model import Key
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.wire import Refusal

_OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_OAUTH_PAIR = re.compile(r'(oauth_[a-z_-]*)=(?:"([^"]*)"|([^,]*))')
_WINDOW = 15 * 60  # seconds either way
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


def new_key(shop: Shop, permissions: str, role: str = "administrator", user_id: int = 1) -> Key:
    """A fresh random key."""
    key = Key(shop.next_id("key"), f"ck_{secrets.token_hex(20)}", f"cs_{secrets.token_hex(20)}", permissions, role, user_id)
    shop.keys[key.consumer_key] = key
    return key


def authenticate(shop: Shop, call: Call) -> Key | None:
    """The key that the call carries; None when there is none, it is unknown, or it came in clear over http."""
    if "wp-json/wc/" not in call.path:  # keys do not work with ?rest_route= (observed)
        return None
    key = _by_clear_key(shop, call) if shop.secure else None
    key = key or _by_signature(shop, call)
    if key:
        _check_permission(key, call.method)
    return key


def _error(message: str) -> Refusal:
    return Refusal(401, "woocommerce_rest_authentication_error", message)


def _check_permission(key: Key, method: str) -> None:
    if method in ("GET", "HEAD") and key.permissions == "write":
        raise _error("The API key provided does not have read permissions.")
    if method in ("POST", "PUT", "PATCH", "DELETE") and key.permissions == "read":
        raise _error("The API key provided does not have write permissions.")


def _by_clear_key(shop: Shop, call: Call) -> Key | None:
    """The query string wins over the header."""
    name, secret = call.parameter("consumer_key"), call.parameter("consumer_secret")
    if not (name and secret):
        name, secret = _basic(call.headers.get("authorization", ""))
    key = shop.keys.get(name)
    if key and not hmac.compare_digest(key.consumer_secret.encode(), secret.encode()):
        raise _error("Consumer secret is invalid.")
    return key


def _basic(header: str) -> tuple[str, str]:
    if not header.lower().startswith("basic "):
        return "", ""
    try:
        name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    except ValueError:
        return "", ""
    return name, secret


# ---- OAuth 1.0a, one-legged --------------------------------------------------------------------------------


def _by_signature(shop: Shop, call: Call) -> Key | None:
    params = _oauth_params(call)
    missing = [name for name in _OAUTH if not params.get(name)]
    if len(missing) == len(_OAUTH):
        return None
    if missing:
        message = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        raise Refusal(401, "woocommerce_rest_authentication_missing_parameter", message)
    key = shop.keys.get(params["oauth_consumer_key"])
    if key is None:
        raise _error("Consumer key is invalid.")
    _check_signature(shop, call, key, params)
    _check_once(shop, key, params["oauth_timestamp"], params["oauth_nonce"])
    return key


def _oauth_params(call: Call) -> dict[str, str]:
    """Query, form body and OAuth header together; a JSON body is not signed."""
    params = dict(call.query)
    if call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        params |= call.form()
    header = call.headers.get("authorization", "").strip()
    if header.startswith("OAuth "):
        params |= {name: unquote_plus(quoted or bare) for name, quoted, bare in _OAUTH_PAIR.findall(header)}
    return params


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def base_string(method: str, url: str, params: dict[str, str]) -> str:
    """METHOD & address & sorted parameters. Names with brackets are encoded once more, so that ordinary clients' signatures
    of them do not match (observed with 11.0.1).
    """
    pairs = []
    for name in sorted(params):
        shown = _encoded(_encoded(name)) if "[" in name else _encoded(name)
        pairs.append(f"{shown}={_encoded(params[name])}")
    return "&".join((method, _encoded(url), _encoded("&".join(pairs))))


def _check_signature(shop: Shop, call: Call, key: Key, params: dict[str, str]) -> None:
    given = unquote(params.pop("oauth_signature").replace(" ", "+"))
    algorithm = _HASHES.get(params["oauth_signature_method"])
    if algorithm is None:
        raise _error("Invalid signature - signature method is invalid.")
    text = base_string(call.method, shop.home + call.path, params)
    digest = hmac.new(f"{key.consumer_secret}&".encode(), text.encode(), algorithm).digest()
    if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
        raise _error("Invalid signature - provided signature does not match.")


def _check_once(shop: Shop, key: Key, timestamp: str, nonce: str) -> None:
    now = int(shop.now().timestamp())
    moment = int(timestamp) if timestamp.isascii() and timestamp.isdigit() else 0
    if abs(now - moment) > _WINDOW:
        raise _error("Invalid timestamp.")
    if nonce in key.nonces:
        raise _error("Invalid nonce - nonce has already been used.")
    key.nonces[nonce] = moment
    while key.nonces and next(iter(key.nonces.values())) < now - _WINDOW:
        del key.nonces[next(iter(key.nonces))]
