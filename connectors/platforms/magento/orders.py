"""Orders: one aggregate of the order, its invoices, its credit memos and its gateway transactions."""

from __future__ import annotations

from decimal import Decimal

from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.money import Money, total
from connectors.canonical.order import ChargeLine, Discount, LineItem, Order, OrderState, Tender
from connectors.canonical.party import Customer
from connectors.kit.account import Account
from connectors.kit.contract import Page, Raw
from connectors.kit.errors import NeedsAttention, NothingToDo
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.magento.api import read_object
from connectors.platforms.magento.links import link
from connectors.platforms.magento.order_lines import amount, chosen_rows, read_charges, read_lines, shipping_assignment
from connectors.platforms.magento.paging import Walk, turn_page
from connectors.platforms.magento.parties import read_address
from connectors.platforms.magento.search import Filter, search_all
from connectors.platforms.magento.settlements import gateway_title, read_payments, read_refunds

# Shops add statuses of their own, so the state decides; the states are a closed list.
_STATES = {
    "canceled": OrderState.CANCELLED,
    **dict.fromkeys(("new", "pending_payment", "payment_review", "processing", "complete", "closed", "holded"), OrderState.OPEN),
}
# Statuses that every shop has. Those that count without being asked for are states, too.
STATUSES = (
    "pending",
    "pending_payment",
    "payment_review",
    "fraud",
    "processing",
    "complete",
    "closed",
    "canceled",
    "holded",
)
PAID_STATES = ("processing", "complete", "closed")
_PARTS = (
    "subtotal",
    "tax_amount",
    "shipping_amount",
    "discount_amount",
    "discount_tax_compensation_amount",
    "shipping_discount_tax_compensation_amount",
)
# What Adobe Commerce takes off grand_total although it is a way to pay (documented; not seen on a shop).
_TENDERS = (("gift_cards_amount", "giftcard"), ("customer_balance_amount", "store_credit"), ("reward_currency_amount", "reward_points"))
ZERO = Decimal(0)


def page_orders(api: Api, window: Window, cursor: str | None) -> Page:
    """Changed orders of the chosen stores. One listing shows the orders of all stores, whatever store the address names."""
    stores = chosen_stores(api.account)
    extra = (Filter("store_id", ",".join(stores), "in"),) if stores else ()
    return turn_page(api, Walk("/orders", ObjectType.ORDER), window, cursor, extra)


def chosen_stores(account: Account) -> tuple[str, ...]:
    """The store ids that a flow reads; empty means all. NeedsAttention for anything else than numbers: no order would ever match."""
    parts = [part.strip() for part in str(account.settings.get("store_ids") or "").split(",")]
    chosen = tuple(part for part in parts if part)
    if wrong := next((part for part in chosen if not (part.isascii() and part.isdigit())), ""):
        raise NeedsAttention(
            f'"{wrong}" is no number of a store. Enter the numbers that the connection\'s test shows under "Stores to read" on the flow\'s '
            "page.",
            code="bad_store",
        )
    return chosen


def fetch_order(api: Api, order_id: str) -> Raw:
    """{"order", "invoices", "credit_memos", "transactions"}; what the order says it has none of is not asked for.

    Null fields are left out of Magento's JSON: an order without total_invoiced has no invoice, and without one no credit memo.
    """
    order = read_object(api, "/orders", order_id, "order", "entity_id")
    of_order = (Filter("order_id", order["entity_id"].known_identifier()),)
    invoiced = order.get("total_invoiced").decimal_or(ZERO) or order.get("total_paid").decimal_or(ZERO)
    refunded = order.get("total_refunded").decimal_or(ZERO)
    paid = order.get("payment")
    has_transactions = bool(invoiced) and not paid.is_null and bool(paid.get("last_trans_id").text_or())
    return {
        "order": dict(order.mapping()),
        "invoices": search_all(api, "/invoices", of_order, "entity_id") if invoiced else [],
        "credit_memos": search_all(api, "/creditmemos", of_order, "entity_id") if refunded else [],
        "transactions": search_all(api, "/transactions", of_order, "transaction_id") if has_transactions else [],
    }


