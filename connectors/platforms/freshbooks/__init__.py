"""FreshBooks: the books that orders, customers, products and payments are written to and read from."""

from __future__ import annotations

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Connector, OAuth2, RateLimit, Setting
from connectors.platforms.freshbooks import clients, credits, expenses, invoice_notes, invoice_reads, invoices, items, payments, taxes
from connectors.platforms.freshbooks.api import open_api
from connectors.platforms.freshbooks.identity import candidates, probe
from connectors.platforms.freshbooks.links import link
from connectors.platforms.freshbooks.sandbox import SANDBOX
from connectors.platforms.freshbooks.webhooks import WEBHOOKS

SCOPES = (
    "user:profile:read",
    "user:clients:read",
    "user:clients:write",
    "user:invoices:read",
    "user:invoices:write",
    "user:payments:read",
    "user:payments:write",
    "user:billable_items:read",
    "user:billable_items:write",
    "user:taxes:read",
    "user:taxes:write",
    "user:credit_notes:read",
    "user:credit_notes:write",
    "user:expenses:read",
    "user:expenses:write",
)

SETTINGS = (
    Setting("client_id", "Client ID", "Of your app on the FreshBooks developer page.", required=True, secret=True),
    Setting("client_secret", "Client secret", "Of the same app.", required=True, secret=True),
    Setting(
        "settle_seconds",
        "Settling time in seconds",
        help="How long after an unclear answer we wait before searching for what we may have written.",
        kind="number",
        default=120,
    ),
    Setting(
        "payment_type",
        "Payment type for unknown gateways",
        help="What a payment is booked as when its gateway has no mapping.",
        kind="choice",
        choices=tuple((name, name) for name in payments.METHODS),
        default="Other",
    ),
    Setting("rate_per_second", "Calls per second", help="FreshBooks publishes no limit; 3 has a margin.", kind="number", default=3),
    Setting("rate_burst", "Calls in a burst", kind="number", default=6),
)

CONNECTOR = Connector(
    platform="freshbooks",
    label="FreshBooks",
    auth=OAuth2(
        authorize_url="https://auth.freshbooks.com/oauth/authorize/",
        token_url="https://api.freshbooks.com/auth/oauth/token",  # noqa: S106 - an address
        scopes=SCOPES,
        candidates=candidates,
    ),
    settings=SETTINGS,
    open=open_api,
    probe=probe,
    reads={
        ObjectType.PAYMENT: payments.READS,
        ObjectType.CUSTOMER: clients.READS,
        ObjectType.PRODUCT: items.READS,
        ObjectType.INVOICE: invoice_reads.READS,
    },
    writes={
        ObjectType.CUSTOMER: clients.WRITES,
        ObjectType.PRODUCT: items.WRITES,
        ObjectType.INVOICE: invoices.WRITES,
        ObjectType.PAYMENT: payments.WRITES,
        ObjectType.CREDIT: credits.WRITES,
        ObjectType.TAX: taxes.WRITES,
        ObjectType.EXPENSE: expenses.WRITES,
        ObjectType.INVOICE_NOTE: invoice_notes.WRITES,
    },
    limits=RateLimit(per_second=3, burst=6),
    webhooks=WEBHOOKS,
    link=link,
    payment_methods=payments.METHODS,
    keeps_books=True,
    addressed=False,
    sandbox=SANDBOX,
)
