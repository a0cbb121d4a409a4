"""The way back: an order that stands in the books is marked in the shop with its invoice's number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Invoice, InvoiceStatus, OrderMark
from connectors.canonical.money import Money
from connectors.kit.errors import NothingToDo
from flows.recipes.contract import Change, Context, Plan, Recipe
from flows.recipes.looks import Link, LinkOf, OwnerOf, View
from flows.recipes.options import INVOICE_TO_ORDER_MARK, flag, text
from flows.recipes.plain import digest, short_name


@dataclass(frozen=True, slots=True)
class DesiredMark:
    """The mark but for the order, which only our links know."""

    invoice_id: str
    mark: OrderMark


def desire(invoice: Invoice, context: Context) -> DesiredMark:
    """How the order is to be marked. An invoice that was taken back marks nothing."""
    if invoice.status is InvoiceStatus.VOID:
        raise NothingToDo(f"Invoice {invoice.number} was taken back; its order is not marked.", code="void")
    options = context.options
    marker = f"{context.source_label} {short_name(context.source_key)}:{invoice.id}"
    mark = OrderMark(
        order_id="",
        invoice_number=invoice.number,
        reference=flag(options, "mark_reference", True),
        note=f"{marker}: Invoice {invoice.number} was written" if flag(options, "mark_note", True) else "",
        marker=marker,
        status=text(options, "mark_status"),
        attribute=text(options, "mark_attribute"),
        shop_invoice=flag(options, "mark_shop_invoice", False),
    )
    if not (mark.reference or mark.note or mark.status or mark.attribute or mark.shop_invoice):
        raise NothingToDo("The flow marks orders in no way; choose one on its page.", code="no_way")
    return DesiredMark(invoice.id, mark)


def plan(desired: DesiredMark, view: View) -> Plan:
    """Mark it once; anew when the number or the ways changed. What a person wrote in the books belongs to no order."""
    order_id = cast("str | None", view(OwnerOf(ObjectType.INVOICE, desired.invoice_id)))
    if order_id is None:
        raise NothingToDo(f"Invoice {desired.mark.invoice_number} was not written for an order of this shop.", code="no_order")
    mark = replace(desired.mark, order_id=order_id)
    key, content = f"{desired.invoice_id}:{order_id}", digest(mark)
    link = cast("Link | None", view(LinkOf(ObjectType.ORDER_MARK, key)))
    title = f"Mark order {order_id} with invoice {mark.invoice_number}"
    if link is None:
        return Plan((Change("create", ObjectType.ORDER_MARK, key, title, mark, content_hash=content),))
    if link.content_hash in ("", content):  # "": it was found marked already
        return Plan()
    return Plan((Change("update", ObjectType.ORDER_MARK, key, title, mark, target_id=order_id, content_hash=content),))


def describe(invoice: Invoice) -> tuple[str, Money | None]:
    """For lists: the invoice's number and amount."""
    return invoice.number, invoice.amount


RECIPE: Recipe[Invoice, DesiredMark] = Recipe(
    name="invoice_to_order_mark",
    label="Orders are marked with their invoice's number",
    source=ObjectType.INVOICE,
    writes=(ObjectType.ORDER_MARK,),
    options=INVOICE_TO_ORDER_MARK,
    desire=desire,
    plan=plan,
    describe=describe,
    from_books=True,
    in_words="Each order that stands in the books gets its invoice number: as reference, note, status or attribute.",
)
