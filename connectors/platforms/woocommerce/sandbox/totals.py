"""What an order adds up to, step by step as WooCommerce's calculate_totals does it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connectors.platforms.woocommerce.sandbox.model import ZERO, Charge, Order, ProductLine, Rate, Taxes, TaxRow
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.taxes import Rounding, exclusive_taxes, order_rates


def calculate_totals(shop: Shop, order: Order) -> None:
    """Set the taxes of all lines, the tax summary and the totals of the order."""
    rounding = Rounding.of(shop, order)
    goods = sum((rounding.line(line.total) for line in order.lines), ZERO)
    before = sum((rounding.line(line.subtotal) for line in order.lines), ZERO)
    order.shipping_total = sum((rounding.money(line.total) for line in order.shipping_lines), ZERO)
    fees = _clamp_fees(order, rounding, goods + order.shipping_total)
    _tax_lines(shop, order, rounding)
    _summarise_taxes(shop, order, rounding)
    order.discount_total = rounding.money(before - goods)
    saved = sum((_sum(line.subtotal_taxes) - _sum(line.taxes) for line in order.lines), ZERO)
    order.discount_tax = rounding.tax(saved)
    order.total = rounding.money(goods + fees + order.shipping_total + order.cart_tax + order.shipping_tax)


def _sum(taxes: Taxes) -> Decimal:
    return sum(taxes.values(), ZERO)


def _clamp_fees(order: Order, rounding: Rounding, payable: Decimal) -> Decimal:
    """The sum of the fees; a negative fee never takes off more than there is."""
    fees = ZERO
    for fee in order.fee_lines:
        if fee.total < 0:
            fee.total = max(fee.total, -rounding.money(payable + fees))
        fees += fee.total
    return fees


def _tax_lines(shop: Shop, order: Order, rounding: Rounding) -> None:
    for line in order.lines:
        rates = order_rates(shop, order, line.tax_class) if line.tax_status == "taxable" else []
        line.taxes, line.subtotal_taxes = exclusive_taxes(line.total, rates), exclusive_taxes(line.subtotal, rates)
        line.total_tax = rounding.line_tax_sum(line.taxes.values())
        line.subtotal_tax = rounding.line_tax_sum(line.subtotal_taxes.values())
    for charge in order.shipping_lines:
        rates = order_rates(shop, order, "", shipping=True) if charge.tax_status == "taxable" else []
        charge.taxes = exclusive_taxes(charge.total, rates)
        charge.total_tax = rounding.line_tax_sum(charge.taxes.values())
    for fee in order.fee_lines:
        fee.taxes = _fee_taxes(shop, order, fee)
        fee.total_tax = rounding.line_tax_sum(fee.taxes.values())


def _fee_taxes(shop: Shop, order: Order, fee: Charge) -> Taxes:
    """A negative fee takes tax off in the proportion in which the rest of the order bears it, by tax class."""
    if fee.tax_status != "taxable":
        return {}
    if fee.total >= 0:
        return exclusive_taxes(fee.total, order_rates(shop, order, fee.tax_class))
    costs = _costs_by_class(order)
    whole = sum(costs.values(), ZERO)
    taxes: Taxes = {}
    for tax_class, cost in costs.items():
        if tax_class is None or not whole:
            continue
        share = fee.total * cost / whole
        for rate_id, tax in exclusive_taxes(share, order_rates(shop, order, tax_class)).items():
            taxes[rate_id] = taxes.get(rate_id, ZERO) + tax
    return taxes


def _costs_by_class(order: Order) -> dict[str | None, Decimal]:
    """What each tax class costs on the order; None holds what is not taxed."""
    costs: dict[str | None, Decimal] = {}
    priced: Iterable[ProductLine | Charge] = [*order.lines, *order.fee_lines, *order.shipping_lines]
    for item in priced:
        if item.total > 0:
            name = item.tax_class if item.tax_status == "taxable" else None
            costs[name] = costs.get(name, ZERO) + item.total
    return costs


def _summarise_taxes(shop: Shop, order: Order, rounding: Rounding) -> None:
    """The rows of the tax summary (kept with their ids where the rate stays) and the order's two tax totals."""
    cart = added_up([*(line.taxes for line in order.lines), *(fee.taxes for fee in order.fee_lines)], rounding)
    shipping = added_up([line.taxes for line in order.shipping_lines], rounding)
    known = {row.rate.id: row for row in order.tax_rows}
    rates = {rate.id: rate for rate in shop.rates}
    order.tax_rows = [known.get(rate_id) or TaxRow(shop.next_id("item"), rates[rate_id]) for rate_id in dict.fromkeys([*cart, *shipping])]
    for row in order.tax_rows:
        row.tax_total = cart.get(row.rate.id, ZERO)
        row.shipping_tax_total = shipping.get(row.rate.id, ZERO)
    order.cart_tax = rounding.money(sum(cart.values(), ZERO))
    order.shipping_tax = rounding.money(sum(shipping.values(), ZERO))


def added_up(all_taxes: Iterable[Taxes], rounding: Rounding) -> Taxes:
    """The taxes of many lines by rate."""
    result: Taxes = {}
    for taxes in all_taxes:
        for rate_id, tax in taxes.items():
            result[rate_id] = result.get(rate_id, ZERO) + rounding.line_tax(tax)
    return result


def summary_rows(shop: Shop, rates: dict[int, Rate], cart: Taxes, shipping: Taxes) -> list[TaxRow]:
    """Fresh summary rows for a refund."""
    return [
        TaxRow(shop.next_id("item"), rates[rate_id], cart.get(rate_id, ZERO), shipping.get(rate_id, ZERO))
        for rate_id in dict.fromkeys([*cart, *shipping])
        if rate_id in rates
    ]
