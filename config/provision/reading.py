"""Strict reading of a provisioning file: each problem names its place ("connections[1].secrets.api_key") and unknown keys are refused."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn


class ProvisionError(Exception):
    """The file is wrong; the message names the key or the line."""


@dataclass(frozen=True)
class Table:
    """A TOML table and where it stands in the file."""

    path: str
    values: Mapping[str, Any]

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, problem: str) -> NoReturn:
        raise ProvisionError(f"{self.at(key)}: {problem}")

    def only(self, *known: str) -> None:
        """Refuse keys that are not known, with the nearest one as a suggestion."""
        for key in self.values:
            if key not in known:
                self.refuse(key, f"unknown key. {nearest(key, known)}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text; without a default it must be there and not be empty."""
        if key not in self.values and default is not None:
            return default
        value: str = self._of(key, str, "a text")
        if not value.strip() and default is None:
            self.refuse(key, "must not be empty")
        return value.strip()

    def flag(self, key: str, default: bool) -> bool:
        return self._of(key, bool, "true or false") if key in self.values else default

    def whole(self, key: str, default: int) -> int:
        """A whole number that is not negative."""
        value = self._of(key, int, "a whole number") if key in self.values else default
        if value < 0:
            self.refuse(key, "must not be negative")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty when it is not there."""
        values = self._of(key, list, "a list of texts") if key in self.values else []
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self.refuse(f"{key}[{index}]", f"expected a text, got {kind(value)}")
        return tuple(values)

    def table(self, key: str) -> Table:
        """A table, empty when it is not there."""
        return Table(self.at(key), self._of(key, dict, "a table") if key in self.values else {})

    def tables(self, key: str) -> tuple[Table, ...]:
        """A list of tables ([[key]]), empty when it is not there; numbered from 1, as people count."""
        values = self._of(key, list, f"a list of tables, written [[{self.at(key)}]]") if key in self.values else []
        for index, value in enumerate(values, 1):
            if not isinstance(value, dict):
                self.refuse(f"{key}[{index}]", f"expected a table, got {kind(value)}")
        return tuple(Table(self.at(f"{key}[{index}]"), value) for index, value in enumerate(values, 1))

    def all_texts(self) -> dict[str, str]:
        """Every key of the table as text."""
        return {key: self.text(key, None) for key in self.values}

    def _of(self, key: str, wanted: type, words: str) -> Any:
        if key not in self.values:
            self.refuse(key, "is missing")
        value = self.values[key]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            self.refuse(key, f"expected {words}, got {kind(value)}")
        return value


def kind(value: Any) -> str:
    """What a TOML value is, in words. The value itself is not told: it may be a secret."""
    names: dict[type, str] = {bool: "true or false", int: "a number", str: "a text", list: "a list", dict: "a table"}
    return next((name for known, name in names.items() if isinstance(value, known)), f"a {type(value).__name__}")


def nearest(word: str, known: Collection[str]) -> str:
    """ "Did you mean label?", or the list of what is known."""
    close = difflib.get_close_matches(word, known, 1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known)) or 'none'}."


def resolve(table: Table, key: str, environ: Mapping[str, str]) -> str:
    """A secret: as it stands, or "env:NAME" from the environment."""
    value = table.text(key)
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if not environ.get(name):
        table.refuse(key, f"the environment has no {name}")
    return environ[name]


def unique(tables: Collection[Table], key_of: Callable[[Table], tuple[str, ...]], what: str) -> None:
    """Refuse a second entry for the same thing."""
    seen: dict[tuple[str, ...], str] = {}
    for table in tables:
        key = key_of(table)
        if key in seen:
            raise ProvisionError(f"{table.path}: {what} {' / '.join(key)!r} is already described by {seen[key]}")
        seen[key] = table.path
