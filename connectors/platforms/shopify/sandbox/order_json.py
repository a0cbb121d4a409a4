"""An order as GraphQL shows it: one tree per currency, laid over each other; rendered anew only after a change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from connectors.platforms.shopify.sandbox.model import GivenBack, Line, Order, Payment
from connectors.platforms.shopify.sandbox.money import ZERO, Json, Side, lay_over
from connectors.platforms.shopify.sandbox.reckoning import (
    Priced,
    Reckoned,
    Returned,
    Standing,
    captured_parts,
    give_back,
    reckon,
    standing,
)
from connectors.platforms.shopify.sandbox.records import customer_json, gid, stamp

MANUAL = ("manual", "bank deposit", "cash")


def order_json(order: Order) -> Json:
    """The Order of the schema, connections as plain lists (the resolver turns them into pages)."""
    if order.rendered is None:
        shop, buyer = (_tree(order, side) for side in order.sides)
        order.rendered = lay_over(shop, buyer, order.sides)
    return order.rendered


def figures(order: Order, side: Side | None = None) -> Standing:
    """What the order comes to, in the shop's currency unless told otherwise."""
    found = reckon(order, side or order.sides[0])
    return standing(order, found, give_back(order, found))


def _tree(order: Order, side: Side) -> Json:
    found = reckon(order, side)
    returned = give_back(order, found)
    now = standing(order, found, returned)
    rows = _transactions(order, found, returned)
    return {
        **_head(order),
        "displayFinancialStatus": financial_status(order),
        "totalPriceSet": found.total,
        "currentTotalPriceSet": now.worth,
        "totalTaxSet": found.tax,
        "totalShippingPriceSet": found.shipping.full if found.shipping else ZERO,
        "totalDiscountsSet": sum((sum(p.off.values(), ZERO) for p in _reducible(found)), ZERO),
        "totalTipReceivedSet": found.tip,
        "totalReceivedSet": now.received,
        "totalRefundedSet": now.refunded,
        "totalOutstandingSet": now.worth + now.refunded - now.received,
        "totalCashRoundingAdjustment": {"paymentSet": ZERO, "refundSet": ZERO},
        "taxLines": _order_taxes(order, found),
        "additionalFees": [
            {"id": gid("AdditionalFee", number), "name": name, "price": price, "taxLines": []}
            for (number, name, _), price in zip(order.fees, found.fees, strict=True)
        ],
        "lineItems": [*(_line(order, line, found) for line in order.lines), *_tip_line(order, found)],
        "shippingLines": [_shipping(order, found)] if found.shipping else [],
        "discountApplications": [_application(order, index) for index in range(len(order.discounts))],
        "transactions": rows,
        "refunds": [_refund(order, back, returned[back.id], rows) for back in order.refunds],
    }


def _reducible(found: Reckoned) -> list[Priced]:
    return [*found.lines.values(), *([found.shipping] if found.shipping else [])]


def _head(order: Order) -> Json:
    gateways = list(dict.fromkeys(payment.gateway for payment in order.payments))
    return {
        "__typename": "Order",
        "id": gid("Order", order.id),
        "legacyResourceId": str(order.id),
        "name": f"#{order.number}",
        "number": order.number,
        "createdAt": stamp(order.created),
        "updatedAt": stamp(order.updated),
        "processedAt": stamp(order.created),
        "cancelledAt": stamp(order.cancelled) if order.cancelled else None,
        "cancelReason": "CUSTOMER" if order.cancelled else None,
        "confirmed": True,
        "edited": order.edited,
        "test": order.test,
        "note": order.note,
        "tags": [],
        "poNumber": None,
        "sourceName": "web",
        "displayFulfillmentStatus": "UNFULFILLED",
        "taxesIncluded": order.included,
        "dutiesIncluded": False,
        "currencyCode": order.sides[0].currency,
        "presentmentCurrencyCode": order.sides[1].currency,
        "paymentGatewayNames": gateways,
        "email": order.email,
        "phone": None,
        "customer": customer_json(order.customer) if order.customer else None,
        "billingAddress": order.address,
        "shippingAddress": order.address,
    }


