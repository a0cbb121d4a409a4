"""What is still missing between the books and what an order wants there. Level-triggered: planned again after every round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceStatus
from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.arithmetic import is_certain, predictions
from flows.recipes.assumed_plan import as_first_paid, unsettled
from flows.recipes.contract import Change, Plan
from flows.recipes.credits_plan import plan_credits
from flows.recipes.customers import client_changes, create_client, is_newer
from flows.recipes.desired_books import DesiredBooks
from flows.recipes.doubts_plan import settle_doubts
from flows.recipes.fitting import RoundingPolicy, adjust, cautious, whole, without_rounding
from flows.recipes.items_plan import item_changes, items_back
from flows.recipes.looks import Link, LinkOf, Now, View
from flows.recipes.payments_plan import Settlement, first_payments, settle
from flows.recipes.proof import TieOut
from flows.recipes.taxes_plan import plan_taxes
from flows.recipes.unbooking_plan import plan_void
from flows.recipes.updating import fills, keeping

Changes = tuple[Change, ...]


def plan(desired: DesiredBooks, view: View) -> Plan:
    """The missing changes in order. Empty only when invoice and payments tie out exactly. Raises More, NothingToDo, NeedsAttention."""
    link = cast("Link | None", view(LinkOf(ObjectType.INVOICE, desired.order_id)))
    doubtful = settle_doubts(desired, link, view)
    if doubtful:
        return Plan(doubtful)
    if desired.skip and (link is None or link.void):
        raise NothingToDo(desired.skip, code="left_out")
    if desired.problem is not None:
        raise desired.problem
    if desired.void:
        if link is None:
            said = Plan((), (desired.void, "Nothing of it is in the books."), concern=desired.concern).said
            raise NothingToDo(" ".join(said), code="nothing_booked")
        return plan_void(desired, link, view)
    return _first(desired, view) if link is None else _maintain(desired, link, view)


# ---- a new order -------------------------------------------------------------------------------------------


def _first(desired: DesiredBooks, view: View) -> Plan:
    """Everything at once. Payments wait for the invoice's real amount where FreshBooks' rounding rule would matter."""
    shared = [LinkOf(ObjectType.PRODUCT, item.key) for item in desired.items]
    view.ahead(*([] if desired.client.client_id else [LinkOf(ObjectType.CUSTOMER, desired.client.key)]), *shared)
    client, customer_id = _client(desired, view)
    invoice = _wanted(desired)
    create = Change(
        "create",
        ObjectType.INVOICE,
        desired.order_id,
        f"Create invoice {invoice.number} over {desired.target}",
        replace(invoice, customer_id=customer_id),
        fill=_fill_client(desired, customer_id),
        content_hash=desired.content,
    )
    changes = [*client, *item_changes(desired, view), *plan_taxes(desired, view), create, _mark_sent(desired, "")]
    notes: tuple[str, ...] = ()
    if is_certain(invoice.lines, desired.target):
        changes += first_payments(desired)
    elif desired.captured:
        notes = (f"Payments of {desired.captured} follow when the invoice's amount has been read back.",)
    return Plan((*changes, *plan_credits(desired, customer_id, view)), notes, concern=desired.concern)


def _client(desired: DesiredBooks, view: View) -> tuple[Changes, str]:
    """What has to happen to the client, and its id ("" while an earlier change of this plan makes it)."""
    client = desired.client
    if client.client_id:
        return (), client.client_id
    link = cast("Link | None", view(LinkOf(ObjectType.CUSTOMER, client.key)))
    if link is None:
        return (create_client(client),), ""
    due = client.follow and bool(link.content_hash) and is_newer(client.content, link.content_hash)
    return client_changes(client, link, view, update=due), link.destination_id


def _fill_client(desired: DesiredBooks, customer_id: str) -> tuple[tuple[str, tuple[ObjectType, str]], ...]:
    return () if customer_id else (("customer_id", (ObjectType.CUSTOMER, desired.client.key)),)


def _mark_sent(desired: DesiredBooks, target_id: str) -> Change:
    return Change(
        "act",
        ObjectType.INVOICE,
        desired.order_id,
        f"Mark invoice {_wanted(desired).number} as sent",
        action="mark_sent",
        target_id=target_id,
    )


# ---- an order that is in the books -------------------------------------------------------------------------


def _maintain(desired: DesiredBooks, link: Link, view: View) -> Plan:
    desired, now = as_first_paid(desired, view), _standing(desired, link, view)
    desired = replace(desired, invoice=keeping(_wanted(desired), now, desired.kept))
    settlement = settle(desired, link, now, view)
    edit, certain = _edit(desired, link, now, settlement.kept)
    client, customer_id = _client(desired, view)
    changes = [*settlement.before]
    if now.status is InvoiceStatus.VOID:  # what it needs comes back ahead of it, and once
        changes += [*client, *(() if edit else items_back(desired, view)), _restore(desired, link)]
        client = ()
    if settlement.back:
        return Plan((*changes, *settlement.back), concern=desired.concern)
    if edit is not None:
        fill = _fill_client(desired, customer_id)
        changes += [
            *client,
            *item_changes(desired, view),
            *plan_taxes(desired, view),
            replace(edit, value=replace(edit.value, customer_id=customer_id), fill=fill),
        ]
    elif customer_id:
        changes += client
    if now.status is InvoiceStatus.DRAFT:
        changes.append(_mark_sent(desired, link.destination_id))
    if certain:
        changes += settlement.after
    changes += plan_credits(desired, customer_id, view)
    return Plan(tuple(changes), concern=desired.concern) if changes else _proof(desired, now, settlement)


def _standing(desired: DesiredBooks, link: Link, view: View) -> Invoice:
    """The invoice as it is; NeedsAttention where a person has taken it away or made another of it."""
    now = cast("Invoice | None", view(Now(ObjectType.INVOICE, link.destination_id)))
    number = _wanted(desired).number
    if now is None or (now.status is InvoiceStatus.VOID and not link.void):
        raise NeedsAttention(
            f"Invoice {number} of order {desired.number} was deleted in the books by hand. Restore it there and retry, or leave the "
            "order out.",
            code="deleted_by_hand",
        )
    if now.currency != desired.currency:
        raise NeedsAttention(
            f"Invoice {number} is in {now.currency} but order {desired.number} is in {desired.currency}. An invoice keeps its currency: "
            "set the order's currency back in the shop and retry; or delete the invoice, book the order by hand and skip this order here.",
            code="currency_mismatch",
        )
    return now


@dataclass(frozen=True, slots=True)
class _Content:
    """What the invoice's content should become, and whether its amount will then be right for certain."""

    invoice: Invoice
    certain: bool


