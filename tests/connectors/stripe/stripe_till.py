"""The Stripe sandbox in this process, our connector at it, and the official package as a referee."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import stripe

from connectors.canonical.ledger import Invoice, InvoiceLine
from connectors.canonical.money import Money
from connectors.canonical.party import Address, Customer
from connectors.kit.account import Account
from connectors.kit.http import Api, Exchange, Plumbing
from connectors.kit.sandbox import Served, serve
from connectors.platforms.stripe import CONNECTOR
from connectors.platforms.stripe.sandbox import SANDBOX

stripe.enable_telemetry = False


@dataclass
class OpenTill:
    """A running sandbox with a connection to it."""

    served: Served
    api: Api
    exchanges: list[Exchange] = field(default_factory=list)

    def admin(self, action: str, /, **body: Any) -> Any:
        return self.served.sandbox.command(action, body)

    @property
    def wallet(self) -> Any:
        return self.served.sandbox.state

    def again(self, **account: Any) -> Api:
        """Another connection to the same sandbox."""
        return open_api(self.served, self.exchanges, **account)

    def official(self) -> stripe.StripeClient:
        """The official package, pointed here."""
        return stripe.StripeClient(
            self.wallet.key, base_addresses={"api": self.served.url}, stripe_version=stripe.api_version, max_network_retries=0
        )

    def customer(self, **fields: Any) -> Customer:
        return CONNECTOR.writes[CUSTOMER].create(self.api, ida(**fields))

    def draft(self, *amounts: str, currency: str = "CAD", **fields: Any) -> Invoice:
        return CONNECTOR.writes[INVOICE].create(self.api, bill(self.customer().id, *amounts, currency=currency, **fields))

    def issued(self, *amounts: str, currency: str = "CAD", **fields: Any) -> Invoice:
        draft = self.draft(*amounts, currency=currency, **fields)
        return CONNECTOR.writes[INVOICE].actions["finalize"](self.api, draft.id)


def open_api(served: Served, exchanges: list[Exchange], **more: Any) -> Api:
    facts = SANDBOX.connection(served.url)
    given = {"ids": facts["ids"], "secrets": facts["secrets"], "time_zone": "America/Toronto", "currency": "CAD", **more}
    account = Account(f"till-{id(served)}-{len(exchanges)}", served.url, facts["urls"], **given)
    return CONNECTOR.open(account, Plumbing(record=exchanges.append, allow_private=True, sleep=lambda _seconds: None))


@contextmanager
def open_till(**options: Any) -> Iterator[OpenTill]:
    served = serve(SANDBOX.build, {"seed": 9, **options})
    exchanges: list[Exchange] = []
    try:
        yield OpenTill(served, open_api(served, exchanges), exchanges)
        assert list(served.sandbox.crashes) == []
    finally:
        served.stop()


CUSTOMER, INVOICE = (kind for kind in CONNECTOR.writes if kind.value in ("customer", "invoice"))
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def ida(**fields: Any) -> Customer:
    home = Address("Ida", "Stroem", "Stroem Glas", "4 Kiln Lane", "", "Hamilton", "ON", "L8P 1A1", "CA")
    given = {"id": "700101", "email": "ida@stroem.example", "given_name": "Ida", "family_name": "Stroem", "company": "Stroem Glas"}
    return Customer(**{**given, "billing": home, **fields})


def bill(customer_id: str, *amounts: str, currency: str = "CAD", **fields: Any) -> Invoice:
    lines = tuple(InvoiceLine(f"Line {n}", "", Decimal(1), Money.of(amount, currency)) for n, amount in enumerate(amounts or ("100.00",)))
    given = {"number": "A-1", "reference": "books1:880201", "issued_on": date(2026, 11, 1), "notes": "Memo", "due_on": date(2030, 1, 31)}
    return Invoice(**{"customer_id": customer_id, "currency": currency, "lines": lines, **given, **fields})
