"""How we sign in to a shop: Basic, keys in the address, or one-legged OAuth 1.0a."""

from __future__ import annotations

import threading
from typing import Any

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth
from requests_oauthlib import OAuth1

from connectors.kit.account import Account
from connectors.kit.errors import SyncError, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.platforms.woocommerce.answers import CANNOT_VIEW

WAYS = (
    ("auto", "Automatic: Basic over https (keys in the address if the server hides the header), OAuth 1.0a over http"),
    ("basic", "Basic"),
    ("query", "Keys in the address (they appear in the shop's access log)"),
    ("oauth1", "OAuth 1.0a signature"),
)

_by_query: set[tuple[str, str]] = set()
_lock = threading.Lock()


class KeysInAddress(AuthBase):
    """Keys as query parameters, for servers that strip the Authorization header."""

    def __init__(self, key: str, secret: str) -> None:
        self.key, self.secret = key, secret

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.prepare_url(request.url, {"consumer_key": self.key, "consumer_secret": self.secret})
        return request


class BasicOrQuery(AuthBase):
    """Basic, until the shop turns out not to see the header; see `second_way`."""

    def __init__(self, account: Account, base_url: str) -> None:
        self.place = (account.key, base_url)
        keys = _keys(account)
        self.basic, self.query = HTTPBasicAuth(*keys), KeysInAddress(*keys)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return self.query(request) if self.place in _by_query else self.basic(request)


class _Signer(Client):
    """WooCommerce leaves oauth_version out of its base string when it reads the header, so we must not sign it."""

    def get_oauth_params(self, request: Any) -> list[tuple[str, str]]:
        return [pair for pair in super().get_oauth_params(request) if pair[0] != "oauth_version"]  # type: ignore[no-untyped-call]


class SignedCall(AuthBase):
    """OAuth 1.0a, HMAC-SHA256, no token, with a fresh nonce each time that a call is prepared.

    signed_url replaces base_url in the signature only: behind a proxy WordPress signs with the address that it knows itself by.
    """

    def __init__(self, key: str, secret: str, base_url: str, signed_url: str) -> None:
        self.base_url, self.signed_url = base_url, signed_url
        self.oauth = OAuth1(key, secret, signature_method=SIGNATURE_HMAC_SHA256, client_class=_Signer)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        target = request.url or ""
        request.url = self.signed_url + target.removeprefix(self.base_url)
        signed: PreparedRequest = self.oauth(request)
        signed.url = target
        header = signed.headers["Authorization"]
        signed.headers["Authorization"] = header.decode() if isinstance(header, bytes) else header
        return signed


def sign_in(account: Account, base_url: str) -> AuthBase:
    """The way to sign in that the account's `auth` setting and its address call for."""
    way = chosen_way(account, base_url)
    if way == "basic":
        return HTTPBasicAuth(*_keys(account))
    if way == "query":
        return KeysInAddress(*_keys(account))
    if way == "oauth1":
        signed = str(account.settings.get("signed_address") or "").rstrip("/")
        return SignedCall(*_keys(account), base_url, f"{signed}/wp-json" if signed else base_url)
    return BasicOrQuery(account, base_url)


def chosen_way(account: Account, base_url: str) -> str:
    """basic, query, oauth1, or auto for https, where Basic may have to give way to query."""
    way = str(account.settings.get("auth") or "auto")
    if way == "auto" and not base_url.startswith("https://"):
        return "oauth1"  # over plain http WooCommerce ignores keys in header and address alike (observed)
    return way


def second_way(account: Account, base_url: str, response: Response, error: SyncError | None) -> SyncError | None:
    """Turns "the header was not seen" into one more try with the keys in the address, remembered for this process.

    A refused call had no effect, so the try is marked as one that never reached the shop.
    """
    if not isinstance(error, Unauthorised) or error.code != CANNOT_VIEW or response.status != 401:
        return error
    if chosen_way(account, base_url) != "auto":
        return error
    place = (account.key, base_url)
    with _lock:
        if "consumer_key=" in response.url:  # that was the second way already: begin with Basic next time
            _by_query.discard(place)
            return error
        _by_query.add(place)
    return Transient("The shop did not see our keys in the header; trying them in the address.", code="not_reached")


def _keys(account: Account) -> tuple[str, str]:
    return account.secrets.get("consumer_key", ""), account.secrets.get("consumer_secret", "")
