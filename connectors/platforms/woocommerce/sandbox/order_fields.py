"""Takes the writable fields of an order from a request: addresses, lines, coupons, meta data."""

from __future__ import annotations

from typing import Any

from connectors.platforms.woocommerce.sandbox.coupons import apply_coupons, find_coupon
from connectors.platforms.woocommerce.sandbox.model import ZERO, Charge, CouponLine, Json, Order, Product, ProductLine
from connectors.platforms.woocommerce.sandbox.order_json import BILLING, SHIPPING
from connectors.platforms.woocommerce.sandbox.state import Shop, index_order, to_decimal
from connectors.platforms.woocommerce.sandbox.taxes import inclusive_taxes
from connectors.platforms.woocommerce.sandbox.totals import calculate_totals
from connectors.platforms.woocommerce.sandbox.wire import Refusal, invalid_params, not_in

STATUSES = (
    "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft",
)  # fmt: skip
_PLAIN = ("payment_method", "payment_method_title", "transaction_id", "customer_note", "customer_ip_address",
          "customer_user_agent", "created_via", "cart_hash")  # fmt: skip
_PRICED = ("billing", "shipping", "line_items", "shipping_lines", "fee_lines", "coupon_lines")


def check_fields(shop: Shop, fields: Json) -> None:
    """Refuse what WooCommerce refuses before it touches anything."""
    problems: dict[str, tuple[str, str]] = {}
    if "status" in fields and fields["status"] not in STATUSES:
        problems["status"] = not_in("status", STATUSES)
    email = (fields.get("billing") or {}).get("email") or ""
    if email and not is_email(email):
        problems["billing"] = ("rest_invalid_email", "Invalid email address.")
    if problems:
        raise invalid_params(problems)
    customer_id = int(fields.get("customer_id") or 0)
    if customer_id and customer_id not in shop.customers:
        raise Refusal(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")
    for line in fields.get("line_items") or []:
        if not line.get("id") and not line.get("product_id") and not line.get("sku"):
            raise Refusal(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
    for line in fields.get("coupon_lines") or []:
        find_coupon(shop, str(line.get("code", "")))


def is_email(value: str) -> bool:
    """Roughly WordPress's is_email."""
    name, at, host = value.partition("@")
    return bool(name and at and "." in host.strip(".") and " " not in value)


def apply_fields(shop: Shop, order: Order, fields: Json, *, creating: bool = False) -> None:
    """Write the fields into the order and, when anything with a price was named, reckon it anew."""
    old_email, old_customer = order.billing.get("email", ""), order.customer_id
    for name in _PLAIN:
        if name in fields:
            setattr(order, name, str(fields[name] or ""))
    if "currency" in fields:
        order.currency = str(fields["currency"]).upper()
    order.customer_id = int(fields.get("customer_id", order.customer_id) or 0)
    order.parent_id = int(fields.get("parent_id", order.parent_id) or 0)
    for name, known in (("billing", BILLING), ("shipping", SHIPPING)):
        given = fields.get(name) or {}
        getattr(order, name).update({key: str(given[key] or "") for key in known if key in given})
    index_order(shop, order, old_email, old_customer)
    merge_meta(shop, order.meta, fields.get("meta_data") or [])
    if creating or any(name in fields for name in _PRICED):
        _apply_lines(shop, order, fields)
        calculate_totals(shop, order)


def merge_meta(shop: Shop, kept: list[Json], given: list[Json]) -> None:
    """Meta data with a known key or id is changed in place, null removes it, the rest is added."""
    for entry in given:
        found = next((old for old in kept if old["id"] == entry.get("id") or old["key"] == entry.get("key")), None)
        if found and entry.get("value") is None:
            kept.remove(found)
        elif found:
            found["value"] = entry["value"]
        elif entry.get("key"):
            kept.append(shop.new_meta(str(entry["key"]), entry.get("value", "")))


def _apply_lines(shop: Shop, order: Order, fields: Json) -> None:
    for given in fields.get("line_items") or []:
        _apply_product_line(shop, order, given)
    for name, lines, title in (("shipping_lines", order.shipping_lines, "method_title"), ("fee_lines", order.fee_lines, "name")):
        for given in fields.get(name) or []:
            _apply_charge(shop, lines, given, title)
    if "coupon_lines" in fields:
        if order.coupon_lines or fields["coupon_lines"]:
            for line in order.lines:
                line.total = line.subtotal
        order.coupon_lines = [
            CouponLine(shop.next_id("item"), find_coupon(shop, str(given["code"])), shop.next_id("meta"))
            for given in fields["coupon_lines"] or []
        ]
        apply_coupons(shop, order)


def _existing(lines: list[Any], given: Json) -> Any:
    if not given.get("id"):
        return None
    for line in lines:
        if line.id == int(given["id"]):
            return line
    raise Refusal(400, "woocommerce_rest_invalid_item_id", "Order item ID provided is not associated with order.")


def _apply_product_line(shop: Shop, order: Order, given: Json) -> None:
    """A line by id is changed (quantity 0 or product_id null removes it; quantity alone leaves its totals), else one is added."""
    line: ProductLine | None = _existing(order.lines, given)
    if line and (given.get("quantity") == 0 or ("product_id" in given and given["product_id"] is None)):
        order.lines.remove(line)
        return
    if line is None:
        line = _new_line(shop, order, given)
        order.lines.append(line)
    line.quantity = int(given.get("quantity", line.quantity))
    line.name = str(given.get("name", line.name))
    for name in ("subtotal", "total"):
        if given.get(name) is not None:
            setattr(line, name, to_decimal(given[name]))
    merge_meta(shop, line.meta, given.get("meta_data") or [])


def _new_line(shop: Shop, order: Order, given: Json) -> ProductLine:
    """An unknown product or SKU is accepted as a line without name and price (observed with WooCommerce 11.0.1)."""
    product = _wanted_product(shop, given)
    quantity = int(given.get("quantity", 1))
    line = ProductLine(shop.next_id("item"), quantity=quantity)
    if product is None:
        return line
    parent = shop.products.get(product.parent_id) if product.parent_id else None
    line.name = f"{parent.name} - {product.option}" if parent else product.name
    line.product_id, line.variation_id = (parent.id, product.id) if parent else (product.id, 0)
    line.tax_class, line.tax_status = product.tax_class, product.tax_status
    line.subtotal = line.total = _net_price(shop, order, product, quantity)
    if parent:
        line.meta.append(shop.new_meta("size", product.option))
    return line


def _wanted_product(shop: Shop, given: Json) -> Product | None:
    if given.get("sku"):
        return shop.products.get(shop.skus.get(str(given["sku"]).strip().lower(), 0))
    return shop.products.get(int(given.get("variation_id") or given.get("product_id") or 0))


def _net_price(shop: Shop, order: Order, product: Product, quantity: int) -> Any:
    """Price times quantity without tax; prices that include tax hold the tax of the shop's own address."""
    amount = to_decimal(product.price) * quantity
    if order.prices_include_tax and product.tax_status == "taxable":
        rates = shop.store_rates(product.tax_class)
        return amount - sum(inclusive_taxes(amount, rates).values(), ZERO)
    return amount


def _apply_charge(shop: Shop, lines: list[Charge], given: Json, title: str) -> None:
    charge: Charge | None = _existing(lines, given)
    if charge and title in given and given[title] is None:
        lines.remove(charge)
        return
    if charge is None:
        charge = Charge(shop.next_id("item"))
        lines.append(charge)
    charge.name = str(given.get(title, charge.name))
    charge.method_id = str(given.get("method_id", charge.method_id))
    charge.instance_id = str(given.get("instance_id", charge.instance_id))
    charge.tax_class = str(given.get("tax_class", charge.tax_class))
    charge.tax_status = str(given.get("tax_status", charge.tax_status))
    charge.total = to_decimal(given.get("total"), charge.total)
    merge_meta(shop, charge.meta, given.get("meta_data") or [])
