"""The payments of an invoice at Stripe, without what was only reported to it as paid elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from connectors.canonical.ledger import Payment
from connectors.kit.account import Account
from connectors.kit.tame import Tame
from connectors.platforms.stripe.amounts import from_units, read_time, read_time_or

OWN_KINDS = ("payment_intent", "charge")  # "payment_record" is money that Stripe never saw


def payment_reference(row: Tame) -> str:
    """The id that a payment of an invoice is known by: the payment intent's, else the charge's; "" when it is none of Stripe's."""
    payment = row["payment"]
    kind = payment["type"].text()
    return payment[kind].known_identifier() if kind in OWN_KINDS else ""


def is_paid(row: Tame) -> bool:
    return row["status"].text() == "paid"


def paid_at(row: Tame) -> Tame:
    """When it was paid; the transition may be missing on old shapes."""
    return row["status_transitions"].get("paid_at") if "status_transitions" in row else row.get("paid_at")


def read_payments(rows: Iterable[Tame], invoice_id: str, currency: str, account: Account) -> tuple[Payment, ...]:
    """Those that were paid through Stripe, oldest first; the note is the id that they are known by."""
    zone, found = ZoneInfo(account.time_zone), []
    for row in rows:
        reference = payment_reference(row) if is_paid(row) else ""  # one that nobody paid yet may name no payment at all
        if not reference:
            continue
        moment = read_time_or(paid_at(row), read_time(row["created"]))
        amount = from_units(row["amount_paid"], currency)
        payment = Payment(invoice_id, amount, moment.astimezone(zone).date(), "", reference, id=row["id"].known_identifier())
        found.append((moment, payment))
    return tuple(payment for _, payment in sorted(found, key=lambda pair: (pair[0], pair[1].id)))
