"""The ways to a shop's token, and the proof that a browser really came from Shopify."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connectors.kit.account import Account
from connectors.kit.contract import Auth, ClientCredentials, Entrance, Keys, OAuth2, Query, Whose
from connectors.kit.errors import BadSignature, Rejected
from connectors.kit.signatures import check_hex, check_timestamp
from connectors.platforms.shopify.api import shop_domain
from connectors.platforms.shopify.probe import ALL_ORDERS, NEEDED

TOKEN_URL = "{base}/admin/oauth/access_token"  # noqa: S105 - an address
FRESH = timedelta(seconds=90)  # Shopify's own library takes no older or later timestamp


def signed_message(query: Query) -> str:
    """What the hmac of a query signs: the other parameters by name. A value with a reserved character never comes from Shopify, and
    its libraries would encode it differently, so nothing is encoded here.
    """
    fields = sorted((name, value) for name, value in query if name not in ("hmac", "signature"))
    return "&".join(f"{name}={value}" for name, value in fields)


def verify(query: Query, account: Account, now: datetime) -> None:
    """An install hit or a callback: from this connection's shop, signed with the app's secret, and just now. Raises BadSignature."""
    fields = _single(query)
    if not shop_domain(fields.get("shop", "")) or shop_domain(fields["shop"]) != shop_domain(account.base_url):
        raise BadSignature("it is about another shop than the connection's, or about none")
    if any("&" in value or "=" in name or "&" in name for name, value in fields.items()):
        raise BadSignature("a parameter could be read in two ways")
    check_hex(fields.get("hmac", ""), signed_message(query).encode(), [account.secrets.get("client_secret", "")])
    check_timestamp(fields.get("timestamp", ""), now, FRESH)


def _single(query: Query) -> dict[str, str]:
    """The parameters by name; a repeated one could be signed as one value and read as another."""
    names = [name for name, _ in query]
    if len(names) != len(set(names)):
        raise BadSignature("a parameter is there twice")
    return dict(query)


def whose(query: Query) -> Whose:
    """The shop that an install hit names."""
    domain = shop_domain(dict(query).get("shop", ""))
    if not domain:
        raise Rejected("query.shop: expected a domain that ends in .myshopify.com", code="malformed")
    return Whose(f"https://{domain}")


def covers(granted: frozenset[str]) -> frozenset[str]:
    """write_x brings read_x."""
    return granted | {scope.replace("write_", "read_", 1) for scope in granted if scope.startswith("write_")}


APP = OAuth2(
    authorize_url="{base}/admin/oauth/authorize",
    token_url=TOKEN_URL,
    scopes=NEEDED,
    separator=",",
    authorize_params={"response_type": ""},
    token_params={"expiring": "1", "grant_type": "", "redirect_uri": ""},
    refresh_params={"redirect_uri": ""},
    verify=verify,
    covers=covers,
    # The refresh token before stays usable until its replacement is used for the first time (changelog of 2026-08-28).
    repeats_refresh=True,
    entrance=Entrance(whose=whose, verify=verify),
)
LASTING = replace(APP, token_params={**APP.token_params, "expiring": "0"})
OWN = ClientCredentials(TOKEN_URL, separator=",", covers=covers)
TOKEN = Keys(token="access_token")  # noqa: S106 - the name of a secret

WAYS: dict[str, Auth] = {
    "app": APP,
    "app_all_orders": replace(APP, scopes=(*NEEDED, ALL_ORDERS)),
    "custom_app": replace(LASTING, scopes=(*NEEDED, ALL_ORDERS)),
    "own_shop": OWN,
    "token": TOKEN,
}
LABELS = (
    ("app", "App: sign in at Shopify (tokens that expire and are renewed)"),
    ("app_all_orders", "App that may read all orders: sign in at Shopify"),
    ("custom_app", "Custom app with a lasting token: sign in at Shopify"),
    ("own_shop", "App and shop of one organization: client id and secret are enough"),
    ("token", "Access token of a custom app, typed in"),
)
