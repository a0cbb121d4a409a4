"""The two ways to a store's token: an API account's own, typed in, or an app's; and the proof that BigCommerce itself speaks."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime

from connectors.kit.account import Account
from connectors.kit.contract import Auth, Candidate, Entrance, Keys, OAuth2, Query, Whose
from connectors.kit.errors import BadSignature, Rejected
from connectors.kit.signatures import TOLERANCE, check_base64
from connectors.kit.tame import Tame, parse_json
from connectors.platforms.bigcommerce.api import store_hash

LOGIN = "https://login.bigcommerce.com"
SCOPES = (
    "store_v2_orders_read_only",
    "store_v2_transactions_read_only",
    "store_v2_customers_read_only",
    "store_v2_products_read_only",
    "store_v2_information_read_only",
)
_CONTEXT = re.compile(r"stores/([0-9A-Za-z]{1,60})")
_TOKEN = "signed_payload_jwt"  # noqa: S105 - the name of a parameter


def whose(query: Query) -> Whose:
    """The store that a hit names: in the clear beside a code, within the signed token when the app is opened or removed."""
    came = dict(query)
    context = came["context"] if "code" in came else _claims(came.get(_TOKEN, "")).get("sub").text_or()
    return Whose(ids={"store_hash": _store(Tame(context, "context"))})


def _store(context: Tame) -> str:
    match = _CONTEXT.fullmatch(context.text_or())
    if match is None:
        raise context.fail("stores/<store hash>")
    return match[1]


def verify(query: Query, account: Account, now: datetime) -> None:
    """BigCommerce signs no hit that brings a code: what the code is exchanged for names the store. Any other has to be signed."""
    if not dict(query).get("code"):
        prove(query, account, now)


def prove(query: Query, account: Account, now: datetime) -> None:
    """A signed token (HS256 with the client secret) of our app, about this store, at this time. Raises BadSignature, Rejected."""
    token = dict(query).get(_TOKEN, "")
    signed, _, signature = token.rpartition(".")
    if parse_json(_decoded(signed.partition(".")[0]), "header").get("alg").value != "HS256":
        raise BadSignature("the token is not signed with HS256")
    check_base64(_standard(signature), signed.encode(), [account.secrets.get("client_secret", "")])
    claims = _claims(token)
    ours = {"iss": "bc", "aud": account.secrets.get("client_id", ""), "sub": f"stores/{store_hash(account)}"}
    if any(not value or claims.get(name).value != value for name, value in ours.items()):
        raise BadSignature("the token is for another app, or about another store")
    if not claims["nbf"].integer() - TOLERANCE.total_seconds() <= now.timestamp() < claims["exp"].integer():
        raise BadSignature("the token is not valid at this time")


def _claims(token: str) -> Tame:
    """What a token says, unproven."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Rejected(f"query.{_TOKEN}: expected three parts", code="malformed")
    return parse_json(_decoded(parts[1]), "claims")


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(_standard(part), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(f"query.{_TOKEN}: expected base64url", code="malformed") from None


def _standard(part: str) -> str:
    """Base64url without padding, as plain base64."""
    return part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)


def answered(token: Tame) -> Candidate:
    """The store that a token answer is for."""
    store = _store(token["context"])
    return Candidate(f"store {store}", {"store_hash": store})


def covers(granted: frozenset[str]) -> frozenset[str]:
    """A scope that may write may read, too."""
    return granted | {f"{scope}_read_only" for scope in granted if not scope.endswith("_read_only")}


APP = OAuth2(
    authorize_url=f"{LOGIN}/app/{{client_id}}/install",
    token_url=f"{LOGIN}/oauth2/token",
    scopes=SCOPES,
    # The install page wants nothing but the app: what it may do, and where the code goes, stands in its profile.
    authorize_params=dict.fromkeys(("response_type", "client_id", "redirect_uri", "scope", "state"), ""),
    callback_params=("context", "scope"),
    answered=answered,
    covers=covers,
    entrance=Entrance(whose=whose, verify=verify, uninstall=prove),
)
WAYS: dict[str, Auth] = {"account": Keys(), "app": APP}
LABELS = (("account", "API account of the store: its access token, typed in"), ("app", "App: installed at BigCommerce"))
