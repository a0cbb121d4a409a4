"""Orders: one aggregate of the order, its transactions and its refunds."""

from __future__ import annotations

from dataclasses import replace

from connectors.canonical.identity import Notice, ObjectType
from connectors.canonical.money import Money
from connectors.canonical.order import Order, OrderState
from connectors.kit.account import Account
from connectors.kit.contract import Raw
from connectors.kit.tame import Tame
from connectors.platforms.shopify.ids import number_of
from connectors.platforms.shopify.links import link
from connectors.platforms.shopify.parties import read_address, read_buyer
from connectors.platforms.shopify.payments import called, captured, read_transactions
from connectors.platforms.shopify.pieces import read_discounts, read_pieces, to_charges, to_lines
from connectors.platforms.shopify.purse import Purse, purse_of
from connectors.platforms.shopify.refunds import find_excess, read_refunds, take_removed, to_refunds

NEAR = 5  # minor units within which the lines explain one of the order's own totals


def order_notice(row: Tame, topic: str = "") -> Notice:
    """What a listed order says about where to look."""
    return Notice(ObjectType.ORDER, number_of(row["id"]), topic, version=row["updatedAt"].text_or())


def normalise_order(raw: Raw, account: Account) -> Order:
    """The canonical order, in the currency that the flow chose.

    total is what the buyer was to pay before money went back: Shopify's total, which counts every unit that was ever ordered, less
    what left the order without money.
    """
    order = Tame(Tame(raw, "raw")["order"].value, "order")
    purse = purse_of(order, account)
    pieces, payments = read_pieces(order, purse), read_transactions(order, purse)
    given = read_refunds(order, pieces, purse)
    owed = purse.read(order["totalPriceSet"]) + purse.read(order["totalCashRoundingAdjustment"]["paymentSet"])
    paid, back = captured(list(payments), purse), purse.sum(*(each.money for each in given))
    cancelled = not order["cancelledAt"].is_null and order["cancelledAt"].time() is not None
    holds = paid > back
    remaining = take_removed(pieces, given, owed - paid, cancelled and holds, purse)
    gateways = [name.text() for name in order["paymentGatewayNames"].items()]
    order_id, total = number_of(order["id"]), owed - remaining.removed
    current = purse.read(order["currentTotalPriceSet"])
    given = find_excess(given, remaining.gone, paid, total, total if cancelled else current)
    found = Order(
        id=order_id,
        number=order["name"].text().strip().removeprefix("#") or order_id,
        status=order["displayFinancialStatus"].text_or("PENDING").lower(),
        # As long as the shop holds money for a cancelled order, its invoice stands; the refund takes it away.
        state=OrderState.CANCELLED if cancelled and not holds else OrderState.OPEN,
        currency=purse.currency,
        placed_at=order["processedAt"].time(),
        updated_at=order["updatedAt"].time(),
        customer=read_buyer(order, purse.currency),
        lines=to_lines(remaining.pieces),
        charges=to_charges(remaining.pieces),
        total=total,
        total_tax=purse.read_or_zero(order["totalTaxSet"]) - remaining.removed_tax,
        discounts=read_discounts(order, purse),
        transactions=payments,
        refunds=to_refunds(given),
        shipping=read_address(order["shippingAddress"]),
        prices_include_tax=order["taxesIncluded"].boolean(),
        payment_method=gateways[0] if gateways else "",
        payment_method_title=", ".join(map(called, gateways)),
        note=order["note"].text_or(),
        test=order["test"].boolean(),
        time_zone=account.time_zone,
        url=link(account, ObjectType.ORDER, order_id),
    )
    return _explained(found, purse.sum(current, *(refund.lowers for refund in found.refunds)), purse)


def _explained(order: Order, other: Money, purse: Purse) -> Order:
    """The order with the total that its lines explain. Which lines of exchanges and edits Shopify counts into the total before
    returns is not documented; the total of now plus what went back must come to the same, so it decides where they differ.
    """
    taxed = (*(line.taxes for line in order.lines), *(charge.taxes for charge in order.charges))
    taxes = purse.sum(*(tax.amount for own in taxed for tax in own))
    parts = purse.sum(*(line.total for line in order.lines), *(charge.total for charge in order.charges), taxes)
    gaps = [abs(parts.amount - candidate.amount) for candidate in (order.total, other)]
    near = Money.from_minor(NEAR, purse.currency).amount
    if gaps[0] <= near or gaps[1] > near:
        return order
    return replace(order, total=other, total_tax=taxes)
