"""An order with everything that decides what it is worth: lines, charges, taxes, tenders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from connectors.canonical.money import Money
from connectors.canonical.party import NO_ADDRESS, Address, Customer
from connectors.canonical.settlement import Refund, Transaction


class OrderState(StrEnum):
    """What an order is, whatever the platform calls it (the platform's word is Order.status)."""

    DRAFT = "draft"  # a basket: never book it
    OPEN = "open"  # placed, in any stage of payment or fulfilment
    CANCELLED = "cancelled"  # cancelled or failed
    DELETED = "deleted"  # trashed


class ChargeKind(StrEnum):
    """Why a charge that is no product is on the order."""

    SHIPPING = "shipping"
    FEE = "fee"
    TIP = "tip"
    DUTY = "duty"
    WRAPPING = "wrapping"
    GIFT_CARD = "gift_card"  # a gift card that was sold: owed to its holder, no revenue yet


@dataclass(frozen=True, slots=True)
class TaxLine:
    """One tax on one line or charge. rate is a percentage (13 = 13 %), None when the shop does not say.

    code is the platform's own id of the rate, used for mappings and unique within a line; category is the class of taxes that it belongs
    to, which may be mapped as a whole; compound means on top of the other taxes.
    """

    name: str
    amount: Money
    rate: Decimal | None = None
    code: str = ""
    compound: bool = False
    category: str = ""


@dataclass(frozen=True, slots=True)
class LineItem:
    """A product line. total is for the whole quantity, after discount, without tax. categories: the product's, for mappings."""

    id: str
    name: str
    quantity: Decimal
    total: Money
    discount: Money
    taxes: tuple[TaxLine, ...] = ()
    sku: str = ""
    product_id: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """Shipping, a fee, a tip ... total is after discount, without tax, and may be negative (a plugin's discount)."""

    id: str
    kind: ChargeKind
    name: str
    total: Money
    discount: Money
    taxes: tuple[TaxLine, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Discount:
    """A coupon or manual discount, for the text only: its money is already out of the lines."""

    code: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Tender:
    """A gift card or store credit that paid part of the order: a way to pay, not a discount."""

    kind: str
    reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Order:
    """One aggregate: the order, its payments and its refunds. Amounts are in `currency`, times aware UTC.

    total is what the buyer owes for it, before refunds; prices_include_tax is how the shop shows prices
    (line totals here are without tax either way). time_zone is the shop's, for turning times into dates. paid: whether its payments say
    that it is paid; None where only the status tells.
    """

    id: str
    number: str
    status: str
    state: OrderState
    currency: str
    placed_at: datetime
    updated_at: datetime
    customer: Customer
    lines: tuple[LineItem, ...]
    charges: tuple[ChargeLine, ...]
    total: Money
    total_tax: Money
    discounts: tuple[Discount, ...] = ()
    tenders: tuple[Tender, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    refunds: tuple[Refund, ...] = ()
    shipping: Address = NO_ADDRESS
    prices_include_tax: bool = False
    payment_method: str = ""
    payment_method_title: str = ""
    note: str = ""
    test: bool = False
    paid: bool | None = None
    time_zone: str = "UTC"
    url: str = ""
