"""Brings our payments on an invoice to what was collected less what went back: lowers first, never beyond what is outstanding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.collection import CollectedPayment
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, Payment
from connectors.canonical.money import Money, total
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Change
from flows.recipes.looks import Link, LinksUnder, Now, View
from flows.recipes.payments_plan import Held
from flows.recipes.receipts import DesiredReceipts, given_back, net
from flows.recipes.times import shop_date

PAYMENT = ObjectType.PAYMENT


@dataclass(frozen=True, slots=True)
class Standing:
    """Where our payments stand. held: by the id of what was collected; aims: what each should come to, in the order of their coming in;
    over: what the invoice has no room for; unsettled_refunds: what went back and waits for a person.
    """

    invoice: Invoice
    held: dict[str, Held]
    aims: tuple[tuple[CollectedPayment, Money], ...]
    ours: Money
    over: Money
    unsettled_refunds: Money


def stand(desired: DesiredReceipts, invoice: Invoice, view: View) -> Standing:
    """Compare. People's payments on the invoice stay, and take their room."""
    held = {link.key.rpartition(":")[2]: _held(desired, invoice, link, view) for link in _links(desired, view)}
    zero = Money.zero(desired.currency)
    ours = total((payment.amount for payment in held.values()), desired.currency)
    room = zero
    if desired.collection.payments:
        amount, paid = invoice.amount or zero, invoice.paid or zero
        room = max(zero, amount - max(zero, paid - ours))
    aims: list[tuple[CollectedPayment, Money]] = []
    over, waiting = zero, zero
    for payment in sorted(desired.collection.payments, key=lambda one: one.occurred_at):
        wanted, unsettled = _wanted(desired, payment, held.get(payment.id))
        aim = min(wanted, room)
        room, over, waiting = room - aim, over + (wanted - aim), waiting + unsettled
        aims.append((payment, aim))
    return Standing(invoice, held, tuple(aims), ours, over, waiting)


def _links(desired: DesiredReceipts, view: View) -> tuple[Link, ...]:
    """Our links of the payments. One that was recorded as a sale of its own before it was put on an invoice at the service keeps its link:
    it is the same money.
    """
    collection = desired.collection
    links = cast("tuple[Link, ...]", view(LinksUnder(PAYMENT, f"{collection.id}:")))
    known = {link.key for link in links}
    for payment in collection.payments:
        if payment.id != collection.id and desired.key(payment.id) not in known:
            links += cast("tuple[Link, ...]", view(LinksUnder(PAYMENT, f"{payment.id}:")))
    return links


def _held(desired: DesiredReceipts, invoice: Invoice, link: Link, view: View) -> Held:
    now = cast("Payment | None", view(Now(PAYMENT, link.destination_id)))
    zero = Money.zero(desired.currency)
    if now is None or (now.void and not link.void):
        raise NeedsAttention(
            f"A payment that was collected for invoice {invoice.number} was deleted in the books. Restore it there, or refund "
            "the money at the "
            "payment service.",
            code="payment_deleted",
        )
    if not now.void and (now.invoice_id != invoice.id or now.amount.currency != desired.currency):
        raise NeedsAttention(
            f"The payment of {now.amount} that was collected for invoice {invoice.number} stands on another invoice in the "
            "books. Move it back, or "
            "take its link off.",
            code="payment_moved",
        )
    return Held(link, now, zero if now.void else now.amount)


def _wanted(desired: DesiredReceipts, payment: CollectedPayment, held: Held | None) -> tuple[Money, Money]:
    """What the payment should come to before its invoice's room counts, and what of it waits for a person."""
    zero = Money.zero(desired.currency)
    if desired.rules.refunds == "ignore":
        return payment.amount, zero
    left = net(desired, payment)
    if desired.rules.refunds == "reduce" or left == payment.amount:
        return left, zero
    if held is not None and held.amount == left:  # a person has lowered it
        return left, zero
    return payment.amount, given_back(payment, lambda one: desired.rules.pending_at_once or not one.pending)


def bring(desired: DesiredReceipts, standing: Standing) -> list[Change]:
    """Lower first, so that what is raised or recorded after it never overpays."""
    lower: list[Change] = []
    back: list[Change] = []
    more: list[Change] = []
    for payment, aim in standing.aims:
        held = standing.held.get(payment.id)
        if held is None:
            more += [_create(desired, standing.invoice, payment, aim)] if aim else []
        elif held.amount > aim:
            lower.append(_set(held, aim) if aim else _act(held, "void", f"Void the payment of {held.amount}, which went back"))
        elif held.amount < aim:
            (back if held.void else more).append(_raise(standing.invoice, held, aim))
    return [*lower, *back[:1]] if back else [*lower, *more]  # one that comes back may do so over more than it is to be: lowered next


def _create(desired: DesiredReceipts, invoice: Invoice, payment: CollectedPayment, amount: Money) -> Change:
    recorded = Payment(
        invoice.id,
        amount,
        shop_date(payment.occurred_at, desired.collection.time_zone),
        dict(desired.methods)[payment.id],
        f"{desired.note(payment.id)} | {desired.service} {payment.reference}".rstrip(),
    )
    return Change("create", PAYMENT, desired.key(payment.id), f"Record {amount} on invoice {invoice.number}", recorded)


def _set(held: Held, amount: Money) -> Change:
    """Only the amount is corrected; date, type and note stay."""
    if held.now is None:
        raise ValueError("a payment that is gone cannot be changed")
    title = f"Change the payment of {held.now.amount} to {amount}"
    return Change("update", PAYMENT, held.link.key, title, replace(held.now, amount=amount), target_id=held.link.destination_id)


def _act(held: Held, action: str, title: str) -> Change:
    return Change("act", PAYMENT, held.link.key, title, action=action, target_id=held.link.destination_id)


def _raise(invoice: Invoice, held: Held, aim: Money) -> Change:
    """A refund failed after all. What we voided can hardly be changed before it is restored: where it fits it comes back as it was."""
    fits = held.now is not None and held.now.amount <= max(aim, invoice.outstanding or Money.zero(aim.currency))
    return _act(held, "restore", f"Restore the payment of {held.now.amount}") if held.void and held.now and fits else _set(held, aim)
