"""Orders, refunds and notes as WooCommerce's REST API v3 shows them, field by field in its order (11.0.1)."""

from __future__ import annotations

from decimal import Decimal
from html import escape

from connectors.platforms.woocommerce.sandbox.currencies import symbol
from connectors.platforms.woocommerce.sandbox.model import Charge, CouponLine, Json, Note, Order, ProductLine, Refund, Taxes, TaxRow
from connectors.platforms.woocommerce.sandbox.state import WC_VERSION, Shop
from connectors.platforms.woocommerce.sandbox.wire import encode, item_links, money, number, stamp, stamp_gmt, unpadded

ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
BILLING = (*ADDRESS, "email", "phone")
SHIPPING = (*ADDRESS, "phone")


def order_bytes(shop: Shop, order: Order, decimals: int | None = None) -> bytes:
    """The order as JSON bytes; the usual form is kept until the order or the catalogue changes."""
    if decimals is not None and decimals != order.decimals:
        return encode(order_json(shop, order, decimals))
    if order.rendered is None or order.rendered[0] != shop.catalogue_revision:
        order.rendered = (shop.catalogue_revision, encode(order_json(shop, order, order.decimals)))
    return order.rendered[1]


def order_json(shop: Shop, order: Order, decimals: int) -> Json:
    """The whole order."""
    return {
        "id": order.id,
        "parent_id": order.parent_id,
        "status": order.status,
        "currency": order.currency,
        "version": WC_VERSION,
        "prices_include_tax": order.prices_include_tax,
        "date_created": stamp(order.created, shop),
        "date_modified": stamp(order.modified, shop),
        **_totals(order, decimals),
        "customer_id": order.customer_id,
        "order_key": order.order_key,
        "billing": {name: order.billing.get(name, "") for name in BILLING},
        "shipping": {name: order.shipping.get(name, "") for name in SHIPPING},
        "payment_method": order.payment_method,
        "payment_method_title": order.payment_method_title,
        "transaction_id": order.transaction_id,
        "customer_ip_address": order.customer_ip_address,
        "customer_user_agent": order.customer_user_agent,
        "created_via": order.created_via,
        "customer_note": order.customer_note,
        "date_completed": stamp(order.completed, shop),
        "date_paid": stamp(order.paid, shop),
        "cart_hash": order.cart_hash,
        "number": order.number,
        "meta_data": order.meta,
        "line_items": [_line_json(shop, line, decimals) for line in order.lines],
        "tax_lines": [_tax_row_json(row, decimals) for row in order.tax_rows],
        "shipping_lines": [_shipping_json(line, decimals) for line in order.shipping_lines],
        "fee_lines": [_fee_json(line, decimals) for line in order.fee_lines],
        "coupon_lines": [_coupon_json(line) for line in order.coupon_lines],
        "refunds": [_refund_summary(refund, decimals) for refund in reversed(order.refunds)],
        **_what_now(shop, order),
        "date_created_gmt": stamp_gmt(order.created),
        "date_modified_gmt": stamp_gmt(order.modified),
        "date_completed_gmt": stamp_gmt(order.completed),
        "date_paid_gmt": stamp_gmt(order.paid),
        "currency_symbol": symbol(order.currency),
        "_links": _order_links(shop, order),
    }


def _totals(order: Order, decimals: int) -> Json:
    return {
        "discount_total": money(order.discount_total, decimals),
        "discount_tax": money(order.discount_tax, decimals),
        "shipping_total": money(order.shipping_total, decimals),
        "shipping_tax": money(order.shipping_tax, decimals),
        "cart_tax": money(order.cart_tax, decimals),
        "total": money(order.total, decimals),
        "total_tax": money(order.cart_tax + order.shipping_tax, decimals),
    }


def _what_now(shop: Shop, order: Order) -> Json:
    pay = f"{shop.home}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.order_key}"
    return {
        "payment_url": pay,
        "is_editable": order.status in ("pending", "on-hold", "auto-draft"),
        "needs_payment": needs_payment(order),
        "needs_processing": needs_processing(shop, order),
    }


def needs_payment(order: Order) -> bool:
    """Only these statuses can be paid; on-hold is not among them, so set_paid does nothing there."""
    return order.status in ("pending", "failed", "checkout-draft") and order.total > 0


def needs_processing(shop: Shop, order: Order) -> bool:
    """Whether something on the order is neither virtual nor a download."""
    found = (shop.products.get(line.variation_id or line.product_id) for line in order.lines)
    return any(not (product.virtual and product.downloadable) for product in found if product)


def _order_links(shop: Shop, order: Order) -> Json:
    links = item_links(shop, f"/orders/{order.id}")
    href = f"{shop.api}/orders/{order.id}/actions/email_templates"
    links["email_templates"] = [{"embeddable": True, "href": href}]
    if order.customer_id:
        links["customer"] = [{"href": f"{shop.api}/customers/{order.customer_id}"}]
    return links


