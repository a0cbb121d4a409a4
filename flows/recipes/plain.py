"""Canonical values as plain JSON: for hashing what we write and for the expressions of field mappings; and short names."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

LONGEST_KEY = 200


def to_plain(value: Any) -> Any:
    """Dataclasses become objects, Decimals text without trailing zeros, times ISO text; never a float."""
    kind: Any = type(value)
    if kind is str or value is None:  # most of what there is
        return value
    if (names := _fields(kind)) is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): to_plain(part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(part) for part in value]
    return _scalar(value)


@lru_cache
def _fields(kind: type) -> tuple[str, ...] | None:
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def _scalar(value: Any) -> Any:
    if isinstance(value, Decimal):
        return "0" if not value else format(value.normalize(), "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value


def digest(*values: Any) -> str:
    """A stable hash (40 hex digits) of values; equal amounts hash equally however many zeros they carry."""
    text = json.dumps(to_plain(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def link_key(kind: str, name: str) -> str:
    """The key of a link by a natural name ("sku:MUG-XL"); what is too long for a key ends in its digest."""
    key = f"{kind}:{name}"
    return key if len(key) <= LONGEST_KEY else f"{key[:120]}#{digest(name)}"


def short_name(source_key: str) -> str:
    """A few letters and digits for markers and numbers, the same for one connection for ever."""
    kept = "".join(letter for letter in source_key if letter.isascii() and letter.isalnum())
    return kept if len(kept) <= 12 else kept[:6]
