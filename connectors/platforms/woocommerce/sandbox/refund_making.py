"""Makes refunds: by amount, by lines, through the gateway, and the one that status "refunded" makes by itself."""

from __future__ import annotations

from decimal import Decimal

from connectors.platforms.woocommerce.sandbox.deliveries import raise_event
from connectors.platforms.woocommerce.sandbox.model import ZERO, Charge, Json, Order, ProductLine, Refund, Taxes
from connectors.platforms.woocommerce.sandbox.state import Shop, to_decimal, touch_order
from connectors.platforms.woocommerce.sandbox.taxes import Rounding
from connectors.platforms.woocommerce.sandbox.totals import added_up, summary_rows
from connectors.platforms.woocommerce.sandbox.wire import Refusal

GATEWAYS_THAT_REFUND = ("stripe", "ppcp-gateway")


def _refuse(message: str) -> Refusal:
    """Here WooCommerce's data is a bare integer."""
    return Refusal(500, "woocommerce_rest_cannot_create_order_refund", message, 500)


def make_refund(shop: Shop, order: Order, fields: Json, by: int) -> Refund:
    """POST /refunds: the amount wins over the sum of the lines; raises order.updated once."""
    wanted = [line for line in fields.get("line_items") or [] if _is_wanted(line)]
    amount = _amount(fields, wanted)
    rest = order.total - order.refunded
    if amount is not None and (amount > rest or amount < 0):
        raise _refuse("Invalid refund amount.")
    by_gateway = bool(fields.get("api_refund", True))
    if by_gateway and order.payment_method not in GATEWAYS_THAT_REFUND:
        raise _refuse("The payment gateway for this order does not support automatic refunds.")
    full = amount is not None and amount == rest
    refund = _new_refund(shop, order, amount, str(fields.get("reason") or ""), by, by_gateway=by_gateway, full=full)
    _fill_lines(shop, order, refund, wanted)
    if fields.get("api_restock", True):
        _restock(shop, order, refund)
    if full:
        order.status = "refunded"
    touch_order(shop, order)
    raise_event(shop, "order.updated", order.id)
    return refund


def refund_the_rest(shop: Shop, order: Order) -> None:
    """Setting the status to refunded makes a refund over what is left, without lines and tax."""
    rest = order.total - order.refunded
    if rest > 0:
        _new_refund(shop, order, rest, "Order fully refunded.", 1, by_gateway=False, full=True)


def _new_refund(shop: Shop, order: Order, amount: Decimal | None, reason: str, by: int, *, by_gateway: bool, full: bool) -> Refund:
    meta = [shop.new_meta("_refund_type", "full" if full else "partial")]
    refund = Refund(shop.next_id("post"), order.id, shop.now(), amount, reason, by, by_gateway, meta)
    order.refunds.append(refund)
    shop.refunds[refund.id] = refund
    order.rendered = None
    return refund


def _is_wanted(line: Json) -> bool:
    return bool(line.get("quantity") or to_decimal(line.get("refund_total")) or _given_taxes(line))


def _given_taxes(line: Json) -> Taxes:
    taxes = {int(tax["id"]): to_decimal(tax.get("refund_total")) for tax in line.get("refund_tax") or []}
    return {rate_id: tax for rate_id, tax in taxes.items() if tax}


def _amount(fields: Json, wanted: list[Json]) -> Decimal | None:
    """The amount given, else the sum of the lines with their taxes, else None."""
    if fields.get("amount") not in (None, ""):
        return to_decimal(fields["amount"])
    if not wanted:
        return None
    return sum((to_decimal(line.get("refund_total")) + sum(_given_taxes(line).values(), ZERO) for line in wanted), ZERO)


def _fill_lines(shop: Shop, order: Order, refund: Refund, wanted: list[Json]) -> None:
    for given in wanted:
        original = _original(order, int(given["id"]))
        if isinstance(original, ProductLine):
            refund.lines.append(_negative_line(shop, original, given))
        else:
            kept = refund.shipping_lines if original in order.shipping_lines else refund.fee_lines
            kept.append(_negative_charge(shop, original, given))
    rounding = Rounding.of(shop, order)
    cart = added_up([*(line.taxes for line in refund.lines), *(fee.taxes for fee in refund.fee_lines)], rounding)
    shipping = added_up([line.taxes for line in refund.shipping_lines], rounding)
    refund.tax_rows = summary_rows(shop, {rate.id: rate for rate in shop.rates}, cart, shipping)


def _original(order: Order, item_id: int) -> ProductLine | Charge:
    everything: list[ProductLine | Charge] = [*order.lines, *order.shipping_lines, *order.fee_lines]
    for line in everything:
        if line.id == item_id:
            return line
    raise Refusal(400, "woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")


def _negative(given: Json) -> tuple[Decimal, Taxes]:
    return -to_decimal(given.get("refund_total")), {rate_id: -tax for rate_id, tax in _given_taxes(given).items()}


def _negative_line(shop: Shop, original: ProductLine, given: Json) -> ProductLine:
    total, taxes = _negative(given)
    tax = sum(taxes.values(), ZERO)
    return ProductLine(
        id=shop.next_id("item"),
        name=original.name,
        product_id=original.product_id,
        variation_id=original.variation_id,
        quantity=-int(given.get("quantity") or 0),
        tax_class=original.tax_class,
        tax_status=original.tax_status,
        subtotal=total,
        total=total,
        subtotal_tax=tax,
        total_tax=tax,
        subtotal_taxes=dict(taxes),
        taxes=taxes,
        meta=[shop.new_meta("_refunded_item_id", str(original.id))],
    )


def _negative_charge(shop: Shop, original: Charge, given: Json) -> Charge:
    total, taxes = _negative(given)
    return Charge(
        id=shop.next_id("item"),
        name=original.name,
        method_id=original.method_id,
        instance_id=original.instance_id,
        tax_class=original.tax_class,
        tax_status=original.tax_status,
        total=total,
        total_tax=sum(taxes.values(), ZERO),
        taxes=taxes,
        meta=[shop.new_meta("_refunded_item_id", str(original.id))],
    )


def _restock(shop: Shop, order: Order, refund: Refund) -> None:
    """Returned pieces of stocked products go back on the shelf, which raises product.updated."""
    for line in refund.lines:
        product = shop.products.get(line.variation_id or line.product_id)
        if order.stock_reduced and line.quantity and product and product.stock_quantity is not None and product.manage_stock:
            product.stock_quantity -= line.quantity
            product.modified = shop.now()
            _count_restocked(shop, order, line)
            raise_event(shop, "product.updated", product.id)


def _count_restocked(shop: Shop, order: Order, line: ProductLine) -> None:
    """The order's own line keeps count of what is still out and what came back."""
    original = _original(order, int(line.meta[0]["value"]))
    counts = {entry["key"]: entry for entry in original.meta}
    for key, change in (("_reduced_stock", line.quantity), ("_restock_refunded_items", -line.quantity)):
        if key not in counts:
            original.meta.append(counts.setdefault(key, shop.new_meta(key, "0")))
        counts[key]["value"] = str(int(counts[key]["value"]) + change)
