"""From an order to what the books should hold: client, items, invoice, payments, credits, all to the last cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Credit, Invoice, InvoiceLine
from connectors.canonical.money import Money, total
from connectors.canonical.order import Order, OrderState
from connectors.canonical.party import Customer
from connectors.canonical.settlement import Refund
from connectors.kit.errors import NeedsAttention
from flows.recipes.arithmetic import is_certain
from flows.recipes.contract import Context, Recipe, Unbooking
from flows.recipes.customers import ClientWanted, client_content, client_key
from flows.recipes.desired_books import NO_CLIENT, CreditWanted, DesiredBooks, ItemWanted
from flows.recipes.fields import filled
from flows.recipes.fitting import Lines
from flows.recipes.invoice_lines import fit_lines, quantity_and_price, rounding_policy
from flows.recipes.options import ORDER_TO_INVOICE, flag, several, text
from flows.recipes.order_to_invoice_plan import plan
from flows.recipes.parts import Part, fold_negatives, parts_of
from flows.recipes.plain import digest, link_key, short_name
from flows.recipes.refunds import refund_parts
from flows.recipes.settlement import payment_marker, still_held, wanted_payments
from flows.recipes.taxes_plan import known_taxes
from flows.recipes.times import shop_date
from flows.recipes.updating import EMPTY, NEW, kept_by, without
from flows.recipes.which_orders import check_amounts, check_currency, refuse_never_booked, why_skipped


def desire(order: Order, context: Context) -> DesiredBooks:
    """What the books should hold for the order as it is now. Raises NothingToDo, NeedsAttention, Rejected."""
    refuse_never_booked(order, context)
    zero = Money.zero(order.currency)
    empty = DesiredBooks(
        order.id,
        order.number,
        zero,
        zero,
        zero,
        zero,
        marker=payment_marker(order.number, context),
        client=_client_if_any(order, context),
        invoice_number=f"{_prefix(context)}{order.number}",
    )
    if order.state in (OrderState.CANCELLED, OrderState.DELETED):
        void = f"Order {order.number} was {order.state.value} in the shop ({order.status})."
        return replace(empty, void=void, concern=still_held(order))
    skip = why_skipped(order, context)
    try:
        return replace(_booked(order, context, empty), skip=skip)
    except NeedsAttention as problem:
        if not skip:
            raise
        return replace(empty, skip=skip, problem=problem)


def unbook(asked: Unbooking, context: Context) -> DesiredBooks:
    """Nothing of the order stands, because a person wants it so. The shop is not asked."""
    zero = Money.zero(asked.currency or context.destination_currency)
    marker = payment_marker(asked.number, context)
    number = f"{_prefix(context)}{asked.number}"
    empty = DesiredBooks(asked.source_id, asked.number, zero, zero, zero, zero, invoice_number=number, marker=marker)
    return replace(empty, void=asked.why, by_hand=True, along=asked.along)


@dataclass(frozen=True, slots=True)
class _Shrunk:
    """The order's parts after refunds, and what each refund took: (refund, its parts)."""

    parts: tuple[Part, ...]
    taken: tuple[tuple[Refund, tuple[Part, ...]], ...]


def _booked(order: Order, context: Context, empty: DesiredBooks) -> DesiredBooks:
    check_amounts(order)
    check_currency(order, context)
    policy = text(context.options, "refunds", "adjust")
    refunds = tuple(refund for refund in order.refunds if refund.amount.amount > 0)
    given = refunds if policy == "adjust" else ()
    refunded = min(total((refund.lowers for refund in given), order.currency), order.total)
    worth = replace(empty, source_total=order.total, refunded=refunded, target=order.total - refunded)
    if not worth.target and (refunded or text(context.options, "zero_orders", "skip") == "skip"):
        why = "was refunded in full" if refunded else "is worth nothing"
        return replace(worth, void=f"Order {order.number} {why}.")
    parts = fold_negatives(parts_of(order))
    lines = fit_lines(_shrink(parts, given).parts, _coupons(order), worth.target, context)
    payments, concern = wanted_payments(order, given, worth.target, context)
    client = _client(order, context)
    invoice = _invoice(order, lines, context)
    kept = kept_by("invoice", context.mappings.fields)
    credited = _shrink(parts, refunds).taken if policy == "credit_note" else ()
    return replace(
        worth,
        captured=total((wanted.payment.amount for wanted in payments), order.currency),
        client=client,
        items=_items(order, parts, context),
        invoice=invoice,
        content=_content(without(invoice, kept, EMPTY, NEW), client),
        kept=kept,
        rounding=rounding_policy(context),
        payments=payments,
        concern=concern,
        taxes=known_taxes(parts, context),
        make_taxes=text(context.options, "tax_rates", "take") == "create",
        credits=tuple(_credit(order, refund, taken, context) for refund, taken in credited if refund.lowers),
    )


def _shrink(parts: tuple[Part, ...], refunds: Sequence[Refund]) -> _Shrunk:
    """Apply the refunds one after the other. Parts that come to nothing leave."""
    taken: list[tuple[Refund, tuple[Part, ...]]] = []
    for refund in refunds:
        after = refund_parts(parts, refund)
        taken.append((refund, _difference(parts, after)))
        parts = after
    kept = tuple(part for part in parts if part.net or part.tax.rounded()) if refunds else parts
    return _Shrunk(kept, tuple(taken))


