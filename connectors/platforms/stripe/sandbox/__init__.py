"""A stateful miniature of Stripe: customers, invoices and their payments, refunds, disputes, events with signatures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.kit.contract import SandboxSpec
from connectors.kit.sandbox import Answer, Sandbox
from connectors.platforms.stripe.sandbox.admin import admin_actions
from connectors.platforms.stripe.sandbox.events import announcer
from connectors.platforms.stripe.sandbox.routes import route_all
from connectors.platforms.stripe.sandbox.state import SEED_KEY, Wallet

OPTIONS = ("seed", "currency")


def build(public_url: str, options: Mapping[str, Any], *, clock: Callable[[], float] | None = None) -> Sandbox:
    """A fresh sandbox. options: seed, and the currency that the account pays out; KeyError for others. clock: seconds since 1970."""
    unknown = set(options) - set(OPTIONS)
    if unknown:
        raise KeyError(f"unknown options: {', '.join(sorted(unknown))}")
    sandbox = Sandbox(None, seed=int(options.get("seed", 1)))
    wallet = Wallet(public_url, sandbox.random, currency=str(options.get("currency", "cad")).lower())
    wallet.clock = clock or wallet.clock
    wallet.announce = announcer(sandbox, wallet)
    sandbox.state = wallet
    error = {"type": "invalid_request_error", "message": "Unrecognized request URL."}
    sandbox.unrouted = Answer.of({"error": error}, 404)
    sandbox.admin.update(admin_actions(sandbox, wallet))
    route_all(sandbox, wallet)
    return sandbox


def connection(public_url: str) -> Mapping[str, Any]:
    """What is needed to connect to a fresh sandbox with its development key."""
    return {"base_url": public_url, "urls": {"api": public_url}, "ids": {}, "secrets": {"secret_key": SEED_KEY}, "settings": {}}


SANDBOX = SandboxSpec(role="collector", build=build, connection=connection)