def _line_json(shop: Shop, line: ProductLine, decimals: int) -> Json:
    """The line shows its product as it is today: after a deletion product_id is 0 and sku null (observed in 11.0.1)."""
    product = shop.products.get(line.variation_id or line.product_id)
    parent = shop.products.get(line.product_id) if line.variation_id else None
    return {
        "id": line.id,
        "name": line.name,
        "product_id": line.product_id if product else 0,
        "variation_id": line.variation_id if product else 0,
        "quantity": line.quantity,
        "tax_class": line.tax_class,
        "subtotal": money(line.subtotal, decimals),
        "subtotal_tax": money(line.subtotal_tax, decimals),
        "total": money(line.total, decimals),
        "total_tax": money(line.total_tax, decimals),
        "taxes": _line_taxes(line, decimals),
        "meta_data": [_shown_meta(entry) for entry in line.meta],
        "sku": product.sku if product else None,
        "global_unique_id": "" if product else None,
        "price": number(line.total / line.quantity) if line.quantity else 0,
        "image": {"id": "" if product and not parent else 0, "src": ""},
        "parent_name": parent.name if parent else None,
    }


def _line_taxes(line: ProductLine, decimals: int) -> list[Json]:
    return [
        {"id": rate_id, "total": money(tax, decimals), "subtotal": money(line.subtotal_taxes.get(rate_id, Decimal(0)), decimals)}
        for rate_id, tax in line.taxes.items()
    ]


def _charge_taxes(taxes: Taxes, decimals: int) -> list[Json]:
    return [{"id": rate_id, "total": money(tax, decimals), "subtotal": ""} for rate_id, tax in taxes.items()]


def _shown_meta(entry: Json) -> Json:
    shown = "Size" if entry["key"] == "size" else entry["key"]  # only attributes have labels
    return {**entry, "display_key": shown, "display_value": escape(str(entry["value"]), quote=False)}


def _tax_row_json(row: TaxRow, decimals: int) -> Json:
    return {
        "id": row.id,
        "rate_code": row.rate.code,
        "rate_id": row.rate.id,
        "label": row.rate.name,
        "compound": row.rate.compound,
        "tax_total": money(row.tax_total, decimals),
        "shipping_tax_total": money(row.shipping_tax_total, decimals),
        "rate_percent": number(row.rate.percent),
        "meta_data": [],
    }


def _shipping_json(line: Charge, decimals: int) -> Json:
    return {
        "id": line.id,
        "method_title": line.name,
        "method_id": line.method_id,
        "instance_id": line.instance_id,
        "total": money(line.total, decimals),
        "total_tax": money(line.total_tax, decimals),
        "taxes": _charge_taxes(line.taxes, decimals),
        "tax_status": line.tax_status,
        "meta_data": [_shown_meta(entry) for entry in line.meta],
    }


def _fee_json(line: Charge, decimals: int) -> Json:
    return {
        "id": line.id,
        "name": line.name,
        "tax_class": line.tax_class,
        "tax_status": line.tax_status,
        "amount": "",
        "total": money(line.total, decimals),
        "total_tax": money(line.total_tax, decimals),
        "taxes": _charge_taxes(line.taxes, decimals),
        "meta_data": [_shown_meta(entry) for entry in line.meta],
    }


def _coupon_json(line: CouponLine) -> Json:
    """Here WooCommerce does not pad: "7", "1.2"."""
    coupon = line.coupon
    facts = f'[{coupon.id},"{coupon.code}","{coupon.kind}",{number(coupon.amount)}]'
    return {
        "id": line.id,
        "code": coupon.code,
        "discount": unpadded(line.discount),
        "discount_tax": unpadded(line.discount_tax),
        "meta_data": [_shown_meta({"id": line.meta_id, "key": "coupon_info", "value": facts})],
        "discount_type": coupon.kind,
        "nominal_amount": number(coupon.amount),
        "free_shipping": False,
    }


def _refund_summary(refund: Refund, decimals: int) -> Json:
    """Total with tax and negative, newest first."""
    total = money(-(refund.amount or Decimal(0)), decimals)
    return {"id": refund.id, "reason": refund.reason, "total": total, "total_tax": money(refund.total_tax, decimals)}


def refund_json(shop: Shop, refund: Refund, decimals: int, *, with_parent: bool = False) -> Json:
    """A refund; the listing over all orders also names the order."""
    shown: Json = {"id": refund.id}
    if with_parent:
        shown["parent_id"] = refund.order_id
    order_path = f"/orders/{refund.order_id}"
    links = item_links(shop, f"{order_path}/refunds/{refund.id}", ("GET", "DELETE"))
    return shown | {
        "date_created": stamp(refund.created, shop),
        "date_created_gmt": stamp_gmt(refund.created),
        "amount": "" if refund.amount is None else money(refund.amount, decimals),
        "reason": refund.reason,
        "refunded_by": refund.by,
        "refunded_payment": refund.by_gateway,
        "meta_data": refund.meta,
        "line_items": [_line_json(shop, line, decimals) for line in refund.lines],
        "shipping_lines": [_shipping_json(line, decimals) for line in refund.shipping_lines],
        "tax_lines": [_tax_row_json(row, decimals) for row in refund.tax_rows],
        "fee_lines": [_fee_json(line, decimals) for line in refund.fee_lines],
        "_links": {**links, "up": [{"href": f"{shop.api}{order_path}"}]},
    }


def note_json(shop: Shop, order: Order, note: Note) -> Json:
    """An order note."""
    links = item_links(shop, f"/orders/{order.id}/notes/{note.id}", ("GET", "DELETE"))
    return {
        "id": note.id,
        "author": note.author,
        "date_created": stamp(note.created, shop),
        "date_created_gmt": stamp_gmt(note.created),
        "note": note.text,
        "customer_note": note.for_customer,
        "_links": {**links, "up": [{"href": f"{shop.api}/orders/{order.id}"}]},
    }
