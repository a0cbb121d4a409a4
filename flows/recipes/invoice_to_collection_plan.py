"""What is still missing between an invoice of the books and what the payment service collects for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceStatus
from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.client_to_customer import client_link
from flows.recipes.collecting import DesiredCollection, Sorted, content_of, sort_payments, wanted_invoice
from flows.recipes.contract import Change, Plan
from flows.recipes.looks import DoubtsUnder, Link, LinkOf, LinksUnder, Now, View, WrittenBy
from flows.recipes.proof import TieOut

INVOICE, CUSTOMER = ObjectType.INVOICE, ObjectType.CUSTOMER


def plan(desired: DesiredCollection, view: View) -> Plan:
    """The missing changes. Nothing is finalized before the service's own total is exactly what the books want."""
    links = sorted(cast("tuple[Link, ...]", view(LinksUnder(INVOICE, desired.invoice_id))), key=lambda link: _issue(link.key))
    live = next((link for link in links if not link.void), None)
    if live is None:
        return _unissued(desired, links, view)
    now = cast("Invoice | None", view(Now(INVOICE, live.destination_id)))
    if now is None:
        raise NeedsAttention(
            f"The invoice {desired.number} was deleted at the payment service. If that was right, leave it; else take its link "
            "off and retry.",
            code="gone_there",
        )
    if now.status is InvoiceStatus.VOID:
        return Plan((), (f"A person voided invoice {desired.number} at the payment service; it is left alone.",))
    if desired.void:
        return _withdraw(desired, live, now)
    if now.paid and now.currency != desired.currency:
        raise NeedsAttention(
            f"{now.paid} was collected on invoice {desired.number}, which is in {desired.currency} in the books now. Undo that change, or "
            "refund the money at the payment service.",
            code="other_currency",
        )
    if now.status is InvoiceStatus.PAID:
        return _paid(desired, now)
    if desired.problem is not None:
        raise desired.problem
    return _maintain(desired, live, now, view)


def _issue(key: str) -> int:
    return int(key.partition(":")[2] or 1)


def _key(desired: DesiredCollection, issue: int) -> str:
    return desired.invoice_id if issue == 1 else f"{desired.invoice_id}:{issue}"


# ---- not there yet -----------------------------------------------------------------------------------------


def _unissued(desired: DesiredCollection, links: list[Link], view: View) -> Plan:
    reason = desired.void or desired.skip or _of_a_shop(desired, links, view)
    if not reason and desired.outstanding.amount <= 0:
        reason = f"Invoice {desired.number} is paid; there is nothing left to collect."
    issue = max((_issue(link.key) for link in links), default=0) + 1
    if not reason:
        if desired.problem is not None:
            raise desired.problem
        return _issue_it(desired, issue, view)
    if view(DoubtsUnder(INVOICE, desired.invoice_id)):
        return Plan((_settle_doubt(desired, issue, view),))
    if links:  # voided by us: that is what was wanted
        return Plan((), (reason,))
    raise NothingToDo(reason, code="left_out")


def _of_a_shop(desired: DesiredCollection, links: list[Link], view: View) -> str:
    """A shop's own order is paid in the shop, unless the flow says otherwise."""
    if desired.shops_too or links:
        return ""
    shop = cast("str | None", view(WrittenBy(INVOICE, desired.invoice_id)))
    return f"Invoice {desired.number} came from {shop}, which collects it by itself." if shop else ""


def _settle_doubt(desired: DesiredCollection, issue: int, view: View) -> Change:
    customer = cast("Link | None", view(LinkOf(CUSTOMER, client_link(desired.client.id))))
    searched = wanted_invoice(desired, Money.zero(desired.currency), issue)
    return Change(
        "adopt",
        INVOICE,
        _key(desired, issue),
        f"Look whether invoice {searched.number} was created",
        _for(searched, customer.destination_id if customer else ""),
    )


def _for(invoice: Invoice, customer_id: str) -> Invoice:
    return replace(invoice, customer_id=customer_id)


def _issue_it(desired: DesiredCollection, issue: int, view: View) -> Plan:
    """Customer and draft; the draft is finalized by the next plan, once its total was seen."""
    key = client_link(desired.client.id)
    customer = cast("Link | None", view(LinkOf(CUSTOMER, key)))
    if customer is not None and customer.void:
        raise NeedsAttention(
            f"The customer {desired.client.name} was deleted at the payment service. Take its link off under Links, then retry.",
            code="customer_deleted",
        )
    wanted = wanted_invoice(desired, sort_payments(desired, ()).elsewhere, issue)
    changes = [] if customer else [_customer(desired, key)]
    create = Change(
        "create",
        INVOICE,
        _key(desired, issue),
        f"Create invoice {wanted.number} over {_worth(wanted)}",
        wanted,
        fill=(("customer_id", (CUSTOMER, key)),),
        content_hash=content_of(desired, wanted),
    )
    return Plan((*changes, create))


def _customer(desired: DesiredCollection, key: str) -> Change:
    if not desired.client.name:
        raise NeedsAttention(
            f"The client of invoice {desired.number} has neither a name nor an e-mail. Fill in one of them in the books.", code="nameless"
        )
    return Change("create", CUSTOMER, key, f"Find or create customer {desired.client.name}", desired.client)


def _worth(wanted: Invoice) -> Money:
    return Money(sum((line.unit_price.amount for line in wanted.lines), Decimal(0)), wanted.currency)


# ---- there already -----------------------------------------------------------------------------------------


def _act(desired: DesiredCollection, link: Link, action: str, title: str) -> Plan:
    return Plan((Change("act", INVOICE, link.key, title, action=action, target_id=link.destination_id),))


