"""A miniature WooCommerce shop for the demo and the tests: REST API v3, webhooks and key hand-over over one memory.

Its behaviour follows what was observed with WooCommerce 11.0.1 (HPOS), quirks included. Options are the fields of
sandbox_state.Switches, and "seed".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.contract import SandboxSpec
from connectors.kit.sandbox import Sandbox
from connectors.platforms.woocommerce.sandbox.admin import actions
from connectors.platforms.woocommerce.sandbox.routes import answer_call
from connectors.platforms.woocommerce.sandbox.seed import CONSUMER_KEY, CONSUMER_SECRET, furnish
from connectors.platforms.woocommerce.sandbox.state import build_shop

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def build(public_url: str, options: Mapping[str, Any]) -> Sandbox:
    """A furnished shop at that address."""
    sandbox = Sandbox(None, seed=int(options.get("seed", 1)))
    shop = build_shop(public_url, options, sandbox.lock, sandbox.courier, sandbox.random)
    furnish(shop)
    sandbox.state = shop
    for method in _METHODS:
        sandbox.route(method, r"/.*", lambda call: answer_call(shop, call))
    sandbox.admin.update(actions(shop))
    return sandbox


def connection(public_url: str) -> Mapping[str, Any]:
    """What it takes to connect to a freshly built sandbox."""
    return {
        "base_url": public_url.rstrip("/"),
        "urls": {},
        "ids": {},
        "secrets": {"consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET},
        "settings": {},
    }


SANDBOX = SandboxSpec(role="shop", build=build, connection=connection)
