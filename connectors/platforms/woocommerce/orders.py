"""Orders: one aggregate of the order and the details of its refunds."""

from __future__ import annotations

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.canonical.money import Money
from connectors.canonical.order import Discount, Order, OrderState
from connectors.canonical.party import Customer
from connectors.canonical.settlement import Transaction, TransactionKind, TransactionStatus
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.errors import Rejected
from connectors.kit.http import Api
from connectors.kit.tame import Tame, parse_json
from connectors.platforms.woocommerce.api import V3, read_object
from connectors.platforms.woocommerce.links import link
from connectors.platforms.woocommerce.order_lines import read_charges, read_lines, read_rates
from connectors.platforms.woocommerce.paging import Cursor, changed_in, turn_page
from connectors.platforms.woocommerce.parties import read_address
from connectors.platforms.woocommerce.refunds import fetch_refunds, read_refunds

# Every other status, plugins' own included, is an order that was placed.
_STATES = {
    "auto-draft": OrderState.DRAFT,
    "checkout-draft": OrderState.DRAFT,
    "cancelled": OrderState.CANCELLED,
    "failed": OrderState.CANCELLED,
    "trash": OrderState.DELETED,
}


def page_orders(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed orders, then changed orders in the trash, which status=any leaves out (observed)."""
    place = Cursor.read(cursor, "any")
    params = [*changed_in(window), ("status", place.walk), ("_fields", "id,status,date_modified_gmt")]
    leaf = turn_page(api, f"{V3}/orders", place, params, "orders")
    after = leaf.next or (Cursor("trash") if place.walk == "any" else None)
    return Page(tuple(order_notice(row) for row in leaf.rows), str(after) if after else None)


def order_notice(order: Tame, topic: str = "") -> Notice:
    """What an order's JSON says about where to look."""
    deleted = order["status"].text() == "trash"
    version = order.get("date_modified_gmt").text_or()
    return Notice(ObjectType.ORDER, order["id"].identifier(), topic, deleted, version)


def fetch_order(api: Api, order_id: str) -> Raw:
    """{"order": ..., "refunds": [...]}; the order itself shows of its refunds no lines and no dates."""
    order = read_object(api, "orders", order_id, "order")
    refunds = fetch_refunds(api, order_id) if list(order["refunds"].items()) else []
    return {"order": dict(order.mapping()), "refunds": refunds}


def stored_order(body: bytes) -> Raw | None:
    """The same out of a delivery, which carries the order as the API shows it (observed); one with refunds lacks their lines, and a
    deletion names only the id.
    """
    try:
        order = parse_json(body, "delivery")
        whole = "line_items" in order and "tax_lines" in order and not list(order["refunds"].items())
    except Rejected:
        return None
    return {"order": dict(order.mapping()), "refunds": []} if whole else None


def normalise_order(raw: Raw, account: Account) -> Order:
    """The canonical order. All line amounts are without tax, even where the shop's prices include it (observed)."""
    root = Tame(raw, "raw")
    order, refunds = Tame(root["order"].value, "order"), Tame(root["refunds"].value, "refunds")
    currency, rates = order["currency"].currency(), read_rates(order["tax_lines"])
    order_id, status = order["id"].identifier(), order["status"].text()
    return Order(
        id=order_id,
        number=order["number"].text(),
        status=status,
        state=_STATES.get(status, OrderState.OPEN),
        currency=currency,
        placed_at=order["date_created_gmt"].time(),
        updated_at=order["date_modified_gmt"].time(),
        customer=_customer(order, currency),
        lines=tuple(read_lines(order["line_items"], currency, rates)),
        charges=tuple(read_charges(order, currency, rates)),
        total=order["total"].money(currency),
        total_tax=order["total_tax"].money(currency),
        discounts=tuple(_discounts(order["coupon_lines"], currency)),
        transactions=_transactions(order, currency),
        refunds=tuple(read_refunds(refunds, currency)),
        shipping=read_address(order["shipping"]),
        prices_include_tax=order["prices_include_tax"].boolean(),
        payment_method=order["payment_method"].text_or(),
        payment_method_title=order["payment_method_title"].text_or(),
        note=order["customer_note"].text_or(),
        time_zone=account.time_zone,
        url=link(account, ObjectType.ORDER, order_id),
    )


def _customer(order: Tame, currency: str) -> Customer:
    """The buyer as billed on this order; a guest has no id, and the account's own address may differ."""
    billing = read_address(order["billing"])
    return Customer(
        id=order["customer_id"].identifier(),
        email=order["billing"]["email"].text_or().strip(),
        given_name=billing.given_name,
        family_name=billing.family_name,
        company=billing.company,
        phone=billing.phone,
        billing=billing,
        shipping=read_address(order["shipping"]),
        currency=currency,
    )


def _discounts(coupons: Tame, currency: str) -> list[Discount]:
    return [Discount(coupon["code"].text(), coupon["discount"].money(currency)) for coupon in coupons.items()]


def _transactions(order: Tame, currency: str) -> tuple[Transaction, ...]:
    """The one payment that WooCommerce knows of. Only date_paid says so: cash on delivery is "processing" and unpaid
    (observed), and an order for nothing has nothing to pay. How much was paid it tells nowhere: that is what the order came to
    by then, and here what it comes to now.
    """
    paid_at, total = order["date_paid_gmt"].time_or_none(), Money(order["total"].decimal(), currency)
    if paid_at is None or not total:
        return ()
    return (
        Transaction(
            id="paid",
            kind=TransactionKind.SALE,
            status=TransactionStatus.SUCCEEDED,
            gateway=order["payment_method"].text_or(),
            amount=total,
            occurred_at=paid_at,
            reference=order["transaction_id"].text_or(),
            assumed=True,
        ),
    )
