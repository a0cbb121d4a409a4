"""How calls are signed: OAuth 1.0a with the integration's four keys, a bearer token, or Adobe's own tokens."""

from __future__ import annotations

from collections.abc import Mapping

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from requests import PreparedRequest
from requests.auth import AuthBase
from requests_oauthlib import OAuth1

from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention
from connectors.kit.http import Bearer, Plumbing

WAYS = (
    ("oauth1", "Integration keys, signed (OAuth 1.0a)"),
    ("activation", "The same keys, handed over by the shop when the integration is activated"),
    ("bearer", "Integration access token as bearer (the shop must allow it)"),
    ("ims", "Adobe Commerce as a Cloud Service (IMS)"),
)
KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


class SignedCall(AuthBase):
    """OAuth 1.0a with HMAC-SHA256, the only method since 2.4.4; a fresh nonce each time that a call is prepared.

    The key pair of the token is left out while a handshake has none yet; verifier goes along where one is exchanged. as_http: sign as
    if the call went over plain http, which is what a shop sees that does not know of the proxy before it.
    """

    def __init__(self, consumer: tuple[str, str], token: tuple[str, str] = ("", ""), verifier: str = "", *, as_http: bool = False) -> None:
        self.as_http = as_http
        self.oauth = OAuth1(
            consumer[0],
            consumer[1],
            token[0] or None,
            token[1] or None,
            verifier=verifier or None,
            signature_method=SIGNATURE_HMAC_SHA256,
        )

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        address = request.url or ""
        if self.as_http:
            request.url = address.replace("https://", "http://", 1)
        signed: PreparedRequest = self.oauth(request)
        signed.url = address
        header = signed.headers["Authorization"]
        signed.headers["Authorization"] = header.decode() if isinstance(header, bytes) else header
        return signed


def chosen_way(account: Account) -> str:
    return str(account.settings.get("auth") or "oauth1")


def sign_in(account: Account, plumbing: Plumbing) -> AuthBase:
    """What signs the calls of this connection."""
    if chosen_way(account) in ("ims", "bearer"):
        if plumbing.tokens is None:
            raise NeedsAttention("There is no token for this shop yet. Connect it on its connection's page.", code="no_token")
        return Bearer(plumbing.tokens)
    return signed_call(account)


def signed_call(account: Account, *, as_http: bool = False) -> SignedCall:
    """What signs with the integration's four keys."""
    one, two, three, four = (account.secrets.get(name, "") for name in KEYS)
    return SignedCall((one, two), (three, four), as_http=as_http)


def extra_headers(account: Account) -> Mapping[str, str]:
    """Adobe's cloud wants its keys in headers, and the store view there too instead of in the address."""
    if chosen_way(account) != "ims":
        return {}
    return {
        "x-api-key": account.secrets.get("client_id", ""),
        "x-gw-ims-org-id": str(account.settings.get("organization_id") or ""),
        "Store": str(account.settings.get("store_code") or "default"),
    }