def _edit(desired: DesiredBooks, link: Link, now: Invoice, paid: Money) -> tuple[Change | None, bool]:
    """The update of the invoice's content, if any, and whether its amount is certain to be right after this plan.

    paid: what is paid when the update is made; the invoice must not come to less.
    """
    content = _content_due(desired, link, now, paid)
    if content is None:
        return None, True
    change = Change(
        "update",
        ObjectType.INVOICE,
        desired.order_id,
        f"Update invoice {content.invoice.number} to {desired.target}",
        content.invoice,
        target_id=link.destination_id,
        content_hash=desired.content,
    )
    return change, content.certain


def _content_due(desired: DesiredBooks, link: Link, now: Invoice, paid: Money) -> _Content | None:
    """New content where the order changed; the same lines adjusted where the ledger rounds otherwise than foretold. NeedsAttention where
    the invoice is a person's by now.
    """
    wanted, shown = _wanted(desired), _shown(now.amount, desired)
    written = link.content_hash == desired.content
    untouchable = not link.content_hash or now.locked or _edited(link, now)
    written_out = written and (untouchable or not fills(wanted, now, desired.kept))
    if shown == desired.target and (written_out or (untouchable and _same(now, wanted))):
        return None
    _refuse_foreign_edit(desired, link, now)  # before any arithmetic: what a person changed is no rounding of the ledger's
    if written and _adjustable(now, wanted, shown, desired):
        return _Content(replace(wanted, lines=adjust(now.lines, shown, desired.target, _rounding(desired))), certain=False)
    if paid > min(predictions(wanted.lines, desired.currency)):
        wanted = replace(wanted, lines=cautious(wanted.lines, desired.target, _rounding(desired)))
    return _Content(wanted, is_certain(wanted.lines, desired.target))


