"""Typed reads from untrusted JSON. Every error names the path: "order.line_items[2].total: expected decimal, got null"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.canonical.money import Money
from connectors.kit.errors import Rejected

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_EARLIEST, _LATEST = 1900, 9000


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def parse_json(body: bytes, path: str) -> Tame:
    """The body as JSON; numbers with a point become Decimal, never float. Anything malformed raises Rejected."""
    try:
        value = json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Rejected(f"{path}: not valid JSON ({error})", code="not_json") from error
    return Tame(value, path)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True, slots=True)
class Tame:
    """A JSON value and the path to it. Reading a missing or wrong thing raises Rejected with that path."""

    value: Any
    path: str

    def fail(self, expected: str) -> Rejected:
        return Rejected(f"{self.path}: expected {expected}, got {_kind(self.value)}", code="malformed")

    def __getitem__(self, key: str) -> Tame:
        """The field; it must exist (it may be null)."""
        mapping = self.mapping()
        if key not in mapping:
            raise Rejected(f"{self.path}.{key}: missing", code="malformed")
        return Tame(mapping[key], f"{self.path}.{key}")

    def get(self, key: str) -> Tame:
        """The field, or null when it is missing."""
        return Tame(self.mapping().get(key), f"{self.path}.{key}")

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, Mapping) and key in self.value

    @property
    def is_null(self) -> bool:
        return self.value is None

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self.value, Mapping):
            raise self.fail("object")
        return self.value

    def items(self) -> Iterator[Tame]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            raise self.fail("list")
        for index, value in enumerate(self.value):
            yield Tame(value, f"{self.path}[{index}]")

    def items_or_none(self) -> Iterator[Tame]:
        """The elements of a list; null counts as empty."""
        return iter(()) if self.value is None else self.items()

    def text(self) -> str:
        """Text without what no database stores: NUL and halves of surrogate pairs, both of which JSON can name."""
        if not isinstance(self.value, str):
            raise self.fail("text")
        return _UNSTORABLE.sub("", self.value)

    def text_or(self, default: str = "") -> str:
        """Text, or the default for null."""
        return default if self.value is None else self.text()

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.fail("true or false")
        return self.value

    def integer(self) -> int:
        """A whole number, also when it comes as text."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str) and _WHOLE.fullmatch(self.value.strip()):
            return int(self.value)
        raise self.fail("whole number")

    def identifier(self) -> str:
        """An id as text, from text or a whole number; 0, "" and null give ""."""
        if self.value is None or self.value == "" or self.value == 0:
            return ""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, str)):
            raise self.fail("identifier")
        found = str(self.value)
        if _UNSTORABLE.search(found):  # cut away it would name something else
            raise self.fail("identifier")
        return found

    def known_identifier(self) -> str:
        """An id that has to be there."""
        found = self.identifier()
        if not found:
            raise self.fail("identifier")
        return found

    def decimal(self) -> Decimal:
        """A decimal from text or an exact number; floats never get here (parse_json makes Decimals)."""
        if isinstance(self.value, bool) or not isinstance(self.value, (str, int, Decimal)):
            raise self.fail("decimal")
        try:
            number = Decimal(self.value.strip() if isinstance(self.value, str) else self.value)
        except InvalidOperation:
            raise self.fail("decimal") from None
        if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
            raise self.fail("decimal of a sane size")
        return number

    def decimal_or(self, default: Decimal) -> Decimal:
        """A decimal, or the default for null and empty text."""
        return default if self.value is None or self.value == "" else self.decimal()

    def money(self, currency: str) -> Money:
        return Money(self.decimal(), currency)

    def currency(self) -> str:
        """An ISO 4217 code, upper case."""
        code = self.text()
        if len(code) != 3 or not code.isascii() or not code.isalpha():
            raise self.fail("currency code")
        return code.upper()

    def time(self, zone: tzinfo = UTC) -> datetime:
        """An ISO 8601 time as aware UTC; a time without offset is in the given zone."""
        try:
            moment = datetime.fromisoformat(self.text())
        except ValueError:
            raise self.fail("time") from None
        if not _EARLIEST <= moment.year <= _LATEST:  # so far from the ends that every time zone and window can be computed
            raise self.fail("time of a sane size")
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)

    def time_or_none(self, zone: tzinfo = UTC) -> datetime | None:
        return None if self.value is None or self.value == "" else self.time(zone)

    def day(self) -> date:
        try:
            return date.fromisoformat(self.text())
        except ValueError:
            raise self.fail("date") from None
