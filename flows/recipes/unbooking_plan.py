"""Takes an order out of the books again: payments first, then credit notes, the invoice, and what was created along with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceStatus
from connectors.canonical.money import Money, total
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Change, Plan
from flows.recipes.credits_plan import void_credit
from flows.recipes.desired_books import DesiredBooks
from flows.recipes.looks import Along, Link, LinksUnder, MadeAlong, Now, View
from flows.recipes.payments_plan import Held, held_payments, void_payment
from flows.recipes.proof import TieOut


def plan_void(desired: DesiredBooks, link: Link, view: View) -> Plan:
    """Void what we posted. What people recorded on the invoice is theirs to take off first."""
    now = cast("Invoice | None", view(Now(ObjectType.INVOICE, link.destination_id)))
    held = [payment for payment in held_payments(desired, link, view).values() if not payment.void]
    if desired.by_hand:
        _refuse_paid(desired, link, now, held)
    changes = [void_payment(payment) for payment in held]
    credits = cast("tuple[Link, ...]", view(LinksUnder(ObjectType.CREDIT, f"{desired.order_id}:")))
    changes += [change for credit in credits if (change := void_credit(credit)) is not None]
    if now is not None and now.status is not InvoiceStatus.VOID:
        _refuse(desired, now, total((payment.amount for payment in held), desired.currency))
        changes.append(_void(desired, link, now))
    elif now is not None and not link.void:  # our answer was lost, or a person was faster
        changes.append(_note_void(desired, link, now))
    if desired.along and not changes:  # in a round of its own, right before it is removed: another order may need it by now
        return _without_along(desired, link, view)
    return Plan(tuple(changes), (desired.void,), None if changes else _proof(desired), desired.concern)


def _without_along(desired: DesiredBooks, link: Link, view: View) -> Plan:
    """Remove what was created along and nothing else uses; bring back what turns out to be used after it was removed."""
    along = cast("tuple[Along, ...]", view(MadeAlong(link.destination_id)))
    changes = tuple(_bring_back(one) if one.link.void else _remove(one) for one in along if bool(one.used) == one.link.void)
    stays = tuple(f"The {one.what} stays: {one.used}." for one in along if one.used)
    return Plan(changes, (desired.void, *stays), None if changes else _proof(desired), desired.concern)


def _remove(one: Along) -> Change:
    return _acted(one, "remove", f"Remove {one.what}: it was created for this and nothing else uses it")


def _bring_back(one: Along) -> Change:
    return _acted(one, "restore", f"Restore {one.what}: {one.used}")


def _acted(one: Along, action: str, title: str) -> Change:
    return Change("act", one.link.object_type, one.link.key, title, action=action, target_id=one.link.destination_id, shared=one.shared)


def _void(desired: DesiredBooks, link: Link, now: Invoice) -> Change:
    return Change(
        "act",
        ObjectType.INVOICE,
        desired.order_id,
        f"Void invoice {now.number}: {desired.void}",
        action="void",
        target_id=link.destination_id,
    )


def _note_void(desired: DesiredBooks, link: Link, now: Invoice) -> Change:
    """It is void already: whoever brings the order back may restore it."""
    title = f"Invoice {now.number} is void already"
    return Change("remember", ObjectType.INVOICE, desired.order_id, title, action="void", content_hash=link.content_hash)


def _refuse(desired: DesiredBooks, now: Invoice, ours: Money) -> None:
    if now.locked:
        raise NeedsAttention(
            f"{desired.void} But invoice {now.number} is locked in the books. Unlock it and retry, or void it by hand.",
            code="invoice_locked",
        )
    if now.paid is not None and now.paid.currency == ours.currency and now.paid > ours:
        raise NeedsAttention(
            f"{desired.void} But {now.paid - ours} on invoice {now.number} was recorded in the books by hand. Delete that payment there, "
            "then retry.",
            code="paid_by_hand",
        )


def _refuse_paid(desired: DesiredBooks, link: Link, now: Invoice | None, held: Sequence[Held]) -> None:
    """Money that came in stays where it is: giving it back is told by a refund, not by taking the invoice away."""
    paid = now.paid if now is not None and now.paid is not None else total((payment.amount for payment in held), desired.currency)
    if paid and not link.void:
        raise NeedsAttention(
            f"Invoice {desired.invoice_number} is paid ({paid}), so it is not voided. Refund or cancel the order in the shop and the books "
            "follow; or delete the payment in the books first, then void again.",
            code="invoice_paid",
        )


def _proof(desired: DesiredBooks) -> TieOut:
    zero = Money.zero(desired.currency)
    return TieOut(desired.number, desired.source_total, desired.refunded, zero, zero, zero)
