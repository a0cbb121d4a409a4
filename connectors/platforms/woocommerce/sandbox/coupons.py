"""How coupons lower the lines of an order: per cent and fixed amounts, shared out to the last minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from connectors.platforms.woocommerce.sandbox.model import ZERO, Coupon, CouponLine, Order, ProductLine
from connectors.platforms.woocommerce.sandbox.state import Shop
from connectors.platforms.woocommerce.sandbox.taxes import Rounding, exclusive_taxes, inclusive_taxes, order_rates
from connectors.platforms.woocommerce.sandbox.wire import Refusal


def find_coupon(shop: Shop, code: str) -> Coupon:
    """The coupon of that code, in any case."""
    coupon = shop.coupons.get(code.strip().lower())
    if coupon is None:
        raise Refusal(400, "woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!')
    return coupon


def apply_coupons(shop: Shop, order: Order) -> None:
    """Lower the totals of the lines by all coupons of the order, one after the other."""
    for coupon_line in order.coupon_lines:
        _apply(shop, order, coupon_line)


def _apply(shop: Shop, order: Order, coupon_line: CouponLine) -> None:
    rounding = Rounding.of(shop, order)
    lines = sorted((line for line in order.lines if line.total > 0), key=lambda line: -line.total)
    units = [_in_units(_price(shop, order, line), order.decimals) for line in lines]
    counts = [line.quantity for line in lines]
    coupon = coupon_line.coupon
    shares = (
        percent_shares(units, counts, coupon.amount)
        if coupon.kind == "percent"
        else (fixed_shares(units, counts, _in_units(coupon.amount, order.decimals)))
    )
    coupon_line.discount = coupon_line.discount_tax = ZERO
    for line, share in zip(lines, shares, strict=True):
        off, tax = _without_tax(shop, order, line, Decimal(share).scaleb(-order.decimals))
        line.total = max(ZERO, line.total - off)
        coupon_line.discount += rounding.money(off)
        coupon_line.discount_tax += rounding.tax(tax)


def _price(shop: Shop, order: Order, line: ProductLine) -> Decimal:
    """A line's price as the shop's customers see it, where coupons are reckoned."""
    if not order.prices_include_tax or line.tax_status != "taxable":
        return line.total
    return line.total + sum(exclusive_taxes(line.total, order_rates(shop, order, line.tax_class)).values(), ZERO)


def _without_tax(shop: Shop, order: Order, line: ProductLine, amount: Decimal) -> tuple[Decimal, Decimal]:
    """What a discount takes off the line without tax, and the tax that goes with it."""
    rates = order_rates(shop, order, line.tax_class) if line.tax_status == "taxable" else []
    if order.prices_include_tax:
        tax = sum(inclusive_taxes(amount, rates).values(), ZERO)
        return amount - tax, tax
    return amount, sum(exclusive_taxes(amount, rates).values(), ZERO)


def _in_units(amount: Decimal, decimals: int) -> int:
    return int(amount.scaleb(decimals).quantize(Decimal(1), ROUND_HALF_UP))


def percent_shares(units: list[int], counts: list[int], percent: Decimal) -> list[int]:
    """Each line's share rounded down; what is missing to the rounded whole goes out one by one, dearest line first."""
    shares = [int(price * percent / 100) for price in units]
    whole = int((sum(units) * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))
    return _hand_out(units, counts, shares, whole - sum(shares))


def fixed_shares(units: list[int], counts: list[int], amount: int) -> list[int]:
    """The same per piece, again and again while something is left, the last few one by one."""
    shares = [0] * len(units)
    left = min(amount, sum(units))
    while left > 0:
        pieces = sum(count for price, count, share in zip(units, counts, shares, strict=True) if price > share)
        each = left // pieces
        if not each:
            return _hand_out(units, counts, shares, left)
        for index, count in enumerate(counts):
            taken = min(units[index] - shares[index], each * count)
            shares[index] += taken
            left -= taken
    return shares


def _hand_out(units: list[int], counts: list[int], shares: list[int], left: int) -> list[int]:
    """Give the last `left` units away, one per piece of each line in turn."""
    result = list(shares)
    while left > 0 and sum(result) < sum(units):
        for index, count in enumerate(counts):
            taken = min(count, left, units[index] - result[index])
            result[index] += taken
            left -= taken
    return result
