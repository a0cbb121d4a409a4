"""What is still missing in the books of what a payment service collected. Level-triggered, so the order of arrival means nothing."""

from __future__ import annotations

from datetime import date
from typing import cast

from connectors.canonical.collection import CollectedPayment, Fee
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Expense, Invoice, InvoiceNote, InvoiceStatus, Payment
from connectors.canonical.money import Money, total
from connectors.kit.errors import NeedsAttention
from flows.recipes.collecting import PAY_LINE
from flows.recipes.contract import Change, Plan
from flows.recipes.looks import DoubtsUnder, Link, LinkOf, Now, View
from flows.recipes.matching import invoice_of
from flows.recipes.proof import TieOut
from flows.recipes.receipts import DesiredReceipts, converted, given_back, net
from flows.recipes.receipts_plan import Standing, bring, stand
from flows.recipes.times import shop_date

PAYMENT = ObjectType.PAYMENT


def plan(desired: DesiredReceipts, view: View) -> Plan:
    """Payments first, then fees and the payment page; what a person has to judge is said once all that is sure stands."""
    id = invoice_of(desired, view)
    invoice = cast("Invoice | None", view(Now(ObjectType.INVOICE, id)))
    _check(desired, invoice, id)
    if invoice is None:
        raise AssertionError("checked")
    page = _page(desired, invoice, view)
    if not desired.rules.record:
        return Plan(page, (), None) if page else _compared(desired, invoice)
    doubtful = _doubts(desired, invoice, view)
    if doubtful:
        return Plan(doubtful)
    standing = stand(desired, invoice, view)
    changes = (*bring(desired, standing), *_fees(desired, view), *page)
    if changes:
        return Plan(changes)
    _ask(desired, invoice, standing)
    return Plan((), (_sentence(desired, invoice),), _proof(desired, invoice, standing))


def _check(desired: DesiredReceipts, invoice: Invoice | None, id: str) -> None:
    collection = desired.collection
    if not collection.payments and not collection.elsewhere and (invoice is None or invoice.status is InvoiceStatus.VOID):
        return_reason = f"Invoice {collection.number or id} is no longer in the books, and nothing was collected on it."
        raise NeedsAttention(return_reason, code="collected_for_nothing")
    if invoice is None or invoice.status is InvoiceStatus.VOID:
        raise NeedsAttention(
            f"{converted(collection)} was collected for invoice {collection.number or id}, which was deleted in the books. "
            "Restore it there, or "
            "refund the money at the payment service.",
            code="collected_for_nothing",
        )
    if collection.payments and invoice.currency != collection.currency:
        raise NeedsAttention(
            f"Manual review: {converted(collection)} was collected for invoice {invoice.number}, which is in "
            f"{invoice.currency}. Only its own "
            "currency is recorded: record the payment by hand.",
            code="manual_review",
            subject=f"collection:{collection.id}",
        )


def _doubts(desired: DesiredReceipts, invoice: Invoice, view: View) -> tuple[Change, ...]:
    """What became of payments whose answer got lost: on the invoice they would look like a person's."""
    keys = cast("tuple[str, ...]", view(DoubtsUnder(PAYMENT, f"{desired.collection.id}:")))
    zero, title = Money.zero(desired.currency), f"Look whether a payment was recorded on invoice {invoice.number}"
    return tuple(
        Change("adopt", PAYMENT, key, title, Payment(invoice.id, zero, date.min, "", desired.note(key.partition(":")[2]))) for key in keys
    )


def _fees(desired: DesiredReceipts, view: View) -> list[Change]:
    """One expense for each movement of money that cost something; what was returned since is taken off again."""
    if not desired.rules.fee_category:
        return []
    found = (_fee(desired, payment, fee, view) for payment in desired.collection.payments for fee in payment.fees)
    return [change for change in found if change is not None]


def _fee(desired: DesiredReceipts, payment: CollectedPayment, fee: Fee, view: View) -> Change | None:
    collection, key = desired.collection, desired.key(fee.id)
    # A sale that was put on an invoice at the service since keeps the expense that was booked for it.
    links = [view(LinkOf(ObjectType.EXPENSE, each)) for each in dict.fromkeys((key, f"{payment.id}:{fee.id}"))]
    booked = cast("Link | None", next((link for link in links if link is not None), None))
    if booked is not None and fee.returned and not booked.void:
        title = f"Take off the fee of {fee.amount}, which was returned"
        return Change("act", ObjectType.EXPENSE, booked.key, title, action="void", target_id=booked.destination_id)
    if booked is not None or fee.returned:
        return None
    day = shop_date(fee.occurred_at, collection.time_zone)  # a dispute's comes long after the payment
    notes = f"{desired.note(fee.id)} | fee for {payment.id} ({collection.number})"
    expense = Expense(fee.amount, day, desired.rules.fee_category, desired.service, notes)
    return Change("create", ObjectType.EXPENSE, key, f"Book the fee of {fee.amount}", expense)


