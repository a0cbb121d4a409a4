"""Apps in the sandbox: installing one, exchanging its code, removing it with a signed token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.bigcommerce.sandbox.deliveries import raise_event
from connectors.platforms.bigcommerce.sandbox.model import Json
from connectors.platforms.bigcommerce.sandbox.seed_keys import CLIENT_ID, CLIENT_SECRET
from connectors.platforms.bigcommerce.sandbox.state import STORE_HASH, Store
from connectors.platforms.bigcommerce.sandbox.wire import compact

ACCOUNT_UUID = "5f0c9c52-7f2a-4b1c-9d61-0a4f6c1e2d33"
LIFE = timedelta(hours=24)


def install(store: Store, call: Call, client_id: str) -> Answer:
    """The app's install page: the merchant agrees at once, and the browser goes to the app's auth callback."""
    if client_id != CLIENT_ID:
        return Answer(404, b"<html><body>No such app</body></html>", {"Content-Type": "text/html"})
    fields = {**new_code(store), "external_install": "true"}
    return Answer(302, b"", {"Location": f"{store.switches.callback}?{urlencode(fields)}"})


def new_code(store: Store) -> dict[str, str]:
    """The parameters that the auth callback is called with."""
    code = secrets.token_hex(16)
    store.codes.add(code)
    return {"account_uuid": ACCOUNT_UUID, "code": code, "context": f"stores/{STORE_HASH}", "scope": _scopes(store)}


def _scopes(store: Store) -> str:
    return " ".join(f"store_v2_{scope}_read_only" for scope in store.switches.scopes)


def exchange(store: Store, call: Call) -> Answer:
    """POST /oauth2/token, JSON or form. A code works once; a new token ends the one before."""
    plain = call.headers.get("content-type", "").startswith("application/json")
    fields = {name: str(value) for name, value in (call.json() or {}).items()} if plain else call.form()
    wanted = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "context": f"stores/{STORE_HASH}", "scope": _scopes(store)}
    wanted |= {"grant_type": "authorization_code", "redirect_uri": store.switches.callback}
    wrong = next((name for name, value in wanted.items() if fields.get(name) != value), "")
    if wrong or fields.get("code") not in store.codes:
        return Answer.of({"error": f"invalid_{wrong or 'code'}"}, 400)
    store.codes.remove(fields["code"])
    store.app_token = secrets.token_hex(16)
    person = {"id": 9876543, "username": "merchant@mail.example", "email": "merchant@mail.example"}
    more = {"user": person, "owner": person, "context": f"stores/{STORE_HASH}", "account_uuid": ACCOUNT_UUID}
    return Answer.of({"access_token": store.app_token, "scope": _scopes(store), **more})


def uninstall(store: Store) -> Json:
    """The merchant removes the app: its token dies and its hooks vanish, after a last event. Answers what /uninstall is called with."""
    raise_event(store, "store/app/uninstalled", {"type": "app"})
    store.app_token = ""
    store.hooks.clear()
    return {"signed_payload_jwt": signed_payload(store)}


def signed_payload(store: Store) -> str:
    now, person = store.now(), {"id": 9876543, "email": "merchant@mail.example"}
    times = {"iat": int(now.timestamp()), "nbf": int(now.timestamp()), "exp": int((now + LIFE).timestamp())}
    claims = {"aud": CLIENT_ID, "iss": "bc", **times, "jti": secrets.token_hex(16), "sub": f"stores/{STORE_HASH}"}
    body = {**claims, "user": {**person, "locale": "en-CA"}, "owner": person, "url": "/", "channel_id": None}
    return sign_token({"typ": "JWT", "alg": "HS256"}, body, CLIENT_SECRET)


def sign_token(header: Json, claims: Json, secret: str) -> str:
    """A JSON web token, signed with HMAC-SHA256."""
    signed = f"{_coded(compact(header))}.{_coded(compact(claims))}"
    return f"{signed}.{_coded(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def _coded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")
