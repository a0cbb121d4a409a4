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


def _choice(name: str, label: str, default: str, choices: Mapping[str, str], help: str = "", *, first: bool = False) -> Setting:
    return Setting(name, label, help=help, kind="choice", choices=tuple(choices.items()), default=default, first=first)


_SEVERAL_CLIENTS = _choice(
    "several_clients",
    "Several clients with one e-mail",
    "first",
    {"first": "Take the oldest", "attention": "Ask me"},
    "FreshBooks allows several clients with the same e-mail.",
)

WHICH_ORDERS = (
    Setting("statuses", "Order statuses that count", help="Separated by commas; empty: those that the shop treats as paid.", first=True),
    Setting("start_date", "Orders placed from", help="A date like 2026-07-31; earlier orders are left alone."),
    Setting("skip_methods", "Payment methods left out", help="Separated by commas, as the shop names them."),
    Setting("minimum", "Smallest total", kind="number", default="0", help="Orders below are left alone."),
    _choice("zero_orders", "Orders over nothing", "skip", {"skip": "Leave out", "book": "Book"}),
    Setting(
        "currencies",
        "Currencies that the books take",
        help="Separated by commas, as CAD, USD; empty: any. An order in another one needs your attention before anything is written.",
    ),
    _choice("test_orders", "Test orders", "skip", {"skip": "Leave out", "book": "Book"}),
)

INVOICE_LOOKS = (
    Setting(
        "invoice_prefix",
        "Invoice number prefix",
        help="Stands before the order number. Give each shop its own where several write into the same books.",
        first=True,
    ),
    _choice(
        "unknown_sku",
        "A SKU without a mapping",
        "create",
        {"create": "Find or create the item", "default_item": "Use the default item", "attention": "Ask me", "line": "Only a line"},
        first=True,
    ),
    Setting("default_item", "Default item", help="The name on the line for unmapped SKUs; needed if chosen above."),
    _choice("tax_unmapped", "A tax without a mapping", "use", {"use": "Use the shop's name", "attention": "Ask me"}, first=True),
    _choice(
        "tax_rates",
        "Rates of the shop and of the books",
        "take",
        {"take": "The shop's rates count", "match": "Must be the same; ask me else", "create": "Must be the same; create missing taxes"},
        "Compares each tax of an order with the tax of that name in the books.",
    ),
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
        first=True,
    ),
)

CLIENTS = (
    _choice(
        "no_email",
        "Orders without an e-mail",
        "create",
        {"create": "Make a client of their own", "default_client": "Use the default client", "attention": "Ask me"},
        first=True,
    ),
    Setting("default_client", "Default client", help="The client id in FreshBooks; needed if chosen above."),
    _SEVERAL_CLIENTS,
    Setting("update_clients", "Keep clients up to date", kind="boolean", default=True, help="With the address of the latest order."),
)

# What a choice cannot do without: the option, what is chosen there, the option that it needs, and the sentence that asks for it.
_NEEDED = (
    ("unknown_sku", "default_item", "default_item", "Name the default item, or choose something else for a SKU without a mapping."),
    (
        "no_email",
        "default_client",
        "default_client",
        "Name the default client (its id in the books), or choose something else for orders without an e-mail.",
    ),
)


def left_open(options: Options) -> dict[str, str]:
    """What was chosen and cannot work as something else is empty: that option's name, and the sentence that asks for it."""
    return {needed: asks for name, chosen, needed, asks in _NEEDED if text(options, name) == chosen and not text(options, needed)}


# Of every recipe that is compared at night.
REPAIR = Setting("repair", "Mend at night what differs", kind="boolean", default=False, help="What a sync can mend; doubles are only told.")

ORDER_TO_INVOICE = (*WHICH_ORDERS, *INVOICE_LOOKS, *SETTLEMENT, *CLIENTS, REPAIR)

