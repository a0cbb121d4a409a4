"""Reads the fields of a request body as FreshBooks does; what does not fit is refused with its errno."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.canonical.money import exponent

Row = dict[str, Any]
LONG = 65000


class Refusal(Exception):
    """An error answer. The object's name is filled in by whoever knows which resource it is."""

    def __init__(self, status: int, errno: int, message: str, *, field: str = "", value: Any = "", thing: str = "") -> None:
        super().__init__(message)
        self.status, self.errno, self.message = status, errno, message
        self.field, self.value, self.thing = field, "" if value is None else str(value)[:200], thing


def required(field: str) -> Refusal:
    """errno 1001, worded as the live API does."""
    return Refusal(422, 1001, f"'{field}' is a required field.", field=field)


def invalid(field: str, message: str, value: Any = "", errno: int = 1004) -> Refusal:
    return Refusal(422, errno, message, field=field, value=value)


def text(field: str, value: Any, limit: int = LONG) -> str:
    """Text, also from a number; null counts as empty."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise invalid(field, f"The field '{field}' must be a string.", value, 1006)
    if len(str(value)) > limit:
        raise invalid(field, f"The field '{field}' is longer than {limit} characters.", "", 1017)
    return str(value)


def flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool) and value not in (0, 1):
        raise invalid(field, f"The field '{field}' must be a boolean.", value, 1031)
    return bool(value)


def whole(field: str, value: Any) -> int:
    """A whole number, also as text of digits."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 16:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**15:
        raise invalid(field, f"The field '{field}' must be a number.", value, 1015)
    return value


def number(field: str, value: Any) -> Decimal:
    """A decimal of a sane size, from text or a number."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise InvalidOperation
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise invalid(field, f"The field '{field}' must be a number.", value, 1015) from None
    if not found.is_finite() or abs(found) >= Decimal(10) ** 12 or int(found.as_tuple().exponent) < -12:
        raise invalid(field, f"The field '{field}' is out of range.", value)
    return found


def percent(field: str, value: Any, places: int) -> Decimal:
    """A percentage between 0 and 100; finer than `places` decimals is refused."""
    found = number(field, value)
    if not 0 <= found <= 100 or found != round(found, places):
        raise invalid(field, f"The field '{field}' must be a percentage with at most {places} decimals.", value, 1018)
    return found


def day(field: str, value: Any) -> str:
    """A calendar day as YYYY-MM-DD."""
    try:
        if not isinstance(value, str) or len(value) != 10:
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise invalid(field, f"The field '{field}' must be a date (YYYY-MM-DD).", value, 1033) from None


def currency(field: str, value: Any) -> str:
    """An ISO 4217 code."""
    code = text(field, value)
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise invalid(field, f"The field '{field}' must be a currency code.", value)
    return code.upper()


def amount(field: str, value: Any, code: str) -> Decimal:
    """The amount of a money object; its code may be left out, but not differ from `code`."""
    if not isinstance(value, Mapping):
        raise invalid(field, f"The field '{field}' must be an object with amount and code.", value, 1006)
    if value.get("amount") in (None, ""):
        raise required(field)
    if value.get("code") not in (None, "", code):
        raise invalid(field, f"The currency of '{field}' must be {code}.", value.get("code"))
    return number(field, value["amount"])


def money(value: Decimal, code: str) -> Row:
    """A money object as answered: at least the currency's decimals, more where the amount is finer."""
    places = max(exponent(code), -int(value.normalize().as_tuple().exponent))
    return {"amount": f"{value:.{places}f}", "code": code}


def plain(value: Decimal) -> str:
    """A number without trailing zeros: "2", "2.5"."""
    return format(value.normalize(), "f")


def visibility(value: Any) -> int:
    """vis_state: 0 active, 1 deleted, 2 archived."""
    state = whole("vis_state", value)
    if state not in (0, 1, 2):
        raise invalid("vis_state", "vis_state must be 0, 1 or 2.", value)
    return state
