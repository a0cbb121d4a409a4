"""The options of all recipes as form fields, and typed reading of their values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from connectors.kit.contract import Setting
from connectors.kit.errors import NeedsAttention

Options = Mapping[str, Any]


def text(options: Options, name: str, default: str = "") -> str:
    """The trimmed text of an option; the default when it is empty."""
    value = options.get(name)
    return str(value).strip() if value not in (None, "") else default


def flag(options: Options, name: str, default: bool = False) -> bool:
    """A yes or no; forms may deliver it as text."""
    value = options.get(name, default)
    return value if isinstance(value, bool) else str(value).strip().casefold() in ("1", "true", "yes", "on")


def names(options: Options, name: str) -> tuple[str, ...]:
    """A list, given as such or as text with commas."""
    value = options.get(name) or ()
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts if str(part).strip())


def number(options: Options, name: str, default: str) -> Decimal:
    """A decimal number. NeedsAttention when the option is none."""
    try:
        return Decimal(text(options, name, default))
    except InvalidOperation as problem:
        raise _wrong(name, "a number") from problem


def day(options: Options, name: str) -> date | None:
    """A date (2026-07-31), None when empty."""
    value = text(options, name)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError as problem:
        raise _wrong(name, "a date like 2026-07-31") from problem


def several(options: Options) -> Literal["first", "attention"]:
    """What to do when several clients answer to one e-mail."""
    return "first" if text(options, "several_clients", "first") == "first" else "attention"


def _wrong(name: str, kind: str) -> NeedsAttention:
    return NeedsAttention(f"The flow's option {name!r} is not {kind}. Correct it on the flow's page.", code="bad_option")


def _choice(name: str, label: str, default: str, choices: Mapping[str, str], help: str = "") -> Setting:
    return Setting(name, label, help=help, kind="choice", choices=tuple(choices.items()), default=default)


_SEVERAL_CLIENTS = _choice(
    "several_clients",
    "Several clients with one e-mail",
    "first",
    {"first": "Take the oldest", "attention": "Ask me"},
    "FreshBooks allows several clients with the same e-mail.",
)

WHICH_ORDERS = (
    Setting("statuses", "Order statuses that count", help="Separated by commas; empty: those that the shop treats as paid."),
    Setting("start_date", "Orders placed from", help="A date like 2026-07-31; earlier orders are left alone."),
    Setting("skip_methods", "Payment methods left out", help="Separated by commas, as the shop names them."),
    Setting("minimum", "Smallest total", kind="number", default="0", help="Orders below are left alone."),
    _choice("zero_orders", "Orders over nothing", "skip", {"skip": "Leave out", "book": "Book"}),
    _choice("test_orders", "Test orders", "skip", {"skip": "Leave out", "book": "Book"}),
)

INVOICE_LOOKS = (
    Setting(
        "invoice_prefix",
        "Invoice number prefix",
        help="Stands before the order number. Give each shop its own where several write into the same books.",
    ),
    _choice(
        "unknown_sku",
        "A SKU without a mapping",
        "create",
        {"create": "Find or create the item", "default_item": "Use the default item", "attention": "Ask me", "line": "Only a line"},
    ),
    Setting("default_item", "Default item", help="The name on the line for unmapped SKUs, if chosen above."),
    _choice("tax_unmapped", "A tax without a mapping", "use", {"use": "Use the shop's name", "attention": "Ask me"}),
    Setting("rounding_name", "Name of the rounding line", default="Rounding"),
    Setting("rounding_bound", "Rounding bound", kind="number", default="0.05", help="At most this per order, in the currency's unit."),
)

SETTLEMENT = (
    Setting("default_payment_type", "Payment type when not mapped", default="Other"),
    _choice(
        "refunds",
        "Refunds",
        "adjust",
        {"adjust": "Reduce invoice and payments", "credit_note": "Write a credit note", "ignore": "Leave out"},
    ),
)

CLIENTS = (
    _choice(
        "no_email",
        "Orders without an e-mail",
        "create",
        {"create": "Make a client of their own", "default_client": "Use the default client", "attention": "Ask me"},
    ),
    Setting("default_client", "Default client", help="The client id in FreshBooks, if chosen above."),
    _SEVERAL_CLIENTS,
    Setting("update_clients", "Keep clients up to date", kind="boolean", default=True, help="With the address of the latest order."),
)

ORDER_TO_INVOICE = (*WHICH_ORDERS, *INVOICE_LOOKS, *SETTLEMENT, *CLIENTS)

_CONFLICT = _choice(
    "conflict",
    "When it exists already",
    "shop",
    {"shop": "The shop's values win", "books": "Leave it as it is"},
)
CUSTOMER_TO_CLIENT = (_CONFLICT, _SEVERAL_CLIENTS)
PRODUCT_TO_ITEM = (_CONFLICT,)

PAYMENT_TO_ORDER_STATUS = (
    _choice("paid_status", "Status of a paid order", "processing", {"processing": "Processing", "completed": "Completed"}),
    Setting("waiting_statuses", "Statuses that wait for payment", default="pending,on-hold", help="Only these are moved."),
    Setting("match_days", "Days to look back for a match", kind="number", default="30"),
    _choice(
        "unmatched",
        "A payment without any matching order",
        "attention",
        {"attention": "Ask me", "ignore": "Leave it alone"},
        "Invoices that did not come from the shop.",
    ),
)
