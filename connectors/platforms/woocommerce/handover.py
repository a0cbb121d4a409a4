"""The shop hands over its keys: WooCommerce's own authorisation page instead of copying keys by hand."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from connectors.kit.errors import Rejected
from connectors.kit.tame import parse_json


def start_handover(base_url: str, app_name: str, state: str, return_url: str, callback_url: str) -> str:
    """Where the operator's browser goes. The callback must be https on port 443, 80 or 8080 and answer exactly 200,
    else the shop deletes the key again (observed).
    """
    shop = base_url.strip().rstrip("/").removesuffix("/wp-json").rstrip("/")
    fields = {
        "app_name": app_name,
        "scope": "read_write",
        "user_id": state,
        "return_url": return_url,
        "callback_url": callback_url,
    }
    return f"{shop}/wc-auth/v1/authorize?{urlencode(fields)}"


def read_handover(body: bytes) -> tuple[str, Mapping[str, str]]:
    """(state, secrets) from the shop's callback, which is not signed: unproven until a call with the keys succeeds."""
    callback = parse_json(body, "callback")
    state, key = callback["user_id"].identifier(), callback["consumer_key"].text()
    secret, permissions = callback["consumer_secret"].text(), callback["key_permissions"].text()
    if not state or not key.startswith("ck_") or not secret.startswith("cs_"):
        raise Rejected("callback: expected a state and a pair of WooCommerce keys", code="malformed")
    if permissions != "read_write":
        raise Rejected("callback.key_permissions: expected read_write", code="malformed")
    return state, {"consumer_key": key, "consumer_secret": secret}