def financial_status(order: Order) -> str:
    now = figures(order)
    if now.refunded:
        return "REFUNDED" if now.refunded >= now.received else "PARTIALLY_REFUNDED"
    if now.received or not reckon(order, order.sides[0]).total:
        return "PAID" if now.received >= now.worth else "PARTIALLY_PAID"
    if any(payment.kind == "VOID" for payment in order.payments):
        return "VOIDED"
    authorised = any(payment.kind == "AUTHORIZATION" and payment.status == "SUCCESS" for payment in order.payments)
    return "AUTHORIZED" if authorised else "PENDING"


# ---- parts -------------------------------------------------------------------------------------------------


def _taxes(order: Order, amounts: list[Decimal]) -> list[Json]:
    return [
        {"title": title, "rate": float(rate), "ratePercentage": float(rate * 100), "channelLiable": False, "priceSet": amount}
        for (title, rate), amount in zip(order.taxes, amounts, strict=False)
    ]


def _order_taxes(order: Order, found: Reckoned) -> list[Json]:
    taxed = [priced.taxes for priced in _reducible(found) if priced.taxes]
    return _taxes(order, [sum((taxes[i] for taxes in taxed), ZERO) for i in range(len(order.taxes))]) if taxed else []


def _allocations(priced: Priced) -> list[Json]:
    return [{"allocatedAmountSet": amount, "discountApplication": {"__typename": "DiscountCodeApplication", "index": index, "code": "",
             "targetType": "LINE_ITEM"}} for index, amount in priced.off.items()]  # fmt: skip


def _application(order: Order, index: int) -> Json:
    discount = order.discounts[index]
    target = "SHIPPING_LINE" if discount.shipping else "LINE_ITEM"
    return {"__typename": discount.kind, "index": index, "targetType": target, "code": discount.code, "title": discount.code}


def units_left(order: Order, line: Line) -> int:
    return line.quantity - sum(back.units.get(line.id, 0) for back in order.refunds)


def _line(order: Order, line: Line, found: Reckoned) -> Json:
    priced = found.lines[line.id]
    variant = line.variant
    return {
        "id": gid("LineItem", line.id),
        "sku": line.sku,
        "name": line.name,
        "title": variant.product_title if variant else line.name,
        "variantTitle": variant.title if variant else None,
        "quantity": line.quantity,
        "currentQuantity": units_left(order, line),
        "isGiftCard": line.gift_card,
        "taxable": line.taxable,
        "requiresShipping": line.shipped,
        "product": {"__typename": "Product", "id": gid("Product", variant.product_id)} if variant else None,
        "variant": {"__typename": "ProductVariant", "id": gid("ProductVariant", variant.id)} if variant else None,
        "originalTotalSet": priced.full,
        "discountAllocations": _allocations(priced),
        "taxLines": _taxes(order, priced.taxes),
        "duties": _duties(line, found),
    }


def _tip_line(order: Order, found: Reckoned) -> list[Json]:
    """A tip that Shopify shows as a line without a product, besides the order's own total of tips."""
    if not order.tip_line:
        return []
    tip = Line(order.tip_line, "Tip", 1, ZERO, taxable=False, shipped=False)
    return [_line(order, tip, replace(found, lines={tip.id: Priced(found.tip)}))]


def _duties(line: Line, found: Reckoned) -> list[Json]:
    if not line.duty:
        return []
    return [{"id": gid("Duty", line.duty_id), "harmonizedSystemCode": "0902", "price": found.duties[line.duty_id], "taxLines": []}]


def _shipping(order: Order, found: Reckoned) -> Json:
    number, title, _ = order.shipping or (0, "", ZERO)
    priced = found.shipping or Priced(ZERO)
    return {
        "id": gid("ShippingLine", number),
        "title": title,
        "code": title,
        "isRemoved": False,
        "originalPriceSet": priced.full,
        "discountAllocations": _allocations(priced),
        "taxLines": _taxes(order, priced.taxes),
    }


# ---- money that moved --------------------------------------------------------------------------------------


