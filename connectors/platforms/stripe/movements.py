"""One payment as Stripe moved it: what was charged, what went back, what it cost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from connectors.canonical.collection import CollectedPayment, Fee, GivenBack, GivenBackKind
from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention
from connectors.kit.tame import Tame
from connectors.platforms.stripe.amounts import from_units, read_time, read_time_or
from connectors.platforms.stripe.payments import paid_at


def read_payment(row: Tame, reference: str, currency: str) -> CollectedPayment:
    """A payment with its charge, refunds and disputes. NeedsAttention where the amounts do not say what belongs to this invoice."""
    part, charge = row.get("invoice_payment"), row["charge"]
    created = read_time(charge["created"])
    details, movement = charge.get("payment_method_details"), charge.get("balance_transaction")
    back = (*_refunds(row["refunds"]), *_lost(row["disputes"]))
    settled, rate = _settled(movement, currency)
    return CollectedPayment(
        id=reference,
        amount=_amount(row, reference, currency, went_back=bool(back)),
        occurred_at=created if part.is_null else read_time_or(paid_at(part), created),
        method="" if details.is_null else details.get("type").text_or(),
        given_back=tuple(sorted(back, key=lambda one: (one.occurred_at, one.id))),
        fees=tuple(_fees(movement, row)),
        settled=settled,
        exchange_rate=rate,
        reference=charge["id"].known_identifier(),
    )


def _amount(row: Tame, reference: str, currency: str, *, went_back: bool) -> Money:
    """What was charged; of a payment that settles several invoices, the part that Stripe put on this one.

    Charged is more than the invoice's part when it was overpaid: a refund then takes from the surplus first.
    """
    charge = row["charge"]
    if row.get("shared").value is not True:
        return _units(charge, "amount_captured")
    if went_back:
        raise NeedsAttention(
            f"Manual review: only a part of the payment {reference} was for this invoice, and some of it went back. Stripe does not "
            "say from which part: lower the payment in the books by hand.",
            code="manual_review",
            subject=f"payment:{reference}",
        )
    return from_units(row["invoice_payment"]["amount_paid"], currency)


def _units(found: Tame, name: str) -> Money:
    """An amount in its own currency; whether that is the one of the whole is for the recipe to judge."""
    return from_units(found[name], found["currency"].currency())


def _refunds(rows: Tame) -> Iterator[GivenBack]:
    """Those that succeeded or are on their way; failed and cancelled ones gave nothing back."""
    for refund in rows.items():
        status = refund["status"].text_or("pending")
        if status in ("failed", "canceled"):
            continue
        moment, amount = read_time(refund["created"]), _units(refund, "amount")
        yield GivenBack(refund["id"].known_identifier(), GivenBackKind.REFUND, amount, moment, pending=status != "succeeded")


def _lost(rows: Tame) -> Iterator[GivenBack]:
    for dispute in rows.items():
        if dispute["status"].text() == "lost":
            moment, amount = read_time(dispute["created"]), _units(dispute, "amount")
            yield GivenBack(dispute["id"].known_identifier(), GivenBackKind.DISPUTE, amount, moment)


def _settled(movement: Tame, currency: str) -> tuple[Money | None, Decimal | None]:
    if movement.is_null:
        return None, None
    paid_out_in, rate = movement["currency"].currency(), movement.get("exchange_rate")
    if paid_out_in == currency:
        return None, None
    return from_units(movement["amount"], paid_out_in), None if rate.is_null else rate.decimal()


def _fees(movement: Tame, row: Tame) -> Iterator[Fee]:
    """What Stripe kept for the charge, its refunds and its disputes; not known yet while a charge has no balance transaction. The fee of
    a dispute comes back as a movement of its own with a fee below zero when the dispute is won.
    """
    yield from _kept([movement])
    for refund in row["refunds"].items():
        yield from _kept([refund.get("balance_transaction")])
    for dispute in row["disputes"].items():
        yield from _kept(list(dispute["balance_transactions"].items()))


def _kept(movements: list[Tame]) -> Iterator[Fee]:
    """The fees of movements that belong together; all count as returned once they come to nothing."""
    known = [one for one in movements if isinstance(one.value, dict)]  # a mere id where it was not expanded
    fees = [(one, from_units(one["fee"], one["currency"].currency())) for one in known]
    returned = sum(fee.amount for _, fee in fees) <= 0
    for one, fee in fees:
        if fee.amount > 0:
            yield Fee(one["id"].known_identifier(), fee, read_time(one["created"]), returned)