def _difference(before: Sequence[Part], after: Sequence[Part]) -> tuple[Part, ...]:
    """What one refund took off each part, as parts of their own."""
    less = []
    for was, now in zip(before, after, strict=True):
        if was.net == now.net and was.tax == now.tax:
            continue
        taxes = tuple(replace(tax, amount=tax.amount - left.amount) for tax, left in zip(was.taxes, now.taxes, strict=True))
        quantity = was.quantity - now.quantity or was.quantity
        zero = Money.zero(was.net.currency)
        less.append(replace(was, net=was.net - now.net, taxes=taxes, quantity=quantity, discount=zero, folded=()))
    return tuple(less)


def _coupons(order: Order) -> str:
    return ", ".join(discount.code for discount in order.discounts if discount.code)


def _prefix(context: Context) -> str:
    return text(context.options, "invoice_prefix")


def _invoice(order: Order, lines: Lines, context: Context) -> Invoice:
    written = Invoice(
        customer_id="",
        number=f"{_prefix(context)}{order.number}",
        reference=order.number,
        issued_on=shop_date(order.placed_at, order.time_zone),
        currency=order.currency,
        lines=lines,
        notes=f"{context.source_label} order {order.number}",
        billing=order.customer,
    )
    return filled(written, "invoice", context.mappings.fields, order)


def _content(invoice: Invoice, client: ClientWanted) -> str:
    """Hash of what we want to write. Who last changed the customer's record, and when, is no content of the invoice."""
    who = invoice.billing or Customer()
    billing = (who.email_key, who.given_name, who.family_name, who.company, who.phone, who.billing, who.tax_number)
    return digest(client.key, client.client_id, replace(invoice, billing=None), billing)


def _client(order: Order, context: Context) -> ClientWanted:
    key, shared = client_key(order.customer, f"order:{order.id}")
    choice = "create" if shared else text(context.options, "no_email", "create")
    if choice == "default_client" and text(context.options, "default_client"):
        return ClientWanted(client_id=text(context.options, "default_client"))
    if choice != "create":
        raise NeedsAttention(
            f"Order {order.number} has no e-mail to find its client by. Enter one on the order in the shop, or choose a default client "
            "for such orders on the flow's page.",
            code="no_email",
        )
    note = order.customer.note if shared else f"{short_name(context.source_key)}:{key}"  # what a client without e-mail is found by
    company = order.customer.company or ("" if order.customer.name else f"Guest of order {order.number}")  # a client needs a name
    buyer = replace(order.customer, company=company, currency=order.currency, note=note)
    customer = filled(buyer, "client", context.mappings.fields, order)
    kept = kept_by("client", context.mappings.fields)
    content = client_content(without(customer, kept, NEW), order.placed_at)
    return ClientWanted(key, customer, shared, several(context.options), "", content, flag(context.options, "update_clients", True), kept)


def _client_if_any(order: Order, context: Context) -> ClientWanted:
    """The client for orders that are not booked: only to recognise what may have been written for them."""
    try:
        return _client(order, context)
    except NeedsAttention:
        return NO_CLIENT


def _items(order: Order, parts: Sequence[Part], context: Context) -> tuple[ItemWanted, ...]:
    """Items for SKUs that nobody mapped, where the flow wants items."""
    choice = text(context.options, "unknown_sku", "create")
    if choice not in ("create", "attention"):
        return ()
    wanted: dict[str, ItemWanted] = {}
    for part in parts:
        if part.kind != "product" or not part.sku or part.sku in context.mappings.items or part.sku in wanted:
            continue
        if context.mappings.value("account", *part.categories):
            continue  # its category is mapped to an item that stands for all of them
        product = Product("", part.sku, part.name or part.sku, unit_price=_list_price(part))
        wanted[part.sku] = ItemWanted(link_key("sku", part.sku), product, must_exist=choice == "attention")
    return tuple(wanted.values())


def _list_price(part: Part) -> Money | None:
    """The unit price as sold, where it is a whole number of minor units and nothing was taken off."""
    quantity, price = quantity_and_price(part)
    return price if quantity == part.quantity and not part.discount and not part.folded else None


def _credit(order: Order, refund: Refund, taken: tuple[Part, ...], context: Context) -> CreditWanted:
    """A credit note for a refund. Its amount cannot be steered afterwards, so where rounding is uncertain it is one bare line."""
    why = f"Refund of order {order.number}" + (f": {refund.reason}" if refund.reason else "")
    bare: Lines = (InvoiceLine("Refund", why, Decimal(1), refund.lowers),)
    lines = bare
    if taken and all(part.net.amount >= 0 for part in taken):
        try:
            lines = fit_lines(taken, "", refund.lowers, context)
        except NeedsAttention:
            lines = bare
    credit = Credit(
        "",
        f"{_prefix(context)}{order.number}-R{refund.id}",
        shop_date(refund.occurred_at, order.time_zone),
        order.currency,
        lines if is_certain(lines, refund.lowers) else bare,
        why,
    )
    return CreditWanted(f"{order.id}:{refund.id}", credit, refund.lowers)


def describe(order: Order) -> tuple[str, Money | None]:
    """For lists: the order number and what it is worth."""
    return order.number, order.total


RECIPE: Recipe[Order, DesiredBooks] = Recipe(
    name="order_to_invoice",
    label="Orders become invoices, with their payments and refunds",
    source=ObjectType.ORDER,
    writes=(ObjectType.CUSTOMER, ObjectType.PRODUCT, ObjectType.INVOICE, ObjectType.PAYMENT, ObjectType.CREDIT, ObjectType.TAX),
    options=ORDER_TO_INVOICE,
    desire=desire,
    plan=plan,
    describe=describe,
    tie_out=True,
    fills=("invoice", "client"),
    maps=("tax", "gateway", "account"),
    unbook=unbook,
    in_words="Each order that counts becomes an invoice with its client, lines, taxes and discounts, marked as sent."
    " Payments and refunds follow. Nothing is mailed to the client.",
)
