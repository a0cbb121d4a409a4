"""What the sandbox shop remembers of products, customers and orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.platforms.shopify.sandbox.money import Side

Json = dict[str, Any]


@dataclass
class Variant:
    id: int
    product_id: int
    title: str
    sku: str | None
    price: Decimal
    taxable: bool = True
    gift_card: bool = False
    product_title: str = ""
    status: str = "ACTIVE"


@dataclass
class Customer:
    id: int
    email: str
    first_name: str
    last_name: str
    created: datetime
    updated: datetime
    address: Json | None = None
    phone: str | None = None


@dataclass
class Line:
    """quantity counts all units ever ordered; removed those that an edit or a refund took away."""

    id: int
    name: str
    quantity: int
    price: Decimal
    sku: str | None = None
    variant: Variant | None = None
    taxable: bool = True
    gift_card: bool = False
    shipped: bool = True
    duty: Decimal = Decimal(0)
    duty_id: int = 0


@dataclass
class Discount:
    """percent off, or an amount off, of all lines (or of the shipping)."""

    code: str
    percent: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    shipping: bool = False
    kind: str = "DiscountCodeApplication"


@dataclass
class Payment:
    """weight: its part of what is to be paid; several payments share it by their weights."""

    id: int
    kind: str
    status: str
    gateway: str
    weight: Decimal
    at: datetime
    test: bool = False
    parent: int = 0

    @property
    def moved(self) -> bool:
        """Whether money came in by it."""
        return self.kind in ("SALE", "CAPTURE") and self.status == "SUCCESS"


@dataclass
class GivenBack:
    """A refund record: units by line id, whether shipping and the lines' duties too, and what money went back: None all that it is
    worth, else so much of the shop's currency; everything: all that the shop still holds. status is that of its money.
    """

    id: int
    at: datetime
    units: dict[int, int]
    shipping: bool = False
    money: Decimal | None = None
    note: str | None = None
    status: str = "SUCCESS"
    restock: str = "RETURN"
    adjusted: bool = False
    duties: bool = False
    everything: bool = False
    transactions: dict[int, int] = field(default_factory=dict)  # by its own id: the payment that it goes back over


@dataclass
class Order:
    id: int
    number: int
    sides: tuple[Side, Side]
    created: datetime
    updated: datetime
    lines: list[Line]
    taxes: tuple[tuple[str, Decimal], ...]
    included: bool = False
    discounts: list[Discount] = field(default_factory=list)
    shipping: tuple[int, str, Decimal] | None = None
    shipping_taxed: bool = True
    tip: Decimal = Decimal(0)
    tip_line: int = 0
    fees: list[tuple[int, str, Decimal]] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    refunds: list[GivenBack] = field(default_factory=list)
    customer: Customer | None = None
    email: str | None = None
    address: Json | None = None
    note: str | None = None
    test: bool = False
    edited: bool = False
    cancelled: datetime | None = None
    rendered: Json | None = None