def normalise_order(raw: Raw, account: Account) -> Order:
    """The canonical order, in the currency that the buyer saw. Raises NeedsAttention where Magento's own figures do not add up."""
    root = Tame(raw, "raw")
    order = Tame(root["order"].value, "order")
    order_id, currency = order["entity_id"].known_identifier(), order["order_currency_code"].currency()
    state = order["state"].text()
    if state not in _STATES:
        raise order["state"].fail("a state that Magento has")
    _check_store(order, account)
    lines, charges = tuple(read_lines(order, currency)), tuple(read_charges(order, currency))
    tenders = tuple(_tenders(order, currency))
    worth = order["grand_total"].money(currency) + total((tender.amount for tender in tenders), currency)
    _check_sum(order, worth, lines, charges)
    rows = frozenset(row["item_id"].known_identifier() for row in chosen_rows(order))
    customer = _customer(order, currency)
    return Order(
        id=order_id,
        number=order["increment_id"].text(),
        status=order.get("status").text_or() or state,  # comments of old releases can leave an order without a status
        state=_STATES[state],
        currency=currency,
        placed_at=order["created_at"].time(),
        updated_at=order["updated_at"].time(),
        customer=customer,
        lines=lines,
        charges=charges,
        total=worth,
        total_tax=amount(order, "tax_amount", currency),
        discounts=_discounts(order, currency),
        tenders=tenders,
        transactions=tuple(
            read_payments(order, Tame(root["invoices"].value, "invoices"), Tame(root["transactions"].value, "transactions"), currency)
        ),
        refunds=tuple(read_refunds(Tame(root["credit_memos"].value, "credit_memos"), currency, rows)),
        shipping=customer.shipping,
        prices_include_tax=bool(amount(order, "discount_tax_compensation_amount", currency)),
        paid=_is_paid(order, state),
        payment_method=_method(order),
        payment_method_title=gateway_title(order),
        note=order.get("customer_note").text_or(),
        time_zone=account.time_zone,
        url=link(account, ObjectType.ORDER, order_id),
    )


def _is_paid(order: Tame, state: str) -> bool | None:
    """True for a paid order under a status of the shop's own, of which no list of statuses knows; else the status tells."""
    own = order.get("status").text_or(state) not in STATUSES
    due = order.get("total_due").decimal_or(ZERO)
    return True if own and state in PAID_STATES and not due and not order.get("total_paid").is_null else None


def _check_store(order: Tame, account: Account) -> None:
    """A webhook tells of orders of every store; the flow may want some of them."""
    stores, store = chosen_stores(account), order.get("store_id").identifier()
    if stores and store not in stores:
        raise NothingToDo(
            f"Order {order['increment_id'].text()} belongs to store {store}, which this flow does not read.", code="other_store"
        )


def _check_sum(order: Tame, worth: Money, lines: tuple[LineItem, ...], charges: tuple[ChargeLine, ...]) -> None:
    """Either the lines or Magento's own totals must come to the grand total; else there is something on the order that we do not know."""
    currency = worth.currency
    fixed = total((charge.total for charge in charges if charge.code == "weee"), currency)
    parts = total((amount(order, name, currency) for name in _PARTS), currency)
    nets = total([line.total for line in lines] + [charge.total for charge in charges], currency) + amount(order, "tax_amount", currency)
    canceled = order.get("total_canceled").decimal_or(ZERO)
    if canceled and order["state"].text() != "canceled":
        raise NeedsAttention(
            f"A part of order {order['increment_id'].text()} worth {canceled} {currency} was cancelled in Magento after another part was "
            "invoiced. Book this order by hand, or cancel the rest of it in the shop.",
            code="partly_cancelled",
        )
    if worth in (parts, parts + fixed, nets):
        return
    for name in _PARTS:
        order[name].decimal()  # one that is missing may be the reason, and is named
    raise NeedsAttention(
        f"Order {order['increment_id'].text()} does not reconcile: it is worth {worth}, but Magento's totals come to {parts} and its lines "
        f"to {nets}. An extension has put something on it (a fee, a gift card, reward points). Book it by hand.",
        code="does_not_reconcile",
    )


def _tenders(order: Tame, currency: str) -> list[Tender]:
    extension = order.get("extension_attributes")
    if extension.is_null:
        return []
    found = [(kind, name, amount(extension, name, currency)) for name, kind in _TENDERS]
    return [Tender(kind, name, worth) for kind, name, worth in found if worth]


def _discounts(order: Tame, currency: str) -> tuple[Discount, ...]:
    off = amount(order, "discount_amount", currency)  # negative on orders, positive on their rows
    code = order.get("coupon_code").text_or() or order.get("discount_description").text_or()
    return (Discount(code or "Discount", abs(off)),) if off else ()


def _method(order: Tame) -> str:
    payment = order.get("payment")
    return "" if payment.is_null else payment.get("method").text_or()


def _customer(order: Tame, currency: str) -> Customer:
    """The buyer as billed on this order; a guest has no id and may have no names but those of the address."""
    block = order.get("billing_address")
    billing, shipping = read_address(block), shipping_assignment(order)
    vat = "" if block.is_null else block.get("vat_id").text_or()
    email = "" if block.is_null else block.get("email").text_or()
    return Customer(
        id=order.get("customer_id").identifier(),
        email=(order.get("customer_email").text_or() or email).strip(),
        given_name=order.get("customer_firstname").text_or() or billing.given_name,
        family_name=order.get("customer_lastname").text_or() or billing.family_name,
        company=billing.company,
        phone=billing.phone,
        billing=billing,
        shipping=read_address(shipping.get("address") if not shipping.is_null else shipping),
        tax_number=order.get("customer_taxvat").text_or() or vat,
        currency=currency,
    )
