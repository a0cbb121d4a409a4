"""Who calls: the shop's own check of OAuth 1.0a signatures, written apart from the library that makes ours, with each release's quirks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote, unquote

from connectors.kit.sandbox import Call
from connectors.platforms.magento.sandbox.state import Integration, Shop
from connectors.platforms.magento.sandbox.wire import Refusal, not_allowed

Pairs = list[tuple[str, str]]
_AHEAD = 600  # seconds that a timestamp may lie in the future; old ones are taken (observed)
_INVALID = Refusal(401, "The signature is invalid. Verify and try again.")
_NONCE = Refusal(401, "An error occurred validating the nonce")


def caller(shop: Shop, call: Call, resource: str) -> Integration:
    """The integration behind a call to a route that needs this permission. Raises Refusal 401."""
    header = call.headers.get("authorization", "")
    if header.startswith("Bearer "):
        found = next((one for one in shop.integrations.values() if one.access_token == header[7:]), None)
        if found is None or not shop.switches.bearer or not found.active:
            raise not_allowed(resource)
        return found
    if not header.startswith("OAuth "):
        raise not_allowed(resource)
    given = parse_header(header)
    integration = shop.integrations.get(given.get("oauth_consumer_key", ""))
    if integration is None:
        raise Refusal(401, "A consumer having the specified key does not exist")
    check_signature(shop, call, given, integration.consumer_secret, integration.access_token_secret)
    if given.get("oauth_token", "") != integration.access_token or not integration.active:
        raise Refusal(401, "Specified token does not exist")
    return integration


def parse_header(header: str) -> dict[str, str]:
    """The parameters of an OAuth header; realm does not count."""
    found = re.findall(r'(\w+)="([^"]*)"', header.removeprefix("OAuth "))
    return {name: unquote(value) for name, value in found if name != "realm"}


def check_signature(shop: Shop, call: Call, given: dict[str, str], consumer_secret: str, token_secret: str) -> None:
    """Method, time, nonce, then the signature itself."""
    if given.get("oauth_signature_method") != "HMAC-SHA256":
        raise Refusal(400, "Signature method %1 is not supported", [given.get("oauth_signature_method", "")])
    if given.get("oauth_version", "1.0") != "1.0":
        raise Refusal(400, "OAuth version %1 is not supported", [given["oauth_version"]])
    _check_nonce(shop, given)
    key = f"{_enc(consumer_secret)}&{_enc(token_secret)}".encode()
    text = base_string(shop.switches.release, call.method, shop.home, call.url, given)
    wanted = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(wanted.encode(), given.get("oauth_signature", "").encode()):
        raise _INVALID


def _check_nonce(shop: Shop, given: dict[str, str]) -> None:
    """Once per consumer; only the first 32 letters count (observed)."""
    stamp, nonce = given.get("oauth_timestamp", ""), given.get("oauth_nonce", "")[:32]
    if not stamp.isdigit() or not nonce or int(stamp) > shop.epoch() + _AHEAD:
        raise _NONCE
    mark = (given.get("oauth_consumer_key", ""), nonce)
    if mark in shop.nonces:
        raise _NONCE
    shop.nonces.add(mark)


def base_string(release: str, method: str, home: str, target: str, given: dict[str, str]) -> str:
    """What is signed: up to 2.4.7 as Laminas OAuth does it, from 2.4.8 as Magento's own class does (both observed)."""
    path, _, query = target.partition("?")
    old = release < "2.4.8"
    if old:
        path = re.sub(r"%(2F|3A|40|26|3D|2B|24|2C|3B)", lambda match: unquote(match[0]), path, flags=re.IGNORECASE)
    pairs = _pairs(query, old) + [(name, value) for name, value in given.items() if name != "oauth_signature"]
    order: Callable[[tuple[str, str]], object] = _natural if old else _decoded
    text = "&".join(f"{_enc(name)}={_enc(value)}" for name, value in sorted(pairs, key=order))  # type: ignore[arg-type]
    return "&".join((method.upper(), _enc(f"{home}{path}"), _enc(text)))


def _pairs(query: str, old: bool) -> Pairs:
    """Neither + nor a second = means what it means elsewhere, so calls that carry them do not verify."""
    found: Pairs = []
    for part in filter(None, query.split("&")):
        pieces = part.split("=")
        if len(pieces) == 1 and old:
            raise _INVALID
        found.append((unquote(pieces[0]), unquote(pieces[1]) if len(pieces) > 1 else ""))
    return found


def _natural(pair: tuple[str, str]) -> tuple[Sequence[str | int], str]:
    """PHP's natural order of the encoded name: 2 before 10."""
    parts = re.split(r"(\d+)", _enc(pair[0]))
    return [int(part) if part.isdigit() else part for part in parts], pair[1]


def _decoded(pair: tuple[str, str]) -> tuple[str, str]:
    """By decoded names, where [10] stands before [1]."""
    return pair


def _enc(text: str) -> str:
    return quote(text, safe="-._~")
