"""Stripe: collects the books' invoices, and tells what came in. The table of contents of the connector."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector, Keys, RateLimit, Reads, Setting
from connectors.platforms.stripe import customers, invoices
from connectors.platforms.stripe.api import open_api
from connectors.platforms.stripe.collected import fetch_collection, normalise_collection
from connectors.platforms.stripe.links import link
from connectors.platforms.stripe.listing import page_collections
from connectors.platforms.stripe.probe import probe
from connectors.platforms.stripe.sandbox import SANDBOX
from connectors.platforms.stripe.webhooks import WEBHOOKS

SETTINGS = (
    Setting(
        "secret_key",
        "Secret or restricted key",
        "Starts with rk_live_ or sk_live_ (rk_test_ or sk_test_ for test mode); made under Developers > API keys.",
        required=True,
        secret=True,
    ),
    Setting("rate_per_second", "Calls per second", help="Stripe allows 25 to each kind of call.", kind="number", default=20),
    Setting("rate_burst", "Calls in a burst", kind="number", default=5),
)

CONNECTOR = Connector(
    platform="stripe",
    label="Stripe",
    auth=Keys(),
    settings=SETTINGS,
    open=open_api,
    probe=probe,
    reads={ObjectType.COLLECTION: Reads(fetch_collection, normalise_collection, page_collections)},
    writes={ObjectType.CUSTOMER: customers.WRITES, ObjectType.INVOICE: invoices.WRITES},
    # 25 a second to each endpoint, and to the whole account in a sandbox. Rate and burst together keep both in any second.
    limits=RateLimit(per_second=20, burst=5),
    webhooks=WEBHOOKS,
    link=link,
    addressed=False,
    sandbox=SANDBOX,
)
