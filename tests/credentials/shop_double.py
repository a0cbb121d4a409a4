"""A made-up shop platform that offers every way to authorise: signed callbacks and hits, tokens of several lives, an activation."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from connectors.kit.account import Account
from connectors.kit.contract import (
    Activated,
    Activation,
    Candidate,
    ClientCredentials,
    Connector,
    Entrance,
    Keys,
    OAuth2,
    Query,
    Setting,
    Whose,
)
from connectors.kit.errors import BadSignature, Rejected
from connectors.kit.http import Plumbing
from connectors.kit.tame import Tame
from tests.credentials.platform_double import make_connector, probe_facts

SECRET = "app-client-secret"
WAYS = ("oauth", "lasting", "opened", "own", "token", "activation")


def signed(fields: Mapping[str, str], secret: str = SECRET) -> dict[str, str]:
    """The parameters with the platform's signature over them."""
    message = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
    return {**fields, "hmac": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}


def verify(query: Query, account: Account, now: datetime) -> None:
    came = dict(query)
    given = came.pop("hmac", "")
    if not hmac.compare_digest(given, signed(came, account.secrets.get("client_secret", ""))["hmac"]):
        raise BadSignature("hmac")
    if abs(now.timestamp() - int(came.get("timestamp", "0"))) > 90:
        raise BadSignature("timestamp")


def unsigned(query: Query, account: Account, now: datetime) -> None:
    return None


def whose(query: Query) -> Whose:
    came = dict(query)
    if "shop" not in came:
        raise Rejected("no shop")
    return Whose(ids={"shop": came["shop"]})


def answered(token: Tame) -> Candidate:
    context = token["context"].text()
    return Candidate(context, {"shop": context})


def covers(granted: frozenset[str]) -> frozenset[str]:
    return granted | {scope.replace("write_", "read_") for scope in granted}


def read_activation(body: bytes) -> Activated:
    came = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if "consumer_key" not in came:
        raise Rejected("no key")
    secrets = {"consumer_key": came["consumer_key"], "consumer_secret": came["consumer_secret"]}
    return Activated(came["base"], came["consumer_key"], secrets, came["verifier"])


def exchange(calls: list[tuple[str, str]]) -> Callable[[Account, str, Plumbing], Mapping[str, str]]:
    def both_steps(account: Account, verifier: str, _plumbing: Plumbing) -> Mapping[str, str]:
        calls.append((account.secrets["consumer_secret"], verifier))
        return {"access_token": "access-token-activated", "token_secret": "token-secret-activated"}

    return both_steps


def make_shop(url: str, calls: list[tuple[str, str]]) -> Connector:
    """Its ways: "oauth" expires and rotates, "lasting" does neither, "opened" begins there, "own" is for one's own shop."""
    door = Entrance(whose, verify, uninstall=verify)
    oauth = OAuth2(
        authorize_url="{base}/admin/authorize",
        token_url="{base}/token",
        scopes=("read_orders", "write_items"),
        optional_scopes=("read_all",),
        separator=",",
        authorize_params={"response_type": "", "prompt": "yes"},
        token_params={"grant_type": "", "redirect_uri": "", "expiring": "1"},
        refresh_params={"redirect_uri": ""},
        verify=verify,
        covers=covers,
        repeats_refresh=True,
        entrance=door,
    )
    opened = OAuth2(
        authorize_url="",
        token_url=f"{url}/token",
        scopes=("orders",),
        callback_params=("context",),
        answered=answered,
        entrance=replace(door, verify=unsigned),
    )
    ways = {
        "oauth": oauth,
        "lasting": replace(oauth, token_params={"redirect_uri": ""}),
        "opened": opened,
        "own": ClientCredentials("{base}/token", ("read_orders",), ",", {"tenant": "ours"}),
        "token": Keys(token="typed_token"),
        "activation": Activation(read_activation, exchange(calls)),
    }
    settings = (
        Setting("auth", "Way", kind="choice", choices=tuple((way, way) for way in ways), default="oauth"),
        Setting("shop", "Shop"),
        Setting("typed_token", "Token", secret=True, ways=("token",)),
        *(Setting(n, n, secret=True, ways=("activation",)) for n in ("consumer_key", "consumer_secret", "access_token", "token_secret")),
    )
    return replace(make_connector("shopway", oauth, probe_facts), settings=settings, ways=ways, handover=None)


def address(path: str, fields: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(fields)}"