def _withdraw(desired: DesiredCollection, link: Link, now: Invoice) -> Plan:
    """Deleted in the books."""
    if now.paid:
        raise NeedsAttention(
            f"{desired.void} But {now.paid} was collected on it already. Restore it in the books, or refund the money at the "
            "payment service.",
            code="collected_already",
        )
    if now.status is InvoiceStatus.PAID:
        return Plan((), (desired.void,))
    return _act(desired, link, "void", f"Void invoice {now.number or desired.number}: {desired.void}")


def _paid(desired: DesiredCollection, now: Invoice) -> Plan:
    """Settled at the service for good; what the books say is then compared, not changed."""
    collected = now.paid or Money.zero(desired.currency)
    if not collected and desired.outstanding == desired.amount:
        raise NeedsAttention(
            f"The payment service calls invoice {desired.number} paid without having collected anything: a balance of the "
            "customer was used, the "
            "amount is below its minimum, or a person marked it there. Record in the books how it was paid.",
            code="paid_without_payment",
        )
    if collected > desired.amount:
        raise NeedsAttention(
            f"Invoice {desired.number} now comes to {desired.amount}, but {collected} was collected for it. Refund the "
            "difference at the payment "
            "service, or correct the invoice.",
            code="collected_more",
        )
    return Plan((), (f"Invoice {desired.number} is settled at the payment service.",))


def _maintain(desired: DesiredCollection, link: Link, now: Invoice, view: View) -> Plan:
    parted = sort_payments(desired, now.payments)
    if desired.outstanding.amount <= 0:
        return _settled_in_the_books(desired, link, now)
    if parted.elsewhere and parted.unrecorded:
        raise NeedsAttention(
            f"{parted.unrecorded} was collected on invoice {desired.number} and is not recorded, while {parted.elsewhere} was "
            "recorded by hand. If "
            "that is the same money, write the payment's id at the service into the note of the payment in the books.",
            code="same_money",
        )
    wanted = wanted_invoice(desired, parted.elsewhere, _issue(link.key))
    if now.status is InvoiceStatus.DRAFT:
        return _draft(desired, link, now, wanted, view)
    return _open(desired, link, now, wanted, parted)


def _settled_in_the_books(desired: DesiredCollection, link: Link, now: Invoice) -> Plan:
    if now.status is InvoiceStatus.DRAFT or not (now.paid or desired.settle):
        return _act(desired, link, "void", f"Void invoice {desired.number}: it was paid without the payment service")
    return _act(desired, link, "settle_elsewhere", f"Mark invoice {desired.number} as paid without the payment service")


def _draft(desired: DesiredCollection, link: Link, now: Invoice, wanted: Invoice, view: View) -> Plan:
    content = content_of(desired, wanted)
    customer = cast("Link | None", view(LinkOf(CUSTOMER, client_link(desired.client.id))))
    if customer is None or customer.destination_id != now.customer_id or now.currency != wanted.currency:
        return _act(desired, link, "void", f"Delete the draft of invoice {desired.number}: it is for another client or currency now")
    if link.content_hash != content:
        update = Change(
            "update",
            INVOICE,
            link.key,
            f"Bring the draft of invoice {wanted.number} to {_worth(wanted)}",
            _for(wanted, now.customer_id),
            target_id=link.destination_id,
            content_hash=content,
        )
        return Plan((update,))
    if now.amount != _worth(wanted):
        raise NeedsAttention(
            f"The payment service makes {now.amount} of invoice {desired.number}, which should come to {_worth(wanted)}. It "
            "stays a draft there: "
            "correct or delete it, then retry.",
            code="not_exact",
        )
    if desired.draft:
        return Plan((), (f"Invoice {desired.number} waits as a draft until it is sent in the books.",))
    if desired.send:
        return _act(desired, link, "send", f"Finalize and send invoice {wanted.number} over {now.amount}")
    return _act(desired, link, "finalize", f"Finalize invoice {wanted.number} over {now.amount}")


def _open(desired: DesiredCollection, link: Link, now: Invoice, wanted: Invoice, parted: Sorted) -> Plan:
    worth, content = _worth(wanted), content_of(desired, wanted)
    collected, left = now.paid or Money.zero(now.currency), now.outstanding or Money.zero(now.currency)
    alike = link.content_hash == content or (not link.content_hash and now.amount == worth)
    if not alike:
        return _edited(desired, link, collected, worth)
    if now.amount is not None and collected + left != now.amount:
        raise NeedsAttention(
            f"{now.amount - collected - left} of invoice {desired.number} was settled at the payment service by the customer's "
            "balance or a credit "
            "note. The books know nothing of it: record it there.",
            code="balance_used",
        )
    proof = TieOut(desired.number, desired.amount, parted.elsewhere, now.amount or worth, collected, collected)
    return Plan((), (f"{left} is left to collect on invoice {desired.number}.",), proof)


def _edited(desired: DesiredCollection, link: Link, collected: Money, worth: Money) -> Plan:
    """A finalized invoice cannot be changed."""
    if collected:
        raise NeedsAttention(
            f"Invoice {desired.number} was changed in the books and should now come to {worth}, but {collected} was collected "
            "on it already. "
            "Undo the change, or credit the difference at the payment service by hand.",
            code="edited_after_payment",
        )
    if not desired.reissue:
        raise NeedsAttention(
            f"Invoice {desired.number} was changed in the books (now {worth}) after it was finalized at the payment service. "
            "Void it there and "
            "retry, or let the flow issue changed invoices anew.",
            code="edited",
        )
    return _act(desired, link, "void", f"Void invoice {desired.number}, which was changed in the books and is issued anew")