def _transactions(order: Order, found: Reckoned, returned: dict[int, Returned]) -> list[Json]:
    parts = captured_parts(order, found.total, found.side)
    rows = [_transaction(order, payment, parts[payment.id]) for payment in order.payments]
    gateways, left = {payment.id: payment.gateway for payment in order.payments}, _received_by(order, parts)
    for back in order.refunds:
        for (number, parent), take in zip(back.transactions.items(), _shares(back, returned[back.id].money, left), strict=True):
            payment = Payment(number, "REFUND", back.status, gateways[parent], ZERO, back.at, order.test, parent)
            rows.append(_transaction(order, payment, take))
    return rows


def _received_by(order: Order, parts: dict[int, Decimal]) -> dict[int, Decimal]:
    return {payment.id: parts[payment.id] for payment in order.payments if payment.moved}


def _shares(back: GivenBack, money: Decimal, left: dict[int, Decimal]) -> list[Decimal]:
    """What of the money goes over each of its payments, as far as each goes; the last takes what rounding leaves. Lowers left."""
    shares, parents = [], list(back.transactions.values())
    for place, parent in enumerate(parents, 1):
        take = money if place == len(parents) else min(money, max(ZERO, left[parent]))
        shares.append(take)
        money -= take
        if back.status in ("SUCCESS", "PENDING"):
            left[parent] -= take
    return shares


def payments_for(order: Order, back: GivenBack) -> list[int]:
    """The payments that the newest refund of the order goes back over: the latest ones, as many as it takes."""
    found = reckon(order, order.sides[0])
    returned, left = give_back(order, found), _received_by(order, captured_parts(order, found.total, found.side))
    for earlier in order.refunds[:-1]:
        _shares(earlier, returned[earlier.id].money, left)
    money, chosen = returned[back.id].money, list[int]()
    for parent in reversed(left):
        if money > 0 and left[parent] > 0:
            chosen.append(parent)
            money -= left[parent]
    return chosen


def _transaction(order: Order, payment: Payment, amount: Decimal) -> Json:
    return {
        "id": gid("OrderTransaction", payment.id),
        "kind": payment.kind,
        "status": payment.status,
        "gateway": payment.gateway,
        "formattedGateway": payment.gateway.replace("_", " ").title(),
        "manualPaymentGateway": payment.gateway in MANUAL,
        "test": payment.test,
        "createdAt": stamp(payment.at),
        "processedAt": stamp(payment.at),
        "paymentId": f"#{order.number}.{payment.id % 100}",
        "amountSet": amount,
        "amountRoundingSet": None,
        "parentTransaction": {"id": gid("OrderTransaction", payment.parent)} if payment.parent else None,
    }


def _refund(order: Order, back: GivenBack, found: Returned, rows: list[Json]) -> Json:
    own = {gid("OrderTransaction", number) for number in back.transactions}
    adjustment = [_adjustment(back, found.adjustment)] if back.adjusted else []
    return {
        "id": gid("Refund", back.id),
        "legacyResourceId": str(back.id),
        "createdAt": stamp(back.at),
        "processedAt": stamp(back.at),
        "note": back.note,
        "totalRefundedSet": found.money if back.status == "SUCCESS" else ZERO,
        "duties": [{"amountSet": amount, "originalDuty": {"id": gid("Duty", number)}} for number, amount in found.duties.items()],
        "refundLineItems": [
            {"id": gid("RefundLineItem", back.id * 100 + place), "quantity": back.units[line_id], "restockType": back.restock,
             "subtotalSet": amount, "totalTaxSet": tax, "lineItem": {"id": gid("LineItem", line_id)}}
            for place, (line_id, (amount, tax)) in enumerate(found.lines.items())
        ],
        "refundShippingLines": _refunded_shipping(order, back, found),
        "orderAdjustments": adjustment,
        "transactions": [row for row in rows if row["id"] in own],
    }  # fmt: skip


def _adjustment(back: GivenBack, amount: Decimal) -> Json:
    return {"id": gid("OrderAdjustment", back.id), "reason": "REFUND_DISCREPANCY", "amountSet": amount, "taxAmountSet": ZERO}


def _refunded_shipping(order: Order, back: GivenBack, found: Returned) -> list[Json]:
    if found.shipping is None or order.shipping is None:
        return []
    line = {"id": gid("ShippingLine", order.shipping[0])}
    amount, tax = found.shipping
    return [{"id": gid("RefundShippingLine", back.id), "subtotalAmountSet": amount, "taxAmountSet": tax, "shippingLine": line}]
