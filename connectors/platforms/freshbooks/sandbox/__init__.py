"""A stateful miniature of FreshBooks: OAuth, the accounting API with its quirks, and webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.kit.contract import SandboxSpec
from connectors.kit.sandbox import Answer, Sandbox
from connectors.platforms.freshbooks.sandbox.accounting import RESOURCES, accounting_endpoint
from connectors.platforms.freshbooks.sandbox.admin import admin_actions
from connectors.platforms.freshbooks.sandbox.callbacks import callbacks_endpoint, callbacks_table
from connectors.platforms.freshbooks.sandbox.consent import consent_click, consent_page
from connectors.platforms.freshbooks.sandbox.incomes import seed_categories
from connectors.platforms.freshbooks.sandbox.ledger import journal_endpoint, ledger_accounts_endpoint, ledger_tables, seed_chart
from connectors.platforms.freshbooks.sandbox.oauth import (
    SEED_ACCESS_TOKEN,
    SEED_REFRESH_TOKEN,
    Grants,
    me_endpoint,
    revoke_endpoint,
    token_endpoint,
)
from connectors.platforms.freshbooks.sandbox.rates import RateGate
from connectors.platforms.freshbooks.sandbox.state import MAIN_ACCOUNT, SECOND_ACCOUNT, Books, World
from connectors.platforms.freshbooks.sandbox.switches import Switches
from connectors.platforms.freshbooks.sandbox.systems import seed_system
from connectors.platforms.freshbooks.sandbox.webhooks import announcer

BUSINESSES = (
    (MAIN_ACCOUNT, 31007001, "8d1b6a52-40c7-4e19-9f3a-5c2e7b90d614", 655001, "Harbour Pottery Ltd"),
    (SECOND_ACCOUNT, 31007002, "c27e9f08-1b5d-43a6-8e74-90d3f5a1c6b2", 655002, "Harbour Workshops Ltd"),
)
ACCOUNT = r"/accounting/account/(?P<account>[^/]+)"
JOURNAL = r"(?P<path>journal_entries/journal_entries|journal_entries/journal_entry_details|journal_entry_accounts/journal_entry_accounts)"


def _open_books(world: World, place: int, account: str, business: int, uuid: str, system: int, name: str) -> Books:
    """Books with the categories and the chart that every account starts with; ids of two accounts never meet."""
    first = place * 5_000_000
    books = Books(world, account, business, uuid, system, name)
    books.tables = {resource.plural: resource.make_table(first) for resource in RESOURCES}
    books.tables |= {"callbacks": callbacks_table(first), **ledger_tables(first)}
    seed_categories(books)
    seed_system(books)
    seed_chart(books)
    return books


def _route(sandbox: Sandbox, world: World, grants: Grants) -> None:
    gate = RateGate(world)
    accounting = gate.limited(accounting_endpoint(world, grants))
    callbacks = gate.limited(callbacks_endpoint(world, grants, sandbox))
    journal = gate.limited(journal_endpoint(world, grants))
    for method in ("GET", "POST"):
        sandbox.route(method, f"{ACCOUNT}/{JOURNAL}/?", journal)
        sandbox.route(method, r"/events/account/(?P<account>[^/]+)/events/callbacks/?", callbacks)
    for method in ("GET", "PUT", "DELETE"):
        sandbox.route(method, r"/events/account/(?P<account>[^/]+)/events/callbacks/(?P<row_id>[^/]+)/?", callbacks)
    for method in ("GET", "POST", "PUT", "DELETE"):
        sandbox.route(method, ACCOUNT + r"/(?P<path>[a-z_]+/[a-z_]+)(?:/(?P<row_id>[^/]+))?/?", accounting)
    chart = r"/accounting/businesses/(?P<business>[^/]+)/ledger_accounts/accounts/?"
    sandbox.route("GET", chart, gate.limited(ledger_accounts_endpoint(world, grants)))
    sandbox.route("GET", "/auth/api/v1/users/me/?", gate.limited(me_endpoint(grants)))
    sandbox.route("POST", "/auth/oauth/token/?", gate.limited(token_endpoint(grants)))
    sandbox.route("POST", "/auth/oauth/revoke/?", gate.limited(revoke_endpoint(grants)))
    sandbox.route("GET", "/oauth/authorize/?", consent_page(grants))
    sandbox.route("POST", "/oauth/authorize/?", consent_click(grants))


def build(public_url: str, options: Mapping[str, Any], *, clock: Callable[[], float] | None = None) -> Sandbox:
    """A fresh sandbox. options: the names in Switches; KeyError for an unknown one. clock answers seconds since 1970."""
    switches = Switches()
    switches.change(options)
    sandbox = Sandbox(None, seed=switches.seed)
    world = World(public_url, switches, sandbox.random)
    world.clock = clock or world.clock
    for place, business in enumerate(BUSINESSES):
        world.accounts[business[0]] = _open_books(world, place, *business)
    grants = Grants(world)
    world.announce = announcer(sandbox)
    sandbox.state = world
    sandbox.unrouted = Answer.of({"message": "Requested resource could not be found."}, 404)
    sandbox.malformed = Answer.of({"error": "invalid_request", "error_description": "The request body could not be parsed."}, 400)
    sandbox.admin.update(admin_actions(sandbox, world, grants))
    _route(sandbox, world, grants)
    return sandbox


def connection(public_url: str) -> Mapping[str, Any]:
    """What is needed to connect to a fresh sandbox with its development keys."""
    account, business, uuid, _, _ = BUSINESSES[0]
    switches = Switches()
    return {
        "base_url": public_url,
        "urls": {
            "api": public_url,
            "authorize": f"{public_url}/oauth/authorize",
            "token": f"{public_url}/auth/oauth/token",
            "revoke": f"{public_url}/auth/oauth/revoke",
        },
        "ids": {"account_id": account, "business_id": str(business), "business_uuid": uuid},
        "secrets": {
            "client_id": switches.client_id,
            "client_secret": switches.client_secret,
            "access_token": SEED_ACCESS_TOKEN,
            "refresh_token": SEED_REFRESH_TOKEN,
        },
        "settings": {},
    }


SANDBOX = SandboxSpec(role="ledger", build=build, connection=connection)