def _page(desired: DesiredReceipts, invoice: Invoice, view: View) -> tuple[Change, ...]:
    """Where the client pays, in the notes of the invoice."""
    collection = desired.collection
    if not (desired.rules.pay_link and collection.url and collection.invoice_id):
        return ()
    if view(LinkOf(ObjectType.INVOICE_NOTE, collection.id)) is not None:
        return ()
    text = f"{PAY_LINE}{collection.url}"
    note = InvoiceNote(invoice.id, text, text, instead_of=PAY_LINE)
    return (Change("create", ObjectType.INVOICE_NOTE, collection.id, f"Write the payment page into invoice {invoice.number}", note),)


# ---- what a person is told ---------------------------------------------------------------------------------


def _ask(desired: DesiredReceipts, invoice: Invoice, standing: Standing) -> None:
    collection = desired.collection
    if standing.unsettled_refunds:
        raise NeedsAttention(
            f"{standing.unsettled_refunds} of what was collected on invoice {invoice.number} went back to the payer. The flow "
            "leaves that to you: "
            "lower the payment in the books, then retry.",
            code="refund_review",
        )
    if standing.over and desired.rules.ask_overpaid:
        raise NeedsAttention(
            f"{standing.over} more was collected for invoice {invoice.number} than it is worth. The payments are recorded up "
            "to the invoice; refund "
            "the rest at the payment service, or book it by hand.",
            code="overpaid",
        )
    left = invoice.outstanding
    if collection.elsewhere and left is not None and left.amount > 0 and left.currency == collection.currency:
        raise NeedsAttention(
            f"{collection.elsewhere} of invoice {invoice.number} was marked at the payment service as paid without it, and "
            f"{left} is still open in "
            "the books. Record there how it was paid.",
            code="paid_elsewhere",
        )


def _compared(desired: DesiredReceipts, invoice: Invoice) -> Plan:
    """Nothing is recorded: do the books show what was collected, and no longer what went back?"""
    collection = desired.collection
    if invoice.currency != collection.currency:  # nothing was collected, so nothing is compared
        return Plan((), (_sentence(desired, invoice),))
    zero, shown = Money.zero(collection.currency), invoice.paid or Money.zero(invoice.currency)
    expected = total((_expected(desired, payment_id) for payment_id in range(len(collection.payments))), collection.currency)
    worth = min(expected, invoice.amount) if invoice.amount is not None else expected
    if shown < worth:
        raise NeedsAttention(
            f"{expected} was collected on invoice {invoice.number}, the books show {shown} as paid (for {desired.age_days} "
            "days). Record the "
            "difference, or let the flow record payments.",
            code="unrecorded",
            subject=f"invoice:{invoice.id}",
        )
    gross = total((payment.amount for payment in collection.payments), collection.currency)
    if gross > expected and shown > worth:
        raise NeedsAttention(
            f"{gross - expected} of what was collected on invoice {invoice.number} went back to the payer, and the books still "
            f"show {shown} as paid (for {desired.age_days} days). Lower the payment, or let the flow record payments and refunds.",
            code="unrecorded",
            subject=f"invoice:{invoice.id}",
        )
    proof = TieOut(invoice.number, worth + (gross - expected), gross - expected, worth, worth, shown, max(zero, shown - worth))
    return Plan((), (_sentence(desired, invoice),), proof)


def _expected(desired: DesiredReceipts, place: int) -> Money:
    payment = desired.collection.payments[place]
    return payment.amount if desired.rules.refunds == "ignore" else net(desired, payment)


def _sentence(desired: DesiredReceipts, invoice: Invoice) -> str:
    collection = desired.collection
    gross = total((payment.amount for payment in collection.payments), collection.currency)
    back = total((given_back(payment, lambda one: not one.pending) for payment in collection.payments), collection.currency)
    gone = f", {back} of it went back" if back else ""
    return f"{gross} was collected on invoice {invoice.number}{gone}."


def _proof(desired: DesiredReceipts, invoice: Invoice, standing: Standing) -> TieOut:
    gross = total((payment.amount for payment in desired.collection.payments), desired.currency)
    wanted = total((aim for _, aim in standing.aims), desired.currency)
    back = gross - standing.over - wanted
    paid = invoice.paid or Money.zero(invoice.currency)
    if paid.currency != desired.currency:  # nothing was collected, so nothing is compared
        return TieOut(invoice.number, paid, Money.zero(paid.currency), paid, paid, paid)
    return TieOut(invoice.number, gross - standing.over, back, standing.ours, wanted, paid, paid - standing.ours)
