"""From an invoice of the books to one that a payment service collects."""

from __future__ import annotations

from dataclasses import replace

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceLine, InvoiceStatus
from connectors.canonical.money import Money
from connectors.canonical.party import Customer
from connectors.kit.errors import NeedsAttention, Rejected
from flows.recipes.collecting import PAY_LINE, DesiredCollection
from flows.recipes.collecting_lines import exact_lines
from flows.recipes.contract import Context, Recipe
from flows.recipes.invoice_to_collection_plan import plan
from flows.recipes.options import INVOICE_TO_COLLECTION, day, flag, names, number, text
from flows.recipes.plain import short_name


def desire(invoice: Invoice, context: Context) -> DesiredCollection:
    """What should be collected. Why an invoice is left out, or has to go, is for plan to weigh against what is there."""
    amount, outstanding = invoice.amount, invoice.outstanding
    if amount is None or outstanding is None:
        raise Rejected("invoice.amount: missing", code="malformed")
    options, problem = context.options, None
    lines: tuple[InvoiceLine, ...] = ()
    gone = invoice.status is InvoiceStatus.VOID
    if not gone:
        try:
            lines = exact_lines(invoice, amount, number(options, "rounding_bound", "0.05"))
        except NeedsAttention as caught:
            problem = caught
    return DesiredCollection(
        invoice_id=invoice.id,
        number=invoice.number,
        currency=invoice.currency,
        amount=amount,
        outstanding=outstanding,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        lines=lines,
        client=replace(invoice.billing or Customer(), id=invoice.customer_id, updated_at=None),
        payments=tuple(payment for payment in invoice.payments if not payment.void),
        memo=_memo(invoice) if flag(options, "memo", True) else "",
        marker=f"{short_name(context.source_key)}:{invoice.id}",
        skip=_why_skipped(invoice, context),
        void=f"Invoice {invoice.number} was deleted in the books." if gone else "",
        draft=invoice.status is InvoiceStatus.DRAFT,
        send=flag(options, "send", False),
        reissue=text(options, "edited", "reissue") == "reissue",
        settle=text(options, "elsewhere", "settle") == "settle",
        shops_too=text(options, "shop_invoices", "skip") == "collect",
        problem=problem,
    )


def _memo(invoice: Invoice) -> str:
    """The notes without the line in which we ourselves wrote where to pay."""
    return "\n".join(line for line in invoice.notes.splitlines() if not line.startswith(PAY_LINE)).strip()


def _why_skipped(invoice: Invoice, context: Context) -> str:
    """Why the flow leaves this invoice out ("" when it does not)."""
    options, start = context.options, day(context.options, "start_date")
    if invoice.status is InvoiceStatus.DRAFT and text(options, "drafts", "skip") == "skip":
        return f"Invoice {invoice.number} is still a draft; it is collected once it is sent."
    if start and invoice.issued_on < start:
        return f"Invoice {invoice.number} is of {invoice.issued_on}, before the flow's start on {start}."
    prefix = next((prefix for prefix in names(options, "skip_prefixes") if invoice.number.startswith(prefix)), "")
    if prefix:
        return f"Invoice {invoice.number} begins with {prefix}, which the flow leaves out."
    if (invoice.amount and invoice.amount.amount <= 0) or not invoice.amount:
        return f"Invoice {invoice.number} is over nothing."
    return ""


def describe(invoice: Invoice) -> tuple[str, Money | None]:
    """For lists: the number and the amount."""
    return invoice.number or invoice.id, invoice.amount


RECIPE: Recipe[Invoice, DesiredCollection] = Recipe(
    name="invoice_to_collection",
    label="Invoices of the books are collected",
    source=ObjectType.INVOICE,
    writes=(ObjectType.CUSTOMER, ObjectType.INVOICE),
    options=INVOICE_TO_COLLECTION,
    desire=desire,
    plan=plan,
    describe=describe,
    from_books=True,
    tie_out=True,
    own_is_echo=True,  # what came from an order is told apart without a call to the books
    echo_unless=("shop_invoices", "collect"),
    in_words="Each invoice of the books becomes one that the payment service collects: same amount, due date and number.",
)
