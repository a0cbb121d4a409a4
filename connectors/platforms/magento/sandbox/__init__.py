"""A miniature Magento shop for the demo and the tests: REST V1 with real signatures over one memory.

Its behaviour follows what was observed with 2.4.7-p6 and 2.4.8-p1; which of the two is a switch. Options are the fields of
state.Switches, and "seed".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.contract import SandboxSpec
from connectors.kit.sandbox import Sandbox
from connectors.platforms.magento.sandbox.admin import actions
from connectors.platforms.magento.sandbox.routes import answer_call
from connectors.platforms.magento.sandbox.seed import KEYS, furnish
from connectors.platforms.magento.sandbox.state import build_shop

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


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
    return {"base_url": public_url.rstrip("/"), "urls": {}, "ids": {}, "secrets": dict(KEYS), "settings": {}}


SANDBOX = SandboxSpec(role="shop", build=build, connection=connection)
