"""Brings the payments on an invoice to what was captured: lowers before the invoice shrinks, records after it has grown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceStatus, Payment
from connectors.canonical.money import Money, total
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Change
from flows.recipes.desired_books import DesiredBooks, PaymentWanted
from flows.recipes.looks import Link, LinksUnder, Now, View


@dataclass(frozen=True, slots=True)
class Settlement:
    """Changes before and after the invoice's own; what stays paid in between; what is paid now, and what of it people recorded
    beyond what we want. back: payments that come back over more than they are to be, while the invoice has room for that; they go
    alone, and the next plan lowers them.
    """

    back: tuple[Change, ...]
    before: tuple[Change, ...]
    after: tuple[Change, ...]
    kept: Money
    paid: Money
    beyond: Money


@dataclass(frozen=True, slots=True)
class Held:
    """A payment of ours as it stands. now is None when it is gone or on another invoice; amount counts only while it is not void."""

    link: Link
    now: Payment | None
    amount: Money

    @property
    def void(self) -> bool:
        return self.now is None or self.now.void


def held_payments(desired: DesiredBooks, invoice: Link, view: View) -> dict[str, Held]:
    """Our payments on the order's invoice by link key, as the books show them."""
    links = cast("tuple[Link, ...]", view(LinksUnder(ObjectType.PAYMENT, f"{desired.order_id}:")))
    return {link.key: _held(desired, invoice, link, view) for link in links}


def _held(desired: DesiredBooks, invoice: Link, link: Link, view: View) -> Held:
    now = cast("Payment | None", view(Now(ObjectType.PAYMENT, link.destination_id)))
    if now is not None and not now.void and now.invoice_id != invoice.destination_id:
        now = None  # a person moved it: it is another invoice's by now, and not ours to change or take away
    if now is not None and not now.void and now.amount.currency != desired.currency:
        raise NeedsAttention(
            f"A payment of order {desired.number} stands in {now.amount.currency} in the books; the order is in {desired.currency}. "
            "Correct it by hand.",
            code="currency_mismatch",
        )
    return Held(link, now, Money.zero(desired.currency) if now is None or now.void else now.amount)


def first_payments(desired: DesiredBooks) -> tuple[Change, ...]:
    """The payments of an invoice that the same plan creates: nothing can be there yet, so nothing is searched."""
    return tuple(_create(desired, wanted, wanted.payment.amount, "") for wanted in desired.payments if wanted.payment.amount)


def settle(desired: DesiredBooks, link: Link, now: Invoice, view: View) -> Settlement:
    """What has to happen to payments. People's payments count: only what is missing to the captured amount is recorded."""
    zero = Money.zero(desired.currency)
    held = held_payments(desired, link, view)
    ours = total((payment.amount for payment in held.values()), desired.currency)
    paid = now.paid if now.paid is not None and now.status is not InvoiceStatus.VOID else ours
    others = max(zero, paid - ours)
    aims = {wanted.key: wanted.payment.amount for wanted in desired.payments}
    aims, kept = _within(desired, held, aims, others)
    if others and kept + others > desired.target:
        raise NeedsAttention(
            f"Order {desired.number} now comes to {desired.target}, but {others} on its invoice was recorded in the books by hand. "
            "Reduce or delete that payment there, then retry.",
            code="paid_by_hand",
        )
    seen = {wanted.key: wanted.seen for wanted in desired.payments}
    high = {key: payment for key, payment in held.items() if payment.amount > aims.get(key, zero)}
    before = tuple(_lower(payment, aims.get(key, zero), seen.get(key, "")) for key, payment in high.items())
    after = _record(desired, link, held, max(zero, desired.captured - others - kept), search=bool(paid))
    back = _back_first(held, after, max(zero, (now.amount or zero) - paid))
    after = after if back else _back_first(held, after, desired.target - others - kept) or after
    return Settlement(back, before, after, kept + others, paid, max(zero, paid - desired.captured))


