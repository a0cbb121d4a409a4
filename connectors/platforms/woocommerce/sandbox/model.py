"""What the sandbox shop keeps: orders, products, customers, webhooks and keys, as plain mutable records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
Taxes = dict[int, Decimal]
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate; the percentage is exact. Within one priority only the first matching rate counts."""

    id: int
    country: str
    state: str
    percent: Decimal
    name: str
    priority: int = 1
    compound: bool = False
    shipping: bool = True
    tax_class: str = ""

    @property
    def code(self) -> str:
        """CA-QC-QST-2: country, state if any, name and priority, as order tax lines carry it."""
        return "-".join(part for part in (self.country, self.state, self.name.upper(), str(self.priority)) if part)


@dataclass
class ProductLine:
    """A product on an order or, with negative numbers, on a refund. Amounts are without tax and unrounded."""

    id: int
    name: str = ""
    product_id: int = 0
    variation_id: int = 0
    quantity: int = 1
    tax_class: str = ""
    tax_status: str = "taxable"
    subtotal: Decimal = ZERO
    total: Decimal = ZERO
    subtotal_tax: Decimal = ZERO
    total_tax: Decimal = ZERO
    subtotal_taxes: Taxes = field(default_factory=dict)
    taxes: Taxes = field(default_factory=dict)
    meta: list[Json] = field(default_factory=list)


@dataclass
class Charge:
    """A shipping or a fee line; a fee may be negative."""

    id: int
    name: str = ""
    method_id: str = ""
    instance_id: str = ""
    tax_class: str = ""
    tax_status: str = "taxable"
    total: Decimal = ZERO
    total_tax: Decimal = ZERO
    taxes: Taxes = field(default_factory=dict)
    meta: list[Json] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon of the shop: kind is percent or fixed_cart."""

    id: int
    code: str
    kind: str
    amount: Decimal


@dataclass
class CouponLine:
    """A coupon used on an order and what it took off, without tax and in tax."""

    id: int
    coupon: Coupon
    meta_id: int
    discount: Decimal = ZERO
    discount_tax: Decimal = ZERO


@dataclass
class TaxRow:
    """A row of an order's tax summary."""

    id: int
    rate: Rate
    tax_total: Decimal = ZERO
    shipping_tax_total: Decimal = ZERO


@dataclass
class Note:
    """An order note."""

    id: int
    author: str
    created: datetime
    text: str
    for_customer: bool = False


@dataclass
class Refund:
    """Money given back. amount is positive; None is the empty refund that WooCommerce makes of a call without amount and lines."""

    id: int
    order_id: int
    created: datetime
    amount: Decimal | None
    reason: str
    by: int
    by_gateway: bool
    meta: list[Json]
    lines: list[ProductLine] = field(default_factory=list)
    shipping_lines: list[Charge] = field(default_factory=list)
    fee_lines: list[Charge] = field(default_factory=list)
    tax_rows: list[TaxRow] = field(default_factory=list)

    @property
    def total_tax(self) -> Decimal:
        """The tax in it, negative."""
        return sum((row.tax_total + row.shipping_tax_total for row in self.tax_rows), ZERO)


@dataclass
class Order:
    """An order. decimals is what its amounts are rounded to; sequence tells the newest change in the index of changes."""

    id: int
    number: str
    currency: str
    decimals: int
    prices_include_tax: bool
    created: datetime
    modified: datetime
    order_key: str
    status: str = "pending"
    completed: datetime | None = None
    paid: datetime | None = None
    customer_id: int = 0
    billing: dict[str, str] = field(default_factory=dict)
    shipping: dict[str, str] = field(default_factory=dict)
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    customer_ip_address: str = ""
    customer_user_agent: str = ""
    created_via: str = "rest-api"
    customer_note: str = ""
    cart_hash: str = ""
    parent_id: int = 0
    meta: list[Json] = field(default_factory=list)
    lines: list[ProductLine] = field(default_factory=list)
    shipping_lines: list[Charge] = field(default_factory=list)
    fee_lines: list[Charge] = field(default_factory=list)
    coupon_lines: list[CouponLine] = field(default_factory=list)
    tax_rows: list[TaxRow] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    discount_total: Decimal = ZERO
    discount_tax: Decimal = ZERO
    shipping_total: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    cart_tax: Decimal = ZERO
    total: Decimal = ZERO
    stock_reduced: bool = False
    sequence: int = 0
    rendered: tuple[int, bytes] | None = None

    @property
    def refunded(self) -> Decimal:
        return sum((refund.amount or ZERO for refund in self.refunds), ZERO)


@dataclass
class Product:
    """A simple or variable product or a variation (then parent_id names its product). Prices are as typed in."""

    id: int
    name: str
    created: datetime
    modified: datetime
    kind: str = "simple"
    sku: str = ""
    regular_price: str = ""
    sale_price: str = ""
    status: str = "publish"
    description: str = ""
    short_description: str = ""
    tax_status: str = "taxable"
    tax_class: str = ""
    virtual: bool = False
    downloadable: bool = False
    manage_stock: bool = False
    stock_quantity: int | None = None
    parent_id: int = 0
    option: str = ""
    variations: list[int] = field(default_factory=list)
    meta: list[Json] = field(default_factory=list)

    @property
    def price(self) -> str:
        return self.sale_price or self.regular_price


@dataclass
class Customer:
    """A user account. Guests have none."""

    id: int
    email: str
    created: datetime
    modified: datetime
    username: str
    first_name: str = ""
    last_name: str = ""
    role: str = "customer"
    billing: dict[str, str] = field(default_factory=dict)
    shipping: dict[str, str] = field(default_factory=dict)
    is_paying_customer: bool = False
    meta: list[Json] = field(default_factory=list)


@dataclass
class Hook:
    """A webhook registration. pending: its ping was never answered with exactly 200."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created: datetime
    owner: int
    status: str = "active"
    modified: datetime | None = None
    failures: int = 0
    pending: bool = True


@dataclass
class Key:
    """A REST API key of a user. role limits what its owner may do; nonces are the OAuth ones already used, with their times."""

    id: int
    consumer_key: str
    consumer_secret: str
    permissions: str = "read_write"
    role: str = "administrator"
    user_id: int = 1
    nonces: dict[str, int] = field(default_factory=dict)
