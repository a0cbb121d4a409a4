"""A miniature Shopify shop for the demo and the tests: GraphQL by graphql-core over our own SDL, OAuth, points, exports, webhooks.

Options are the fields of state.Switches, and "seed".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from connectors.kit.contract import SandboxSpec
from connectors.kit.sandbox import Answer, Sandbox
from connectors.platforms.shopify.sandbox.admin import actions
from connectors.platforms.shopify.sandbox.endpoint import graphql_call
from connectors.platforms.shopify.sandbox.exports import download
from connectors.platforms.shopify.sandbox.oauth import access_token, authorize
from connectors.platforms.shopify.sandbox.scenario import furnish
from connectors.platforms.shopify.sandbox.state import DOMAIN, Token, build_shop


def _development(prefix: str) -> str:
    """A fixed key that opens nothing but sandboxes."""
    return prefix + hashlib.sha256(f"tillbridge shopify sandbox {prefix}".encode()).hexdigest()[:32]


ACCESS, REFRESH = _development("shpat_"), _development("shprt_")
CLIENT_ID, CLIENT_SECRET = _development(""), _development("shpss_")


def build(public_url: str, options: Mapping[str, Any]) -> Sandbox:
    """A furnished shop at that address."""
    sandbox = Sandbox(None, seed=int(options.get("seed", 1)))
    shop = build_shop(public_url, options, sandbox.lock, sandbox.courier, sandbox.random)
    shop.client = (CLIENT_ID, CLIENT_SECRET)
    shop.tokens[ACCESS] = Token(ACCESS, refresh=REFRESH, refresh_expires_at=float("inf"))
    furnish(shop)
    sandbox.state = shop
    sandbox.route("POST", r"/admin/api/(?P<version>[\w-]+)/graphql\.json", lambda call, version: graphql_call(shop, call, version))
    sandbox.route("GET", r"/admin/oauth/authorize", lambda call: authorize(shop, call))
    sandbox.route("POST", r"/admin/oauth/access_token", lambda call: access_token(shop, call))
    sandbox.route("GET", r"/store/(?P<number>\d+)\.jsonl", lambda call, number: download(shop, call, number))
    sandbox.unrouted = Answer.of({"errors": "Not Found"}, 404)
    sandbox.malformed = Answer.of({"errors": "Bad Request"}, 400)
    sandbox.admin.update(actions(shop))
    return sandbox


def connection(public_url: str) -> Mapping[str, Any]:
    """What it takes to connect to a freshly built sandbox."""
    home = public_url.rstrip("/")
    return {
        "base_url": f"https://{DOMAIN}",
        "urls": {"api": home, "authorize": f"{home}/admin/oauth/authorize", "token": f"{home}/admin/oauth/access_token"},
        "ids": {},
        "secrets": {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "access_token": ACCESS,
            "refresh_token": REFRESH,
        },
        "settings": {},
    }


SANDBOX = SandboxSpec(role="shop", build=build, connection=connection)