_CONFLICT = _choice(
    "conflict",
    "When it exists already",
    "shop",
    {"shop": "The shop's values win", "books": "Leave it as it is"},
)
WINNERS = {"newest": "The newer change wins", "books": "The books win", "shop": "The shop wins", "attention": "Ask me"}
# Which side wins, field by field; both flows of a pair should choose alike.
WINS_BY_FIELD = tuple(
    _choice(f"wins_{name}", f"{label}: which side wins", "", {"": "As chosen above", **WINNERS})
    for name, label in (
        ("name", "Name"),
        ("email", "E-mail"),
        ("phone", "Phone"),
        ("address", "Addresses"),
        ("tax_number", "Tax number"),
    )
)
CUSTOMER_TO_CLIENT = (
    _choice(
        "conflict",
        "When it exists already",
        "shop",
        {
            "shop": "The shop's values win",
            "books": "Leave it as it is",
            "newest": "The newer change wins",
            "attention": "Ask me when both sides changed",
        },
        "The last two need a flow of clients back to the shop as well.",
    ),
    *WINS_BY_FIELD,
    _SEVERAL_CLIENTS,
)
CLIENT_TO_CUSTOMER = (
    _choice("conflict", "When both sides differ", "newest", WINNERS),
    *WINS_BY_FIELD,
    _choice("new_customers", "A client that is no customer there", "create", {"create": "Make a customer", "skip": "Leave it alone"}),
    _choice(
        "guests",
        "A client that came from a guest's order",
        "skip",
        {"skip": "Stays a guest", "create": "Make a customer"},
        "Clients that Tillbridge itself wrote or found for an order.",
    ),
    _choice("several_customers", "Several customers with one e-mail", "attention", {"first": "Take the first", "attention": "Ask me"}),
)
PRODUCT_TO_ITEM = (_CONFLICT,)

INVOICE_TO_ORDER_MARK = (
    Setting(
        "mark_reference", "Number in the order's external reference", kind="boolean", default=True, help="Where another system may look."
    ),
    Setting("mark_note", "A private note with the number", kind="boolean", default=True),
    Setting("mark_status", "Status of a booked order", help="A status that the shop has; empty: the status stays."),
    Setting("mark_attribute", "Custom attribute for the number", help="The name of an order attribute that the shop has; empty: none."),
    Setting(
        "mark_shop_invoice",
        "Make an invoice in the shop as well",
        kind="boolean",
        default=False,
        help="Careful: shops take that for a payment. Leave it off unless you know that you want it.",
    ),
)

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

INVOICE_TO_COLLECTION = (
    _choice(
        "drafts",
        "Drafts in the books",
        "skip",
        {"skip": "Wait until they are sent", "draft": "Make a draft at the payment service"},
        first=True,
    ),
    Setting("send", "The payment service mails the invoice", kind="boolean", default=False, help="When it is finalized.", first=True),
    _choice(
        "edited",
        "An invoice changed after it was finalized",
        "reissue",
        {"reissue": "Void it and issue it anew", "attention": "Ask me"},
        "Once something was collected on it, you are always asked.",
    ),
    _choice(
        "elsewhere",
        "An invoice paid without the payment service",
        "settle",
        {"settle": "Mark it there as paid", "void": "Void it there"},
    ),
    _choice(
        "shop_invoices",
        "Invoices that came from a shop",
        "skip",
        {"skip": "Leave them to the shop", "collect": "Collect them"},
    ),
    Setting("start_date", "Invoices issued from", help="A date like 2026-07-31; earlier invoices are left alone."),
    Setting("skip_prefixes", "Numbers left out", help="What they begin with, separated by commas."),
    Setting("memo", "Notes become the memo", kind="boolean", default=True),
    Setting("rounding_bound", "Rounding bound", kind="number", default="0.05", help="At most this per invoice, in the currency's unit."),
    REPAIR,
)

COLLECTION_TO_PAYMENT = (
    _choice("policy", "What was collected", "record", {"record": "Record payments", "reconcile": "Only compare and tell me"}, first=True),
    _choice(
        "refunds",
        "Refunds and lost disputes",
        "reduce",
        {"reduce": "Lower the payment", "attention": "Ask me", "ignore": "Leave them out"},
    ),
    _choice("pending_refunds", "Refunds on their way", "wait", {"wait": "Wait until they succeed", "at_once": "Count them at once"}),
    _choice(
        "overpaid", "More than the invoice is worth", "attention", {"attention": "Ask me", "ignore": "Leave it at the payment service"}
    ),
    _choice(
        "unmatched",
        "Money without any matching invoice",
        "attention",
        {"attention": "Ask me", "ignore": "Leave it alone"},
        "Sales that the books have no invoice for.",
    ),
    _choice("fees", "Fees of the payment service", "none", {"none": "Leave out", "expense": "Book as expenses"}, first=True),
    Setting("fee_category", "Category of fees", default="Bank Fees", help="As the expense category is called in the books."),
    Setting("default_payment_type", "Payment type when not mapped", default="Credit Card"),
    Setting("pay_link", "Payment page in the invoice's notes", kind="boolean", default=False, help="The client sees it there."),
    _choice("test_money", "Money of a test account", "skip", {"skip": "Leave out", "book": "Record it"}, "No money moved."),
    Setting("start_date", "Collected from", help="A date like 2026-07-31; what was made earlier is left alone."),
    REPAIR,
)
