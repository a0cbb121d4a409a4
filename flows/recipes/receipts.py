"""What should stand in the books for what a payment service collected: the answer of collection_to_payment's desire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.canonical.collection import CollectedPayment, Collection, GivenBack
from connectors.canonical.money import Money, total


@dataclass(frozen=True, slots=True)
class Rules:
    """What the flow says. record off only compares; refunds: reduce, attention or ignore; fee_category "" books no fees."""

    record: bool
    refunds: str
    pending_at_once: bool
    ask_overpaid: bool
    ask_unmatched: bool
    fee_category: str
    pay_link: bool


@dataclass(frozen=True, slots=True)
class DesiredReceipts:
    """books: how our marks at the service name these books; methods: what each payment is called in the books, by its id. age_days: since
    the first money came in.
    """

    collection: Collection
    rules: Rules
    books: str
    service: str
    methods: tuple[tuple[str, str], ...]
    age_days: int

    @property
    def currency(self) -> str:
        return self.collection.currency

    def key(self, id: str) -> str:
        """The link key of a part."""
        return f"{self.collection.id}:{id}"

    def note(self, id: str) -> str:
        """What our note starts with: the bare id, so that the same money is recognised even if two connections read one account."""
        return id


def given_back(payment: CollectedPayment, counts: Callable[[GivenBack], bool]) -> Money:
    """What went back of a payment, at most all of it."""
    back = total((one.amount for one in payment.given_back if counts(one)), payment.amount.currency)
    return min(back, payment.amount)


def net(desired: DesiredReceipts, payment: CollectedPayment) -> Money:
    """What is left of a payment: what is only on its way back counts if the flow says so."""
    return payment.amount - given_back(payment, lambda one: desired.rules.pending_at_once or not one.pending)


def converted(collection: Collection) -> str:
    """What the service made of the money in the currency that it pays out, for people: "50.00 EUR = 74.00 CAD at 1.48"."""
    parts = [
        f"{payment.amount} = {payment.settled} at {payment.exchange_rate}" if payment.settled else str(payment.amount)
        for payment in collection.payments
    ]
    return ", ".join(parts)
