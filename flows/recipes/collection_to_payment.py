"""From what a payment service collected to payments in the books, and to nothing else: statuses are never written."""

from __future__ import annotations

from connectors.canonical.collection import Collection, CollectionState
from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention, NothingToDo
from flows.recipes.collection_to_payment_plan import plan
from flows.recipes.contract import Context, Recipe
from flows.recipes.options import COLLECTION_TO_PAYMENT, day, flag, text
from flows.recipes.plain import short_name
from flows.recipes.receipts import DesiredReceipts, Rules
from flows.recipes.times import shop_date


def desire(collection: Collection, context: Context) -> DesiredReceipts:
    """What to record. An invoice on which nothing happened yet concerns the books only for its payment page."""
    options = context.options
    rules = Rules(
        record=text(options, "policy", "record") == "record",
        refunds=text(options, "refunds", "reduce"),
        pending_at_once=text(options, "pending_refunds", "wait") == "at_once",
        ask_overpaid=text(options, "overpaid", "attention") == "attention",
        ask_unmatched=text(options, "unmatched", "attention") == "attention",
        fee_category=text(options, "fee_category", "Bank Fees") if text(options, "fees", "none") == "expense" else "",
        pay_link=flag(options, "pay_link", False),
    )
    if collection.test and text(options, "test_money", "skip") == "skip":
        raise NothingToDo(f"{collection.number or collection.id} was made in a test account, and no money moved.", code="left_out")
    start, first = day(options, "start_date"), shop_date(collection.created_at, collection.time_zone)
    if start and first < start:
        raise NothingToDo(f"{collection.number or collection.id} is of {first}, before the flow's start on {start}.", code="left_out")
    if not collection.payments and not collection.elsewhere and not _shows_page(collection, rules):
        raise NothingToDo(f"Nothing was collected on {collection.number or collection.id} yet.", code="nothing_collected")
    _check_currencies(collection)
    moments = [payment.occurred_at for payment in collection.payments] or [collection.created_at]
    default = text(options, "default_payment_type", "Credit Card")
    methods = ((payment.id, context.mappings.value("gateway", payment.method) or default) for payment in collection.payments)
    return DesiredReceipts(
        collection,
        rules,
        books=short_name(context.destination_key),
        service=context.source_label,
        methods=tuple(methods),
        age_days=max(0, (context.now - min(moments)).days),
    )


def _check_currencies(collection: Collection) -> None:
    """Only one currency is reckoned with; amounts in several are nobody's to add up."""
    for payment in collection.payments:
        for amount in (payment.amount, *(back.amount for back in payment.given_back)):
            if amount.currency != collection.currency:
                raise NeedsAttention(
                    f"Manual review: {amount} of the payment {payment.id} belongs to {collection.number or collection.id}, which is in "
                    f"{collection.currency}. Only one currency is recorded: book it by hand.",
                    code="manual_review",
                    subject=f"collection:{collection.id}",
                )


def _shows_page(collection: Collection, rules: Rules) -> bool:
    return rules.pay_link and collection.state is CollectionState.OPEN and bool(collection.url)


def describe(collection: Collection) -> tuple[str, Money | None]:
    """For lists: the number and what it is over."""
    return collection.number or collection.id, collection.total


RECIPE: Recipe[Collection, DesiredReceipts] = Recipe(
    name="collection_to_payment",
    label="What was collected is recorded in the books",
    source=ObjectType.COLLECTION,
    writes=(ObjectType.PAYMENT, ObjectType.EXPENSE, ObjectType.INVOICE_NOTE),
    options=COLLECTION_TO_PAYMENT,
    desire=desire,
    plan=plan,
    describe=describe,
    tie_out=True,
    in_words="What the payment service collected becomes payments on the invoices, lowered by refunds and lost disputes."
    " Fees become expenses if you like.",
    maps=("gateway",),
)
