"""Orders and their parts as v2 shows them: money as text with four decimals, dates in RFC 2822, parts as links."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.platforms.bigcommerce.sandbox.model import ZERO, Address, Fee, Json, Line, Order, Taxed
from connectors.platforms.bigcommerce.sandbox.state import STORE_HASH, Store, four, number, rfc
from connectors.platforms.bigcommerce.statuses import status_of


def _sides(name: str, amounts: list[Taxed]) -> Json:
    return {
        f"{name}_ex_tax": four(sum((one.net for one in amounts), ZERO)),
        f"{name}_inc_tax": four(sum((one.gross for one in amounts), ZERO)),
        f"{name}_tax": four(sum((one.tax for one in amounts), ZERO)),
    }


def order_json(store: Store, order: Order, *, fees_inlined: bool = False) -> Json:
    """The whole order. refunded_amount is always 0, subtotal_tax is after discounts while subtotal_ex_tax is before them."""
    status = status_of(order.status_id)
    shipping, handling = [shown_shipping(store, one) for one in order.addresses], [one.handling for one in order.addresses]
    return {
        "id": order.id,
        "customer_id": order.customer_id,
        "date_created": rfc(order.created),
        "date_modified": rfc(order.modified),
        "date_shipped": "",
        "cart_id": "",
        "status_id": order.status_id,
        "status": status.label,
        "custom_status": status.label,
        **_totals(store, order),
        **_sides("shipping_cost", shipping),
        "base_shipping_cost": four(sum((one.gross if order.inclusive else one.net for one in shipping), ZERO)),
        "shipping_cost_tax_class_id": 2,
        **_sides("handling_cost", handling),
        "base_handling_cost": four(sum((one.gross if order.inclusive else one.net for one in handling), ZERO)),
        "handling_cost_tax_class_id": 2,
        **_sides("wrapping_cost", [line.wrapping for line in order.lines]),
        "base_wrapping_cost": four(sum((line.wrapping.net for line in order.lines), ZERO)),
        "wrapping_cost_tax_class_id": 3,
        "items_total": sum(line.quantity for line in order.lines),
        "items_shipped": 0,
        "payment_method": order.payment_method,
        "payment_provider_id": next((one["gateway_transaction_id"] for one in order.transactions if one["gateway_transaction_id"]), ""),
        "payment_status": order.payment_status,
        "refunded_amount": "0.0000",
        "order_is_digital": not order.addresses,
        **_currencies(store, order),
        "discount_amount": four(order.discount),
        "coupon_discount": four(order.coupon_discount + (ZERO if store.switches.shipping_coupons == "reduced" else order.off_shipping)),
        "shipping_address_count": len(order.addresses),
        "is_deleted": order.deleted,
        "is_tax_inclusive_pricing": order.inclusive,
        "is_email_opt_in": False,
        "order_source": "www",
        "channel_id": 1,
        "billing_address": order.billing,
        "customer_message": order.message,
        "staff_notes": "",
        "external_id": None,
        "external_merchant_id": None,
        "external_source": None,
        "external_order_id": "",
        "ebay_order_id": "0",
        "tax_provider_id": "BasicTaxProvider",
        "customer_locale": "en",
        "ip_address": "192.0.2.7",
        "geoip_country": "Canada",
        "geoip_country_iso2": "CA",
        "products": _link(store, order, "products"),
        "shipping_addresses": _link(store, order, "shippingaddresses"),
        "coupons": _link(store, order, "coupons"),
        "fees": [fee_json(fee) for fee in order.fees] if fees_inlined else _link(store, order, "fees"),
    }


def _totals(store: Store, order: Order) -> Json:
    """Whether fees are in the total and tenders out of it is documented nowhere: both are switches."""
    fees = sum((fee.cost.gross for fee in order.fees), ZERO)
    outside = ZERO if store.switches.fees_inside else fees
    fee_tax = ZERO if store.switches.fees_inside else sum((fee.cost.tax for fee in order.fees), ZERO)
    tenders = order.store_credit + order.gift_certificate if store.switches.tenders_reduce else ZERO
    total, tax = order.total - outside - tenders, order.tax - fee_tax
    return {
        "subtotal_inc_tax": four(sum((line.listed.gross for line in order.lines), ZERO)),
        "subtotal_ex_tax": four(sum((line.listed.net for line in order.lines), ZERO)),
        "subtotal_tax": four(sum((line.sold.tax for line in order.lines), ZERO)),
        "total_inc_tax": four(total),
        "total_ex_tax": four(total - tax),
        "total_tax": four(tax),
        "store_credit_amount": four(order.store_credit),
        "gift_certificate_amount": four(order.gift_certificate),
    }


def _currencies(store: Store, order: Order) -> Json:
    """currency_code is what was shown; default_currency_code what was paid in. store_default_currency_code may be empty."""
    return {
        "currency_id": 2 if order.display_currency != order.currency else 1,
        "currency_code": order.display_currency,
        "currency_exchange_rate": "1.0000000000" if order.display_currency == order.currency else "0.6500000000",
        "default_currency_id": 1,
        "default_currency_code": order.currency,
        "store_default_currency_code": store.switches.currency if order.currency != store.switches.currency else "",
        "store_default_to_transactional_exchange_rate": "1.0000000000",
    }


def _link(store: Store, order: Order, part: str) -> Json:
    return {"url": f"{store.home}/stores/{STORE_HASH}/v2/orders/{order.id}/{part}", "resource": f"/orders/{order.id}/{part}"}


def line_json(order: Order, line: Line) -> Json:
    """A product line. is_refunded, quantity_refunded and refund_amount never change."""
    each = Decimal(line.quantity)
    return {
        "id": line.id,
        "order_id": order.id,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "order_pickup_method_id": 0,
        "order_address_id": order.addresses[0].id if order.addresses else 0,
        "name": line.name,
        "name_customer": line.name,
        "name_merchant": line.name,
        "sku": line.sku,
        "upc": "",
        "type": line.kind,
        "quantity": line.quantity,
        "base_price": four(line.unit),
        "price_ex_tax": four(line.listed.net / each),
        "price_inc_tax": four(line.listed.gross / each),
        "price_tax": four(line.listed.tax / each),
        "base_total": four(line.unit * each),
        "total_ex_tax": four(line.listed.net),
        "total_inc_tax": four(line.listed.gross),
        "total_tax": four(line.listed.tax),
        "weight": "1.0000",
        "is_refunded": False,
        "quantity_refunded": 0,
        "refund_amount": "0.0000",
        "return_id": 0,
        "wrapping_id": 1 if line.wrapping_name else 0,
        "wrapping_name": line.wrapping_name,
        "base_wrapping_cost": four(line.wrapping.net),
        **_sides("wrapping_cost", [line.wrapping]),
        "wrapping_message": "",
        "quantity_shipped": 0,
        "fixed_shipping_cost": "0.0000",
        "parent_order_product_id": None,
        "is_bundled_product": False,
        "brand": "",
        "applied_discounts": [{**one, "amount": four(one["amount"])} for one in line.discounts],
        "product_options": line.options,
        "configurable_fields": [],
        "gift_certificate_id": None,
        "discounted_total_inc_tax": four(line.sold.gross),
    }


def shown_shipping(store: Store, address: Address) -> Taxed:
    """What an order says that its shipping costs. "listed": before coupons, which are in coupon_discount; "reduced": after them, and they
    are not in coupon_discount; "counted": after them, and they are.
    """
    return address.listed if store.switches.shipping_coupons == "listed" else address.shipping


def address_json(store: Store, order: Order, address: Address) -> Json:
    shown = shown_shipping(store, address)
    return {
        **address.fields,
        "id": address.id,
        "order_id": order.id,
        "items_total": sum(line.quantity for line in order.lines),
        "items_shipped": 0,
        "shipping_method": address.method,
        "shipping_zone_id": 1,
        "shipping_zone_name": address.fields["country"],
        "base_cost": four(address.listed.net),
        **_sides("cost", [shown]),
        "cost_tax_class_id": 2,
        "base_handling_cost": four(address.handling.net),
        **_sides("handling_cost", [address.handling]),
        "handling_cost_tax_class_id": 2,
        "form_fields": [],
    }


def fee_json(fee: Fee) -> Json:
    """Fees mix text and numbers."""
    return {
        "id": fee.id,
        "type": "custom_fee",
        "display_name_customer": fee.name,
        "display_name_merchant": fee.name,
        "source": "v2",
        "base_cost": number(fee.cost.net),
        "cost_ex_tax": number(fee.cost.net),
        "cost_inc_tax": four(fee.cost.gross),
        "cost_tax": number(fee.cost.tax),
        "tax_class_id": 0,
    }


def taxes_json(order: Order, *, details: bool) -> list[Json]:
    """One row per tax and place; without details nobody knows whose it is. Fees have no rows."""
    rows: list[Json] = []
    address_id = order.addresses[0].id if order.addresses else 0
    for line in order.lines:
        rows += _tax_rows(line.sold, "", {"order_address_id": address_id, "order_product_id": str(line.id), "line_item_type": "item"})
        wrapped = {"order_address_id": address_id, "order_product_id": str(line.id), "line_item_type": "gift-wrapping"}
        rows += _tax_rows(line.wrapping, "Gift Wrapping", wrapped)
    for address in order.addresses:
        rows += _tax_rows(address.shipping, "Shipping", {"order_address_id": address.id, "line_item_type": "shipping"})
        rows += _tax_rows(address.handling, "Shipping", {"order_address_id": address.id, "line_item_type": "handling"})
    dropped = () if details else ("order_product_id", "line_item_type")
    kept = [{name: value for name, value in row.items() if name not in dropped} for row in rows]
    return [{"id": position, "order_id": order.id, **row} for position, row in enumerate(kept, start=1)]


def _tax_rows(taxed: Taxed, tax_class: str, place: Json) -> list[Json]:
    return [
        {
            "tax_rate_id": 1,
            "tax_class_id": 0,
            "name": rate.name,
            "class": tax_class or rate.tax_class,
            "rate": four(rate.percent),
            "priority": rate.priority,
            "priority_amount": four(amount),
            "line_amount": four(amount),
            **place,
        }
        for rate, amount in taxed.taxes
    ]


def coupon_json(coupon: Json) -> Json:
    return {**coupon, "amount": number(coupon["amount"]), "discount": number(coupon["discount"])}


def numbered(value: Any) -> Any:
    """A v3 record with its Decimals as JSON numbers."""
    if isinstance(value, dict):
        return {name: numbered(one) for name, one in value.items()}
    if isinstance(value, list):
        return [numbered(one) for one in value]
    return number(value) if isinstance(value, Decimal) else value
