"""What the sandbox store remembers: orders, catalogue, customers and hooks as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
ZERO = Decimal(0)


@dataclass(frozen=True)
class Rate:
    """A tax rate of a zone. A later priority stands on top of the earlier ones."""

    name: str
    percent: Decimal
    tax_class: str = "Default Tax Class"
    priority: int = 1


@dataclass
class Taxed:
    """An amount with tax (gross), and the taxes in it."""

    gross: Decimal = ZERO
    taxes: list[tuple[Rate, Decimal]] = field(default_factory=list)

    @property
    def tax(self) -> Decimal:
        return sum((amount for _, amount in self.taxes), ZERO)

    @property
    def net(self) -> Decimal:
        return self.gross - self.tax


@dataclass
class Line:
    """A product line. listed: before discounts; sold: after them."""

    id: int
    product_id: int
    variant_id: int
    sku: str
    name: str
    quantity: int
    unit: Decimal
    listed: Taxed
    sold: Taxed
    kind: str = "physical"
    discounts: list[Json] = field(default_factory=list)
    wrapping: Taxed = field(default_factory=Taxed)
    wrapping_name: str | None = None
    options: list[Json] = field(default_factory=list)
    refunded: int = 0
    refunded_gross: Decimal = ZERO
    refunded_tax: Decimal = ZERO


@dataclass
class Address:
    """A shipping address with what it costs to send things there. listed: the shipping before coupons."""

    id: int
    fields: Json
    method: str
    shipping: Taxed
    handling: Taxed
    listed: Taxed


@dataclass
class Fee:
    id: int
    name: str
    cost: Taxed


@dataclass
class Order:
    """An order. received: the money that came in, as its merchant knows it, whatever the fields say."""

    id: int
    customer_id: int
    status_id: int
    currency: str
    display_currency: str
    inclusive: bool
    created: datetime
    modified: datetime
    billing: Json
    lines: list[Line]
    addresses: list[Address]
    fees: list[Fee] = field(default_factory=list)
    coupons: list[Json] = field(default_factory=list)
    coupon_discount: Decimal = ZERO
    discount: Decimal = ZERO
    store_credit: Decimal = ZERO
    gift_certificate: Decimal = ZERO
    payment_method: str = ""
    payment_status: str = ""
    message: str = ""
    deleted: bool = False
    transactions: list[Json] = field(default_factory=list)
    refunds: list[Json] = field(default_factory=list)
    received: Decimal = ZERO
    refunding_until: datetime | None = None

    @property
    def charges(self) -> list[Taxed]:
        places = [*(one.shipping for one in self.addresses), *(one.handling for one in self.addresses)]
        return [*places, *(line.wrapping for line in self.lines), *(fee.cost for fee in self.fees)]

    @property
    def off_shipping(self) -> Decimal:
        """What coupons took off the shipping."""
        return sum((one.listed.gross - one.shipping.gross for one in self.addresses), ZERO)

    @property
    def total(self) -> Decimal:
        return sum((line.sold.gross for line in self.lines), ZERO) + sum((charge.gross for charge in self.charges), ZERO)

    @property
    def tax(self) -> Decimal:
        return sum((line.sold.tax for line in self.lines), ZERO) + sum((charge.tax for charge in self.charges), ZERO)

    @property
    def refunded(self) -> Decimal:
        """What really went back."""
        return sum((pay["amount"] for refund in self.refunds for pay in refund["payments"] if not pay["is_declined"]), ZERO)


@dataclass
class Variant:
    id: int
    sku: str
    label: str
    price: Decimal | None = None


@dataclass
class Product:
    """A product; one without options has a base variant, one with options is sold as its variants."""

    id: int
    sku: str
    name: str
    price: Decimal
    created: datetime
    modified: datetime
    base_variant_id: int | None
    categories: list[int]
    variants: list[Variant] = field(default_factory=list)
    description: str = ""
    visible: bool = True
    kind: str = "physical"


@dataclass
class Customer:
    id: int
    email: str
    first_name: str
    last_name: str
    company: str
    phone: str
    created: datetime
    modified: datetime
    addresses: list[Json] = field(default_factory=list)


@dataclass
class Hook:
    """A webhook. status is what only the admin list shows."""

    id: int
    scope: str
    destination: str
    headers: dict[str, str] | None
    created: datetime
    updated: datetime
    status: str = "active"
    last_traffic: datetime | None = None
    last_exception: datetime | None = None

    @property
    def is_active(self) -> bool:
        return self.status == "active"
