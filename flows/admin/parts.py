"""What several pages of flows share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import wraps
from typing import Any

from django.contrib.admin import SimpleListFilter

from audit.console.buttons import Said
from audit.console.filters import one_of
from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.kit.account import Account
from connectors.kit.errors import SyncError
from credentials.accounts import account_with, connector_of
from credentials.console import scoped_filter
from credentials.models import Connection
from flows.models import Flow, SyncRecord
from flows.recipes import RECIPES

_TYPES = frozenset(kind.value for kind in ObjectType)
Press = Callable[..., Said]


def told(press: Press) -> Press:
    """A button whose refusal is a sentence, not an error page."""

    @wraps(press)
    def pressed(row: Any, person: str, *reason: str) -> Said:
        try:
            return press(row, person, *reason)
        except SyncError as problem:
            return Said(problem.message, ok=False)

    return pressed


def flow_filter(field: str = "flow") -> type[SimpleListFilter]:
    """By flow."""
    return scoped_filter(field, Flow, "flow")


def type_filter(kinds: Iterable[ObjectType]) -> type[SimpleListFilter]:
    """By object type."""
    return one_of("object_type", "type", tuple((kind.value, kind.value.replace("_", " ")) for kind in kinds))


# Why a job was made, in words.
TRIGGERS = {
    "webhook": "a webhook", "poll": "a regular look", "backfill": "a period read again", "person": "a person", "mapping": "a mapping",
    "reconcile": "reconciliation", "overtaken": "a write that came late",
}  # fmt: skip
SOURCE_TYPES = tuple(dict.fromkeys(recipe.source for recipe in RECIPES.values()))


def shown_amount(amount: Decimal | None, currency: str) -> str:
    """With the currency's own decimals."""
    if amount is None:
        return "-"
    return str(Money(amount, currency)) if currency else f"{amount:f}"


def proof_of(record: SyncRecord) -> dict[str, Any]:
    """The amounts of a record as its tie-out table shows them."""
    names = ("total", "refunded", "invoiced", "captured", "paid")
    return {"exact": record.exact, **{name: shown_amount(getattr(record, name), record.currency) for name in names}}


def shown_account(connection: Connection) -> Account:
    """The account without its secrets: enough to make links, and no query."""
    return account_with(connection, {})


def web_address(connection: Connection | None, object_type: str, object_id: str) -> str:
    """Where a person sees the object on its platform; "" where there is no page."""
    if connection is None or not object_id or object_type not in _TYPES:
        return ""
    return connector_of(connection).link(shown_account(connection), ObjectType(object_type), object_id)