def _adjustable(now: Invoice, wanted: Invoice, shown: Money, desired: DesiredBooks) -> bool:
    """Whether the lines that stand are the wanted ones give or take our own corrections; what we adopted may be of an older order."""
    policy = _rounding(desired)
    standing, ours = without_rounding(now.lines, policy.name), without_rounding(wanted.lines, policy.name)
    if [len(line.taxes) for line in standing] != [len(line.taxes) for line in ours]:
        return False
    within = abs((desired.target - shown).to_minor()) <= policy.bound_in(desired.currency)
    return within or [whole(line).unit_price for line in standing] == [whole(line).unit_price for line in ours]


def _same(now: Invoice, wanted: Invoice) -> bool:
    """Whether what stands there says what we would write, though our hash differs or we never wrote it."""
    heads = [(it.number, it.reference, it.issued_on, it.notes.strip(), it.lines) for it in (now, wanted)]
    return bool(now.lines) and heads[0] == heads[1]


def _edited(link: Link, now: Invoice) -> bool:
    """Whether it shows something else than right after our last write."""
    return bool(link.fingerprint and now.fingerprint and link.fingerprint != now.fingerprint)


def _refuse_foreign_edit(desired: DesiredBooks, link: Link, now: Invoice) -> None:
    """What a person changed or locked is theirs: say what differs and write nothing."""
    differs = f"order {desired.number} now comes to {desired.target} and the invoice to {now.amount}"
    number = _wanted(desired).number
    if now.locked:
        raise NeedsAttention(
            f"Invoice {number} is locked in the books but would have to change: {differs}. Unlock it and retry, or correct it by hand.",
            code="invoice_locked",
        )
    if _edited(link, now):
        raise NeedsAttention(
            f"Invoice {number} was edited in the books by hand, and it would have to change: {differs}. Correct it there, or undo the edit "
            "and retry.",
            code="edited_by_hand",
        )


def _restore(desired: DesiredBooks, link: Link) -> Change:
    return Change(
        "act",
        ObjectType.INVOICE,
        desired.order_id,
        f"Restore invoice {_wanted(desired).number}: the order is back",
        action="restore",
        target_id=link.destination_id,
    )


def _proof(desired: DesiredBooks, now: Invoice, settlement: Settlement) -> Plan:
    """The empty plan with its proof; NeedsAttention rather than an empty plan that does not tie out."""
    proof = TieOut(
        desired.number,
        desired.source_total,
        desired.refunded,
        _shown(now.amount, desired),
        desired.captured,
        settlement.paid,
        settlement.beyond or None,
    )
    if not proof.exact:
        raise NeedsAttention(
            f"Order {desired.number} does not tie out: invoice {proof.invoiced} for {desired.target}, payments {proof.paid} for "
            f"{proof.captured}. Compare the invoice with the order.",
            code="no_tie_out",
        )
    return Plan((), (), proof, unsettled(desired, settlement.paid))


def _wanted(desired: DesiredBooks) -> Invoice:
    if desired.invoice is None:
        raise ValueError(f"order {desired.number} was desired without an invoice")
    return desired.invoice


def _rounding(desired: DesiredBooks) -> RoundingPolicy:
    return desired.rounding or RoundingPolicy("Rounding", Money.from_minor(5, desired.currency).amount)


def _shown(amount: Money | None, desired: DesiredBooks) -> Money:
    """The ledger's answer. One that does not tell the amount proves nothing."""
    if amount is None:
        raise NeedsAttention(f"The books did not tell the amount of the invoice of order {desired.number}. Retry.", code="no_amount")
    return amount
