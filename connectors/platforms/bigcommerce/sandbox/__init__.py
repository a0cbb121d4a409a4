"""A miniature BigCommerce store for the demo and the tests: REST v2 and v3, webhooks with their repeats, over one memory.

Options are the fields of state.Switches, and "seed"; what no document tells is a switch there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.contract import SandboxSpec
from connectors.kit.sandbox import Sandbox
from connectors.platforms.bigcommerce.sandbox import oauth
from connectors.platforms.bigcommerce.sandbox.admin import actions
from connectors.platforms.bigcommerce.sandbox.routes import answer_call
from connectors.platforms.bigcommerce.sandbox.seed import furnish
from connectors.platforms.bigcommerce.sandbox.seed_keys import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET
from connectors.platforms.bigcommerce.sandbox.state import STORE_HASH, build_store

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def build(public_url: str, options: Mapping[str, Any]) -> Sandbox:
    """A furnished store at that address."""
    sandbox = Sandbox(None, seed=int(options.get("seed", 1)))
    store = build_store(public_url, options, sandbox.lock, sandbox.courier, sandbox.random)
    furnish(store)
    sandbox.state = store
    sandbox.route("GET", r"/app/(?P<client_id>\w+)/install", lambda call, client_id: oauth.install(store, call, client_id))
    sandbox.route("POST", r"/oauth2/token", lambda call: oauth.exchange(store, call))
    for method in _METHODS:
        sandbox.route(method, r"/.*", lambda call: answer_call(store, call))
    sandbox.admin.update(actions(store))
    return sandbox


def connection(public_url: str) -> Mapping[str, Any]:
    """What it takes to connect to a freshly built sandbox."""
    return {
        "base_url": public_url.rstrip("/"),
        "urls": {
            "api": public_url.rstrip("/"),
            "token": f"{public_url.rstrip('/')}/oauth2/token",
            "authorize": f"{public_url.rstrip('/')}/app/{CLIENT_ID}/install",
        },
        "ids": {},
        "secrets": {"access_token": ACCESS_TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
        "settings": {"store_hash": STORE_HASH},
    }


SANDBOX = SandboxSpec(role="shop", build=build, connection=connection)