def _within(desired: DesiredBooks, held: Mapping[str, Held], aims: Mapping[str, Money], others: Money) -> tuple[dict[str, Money], Money]:
    """What each of ours should come to, and how much of that stands already. What people recorded takes its room: a refund that the rest
    has none for comes off ours, the latest first.
    """
    zero, left = Money.zero(desired.currency), dict(aims)
    standing = {key: min(payment.amount, aims.get(key, zero)) for key, payment in held.items()}
    kept = total(standing.values(), desired.currency)
    excess = kept + others - desired.target
    if not others or not zero < excess <= min(kept, desired.refunded):
        return left, kept
    for key in reversed([wanted.key for wanted in desired.payments if wanted.key in standing]):
        take = min(excess, standing[key])
        left[key], excess, kept = standing[key] - take, excess - take, kept - take
    return left, kept


def _lower(payment: Held, aim: Money, seen: str) -> Change:
    return _set(payment, aim, seen) if aim else void_payment(payment)


def void_payment(payment: Held) -> Change:
    """Take a payment of ours off its invoice."""
    return _act(payment, "void", f"Void the payment of {payment.amount}")


def _act(payment: Held, action: str, title: str) -> Change:
    return Change("act", ObjectType.PAYMENT, payment.link.key, title, action=action, target_id=payment.link.destination_id)


def _set(payment: Held, amount: Money, seen: str) -> Change:
    """Only the amount is ever corrected; date, type and note stay as they were recorded."""
    if payment.now is None:
        raise ValueError("a payment that is gone cannot be changed")
    return Change(
        "update",
        ObjectType.PAYMENT,
        payment.link.key,
        f"Change the payment of {payment.now.amount} to {amount}",
        replace(payment.now, amount=amount),
        target_id=payment.link.destination_id,
        content_hash=seen,
    )


def _record(desired: DesiredBooks, link: Link, held: dict[str, Held], room: Money, *, search: bool) -> tuple[Change, ...]:
    """Record what is missing, at most the room that people's payments leave. search: there may be payments that we do not know."""
    changes: list[Change] = []
    for wanted in desired.payments:
        payment = held.get(wanted.key)
        current = payment.amount if payment else Money.zero(desired.currency)
        more = min(room, max(Money.zero(desired.currency), wanted.payment.amount - current))
        room = room - more
        if not more:
            if payment is not None and not payment.void and wanted.payment.amount == current and wanted.seen != payment.link.content_hash:
                changes.append(_remember(wanted))
            continue
        if payment is None:
            changes.append(_create(desired, wanted, more, link.destination_id, search=search))
        else:
            changes.append(_raise(desired, payment, current + more, wanted.seen))
    return tuple(changes)


def _back_first(held: Mapping[str, Held], after: tuple[Change, ...], free: Money) -> tuple[Change, ...]:
    """The first payment that we took off and that comes back over less, if the invoice has room for all of it on the way: what is deleted
    can hardly be changed before it is restored.
    """
    for change in after:
        payment = held.get(change.key)
        if payment is None or payment.now is None or not payment.void or change.action == "restore":
            continue
        return (_act(payment, "restore", f"Restore the payment of {payment.now.amount}"),) if payment.now.amount <= free else ()
    return ()


def _remember(wanted: PaymentWanted) -> Change:
    """Nothing is written: only for which payment of the shop it stands is kept, where the shop told that late or we only found ours."""
    title = f"Keep in mind that {wanted.payment.amount} were paid"
    return Change("remember", ObjectType.PAYMENT, wanted.key, title, content_hash=wanted.seen)


def _raise(desired: DesiredBooks, payment: Held, aim: Money, seen: str) -> Change:
    """Raise a standing payment, or bring back one that we voided; see _back_first for one that was more than it is to be."""
    if payment.now is None or (payment.void and not payment.link.void):
        raise NeedsAttention(
            f"A payment of order {desired.number} ({aim}) was deleted in the books by hand, or moved to another invoice. "
            "Bring it back or record it there, then retry.",
            code="deleted_by_hand",
        )
    if payment.void and payment.now.amount <= aim:
        return _act(payment, "restore", f"Restore the payment of {payment.now.amount}")
    return _set(payment, aim, seen)


def _create(desired: DesiredBooks, wanted: PaymentWanted, amount: Money, invoice_id: str, *, search: bool = False) -> Change:
    payment = replace(wanted.payment, amount=amount, invoice_id=invoice_id)
    return Change(
        "create",
        ObjectType.PAYMENT,
        wanted.key,
        f"Record payment of {amount} ({payment.method})",
        payment,
        fill=() if invoice_id else (("invoice_id", (ObjectType.INVOICE, desired.order_id)),),
        find_first=search,
        content_hash=wanted.seen,
    )
