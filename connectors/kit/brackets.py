"""Nested parameters in form bodies and queries, with brackets: {"a": {"b": [{"c": 1}]}} is a[b][0][c]=1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEEPEST = 10


def to_brackets(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs of a nested mapping: lists with their indexes, booleans as true and false; None and empty lists are left out.

    Floats are refused (no amount is one), and so are names with brackets, which would say something else.
    """
    return [pair for name, value in fields.items() for pair in _pairs(_name(name), value)]


def _name(name: str) -> str:
    if not name or "[" in name or "]" in name:
        raise ValueError(f"a parameter's name has no brackets: {name!r}")
    return name


def _pairs(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _pairs(f"{prefix}[{_name(name)}]", part)
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            yield from _pairs(f"{prefix}[{index}]", part)
    elif isinstance(value, bool):
        yield prefix, "true" if value else "false"
    elif isinstance(value, float):
        raise TypeError(f"{prefix} is a float")
    elif value is not None:
        yield prefix, str(value)


def from_brackets(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The nested mapping of pairs; a[0], a[1] and a[] make lists. ValueError for pairs that contradict each other."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        match = _KEY.fullmatch(name)
        if not match:
            raise ValueError(f"not a parameter: {name!r}")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        if len(path) > _DEEPEST:
            raise ValueError(f"nested too deeply: {name!r}")
        _put(found, path, value)
    return {name: _lists(value) for name, value in found.items()}


def _put(place: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        inner = place.setdefault(step or str(len(place)), {})
        if not isinstance(inner, dict):
            raise ValueError(f"{step!r} is a value and a group")
        place = inner
    name = path[-1] or str(len(place))
    if isinstance(place.get(name), dict):
        raise ValueError(f"{name!r} is a value and a group")
    place[name] = value


def _lists(value: Any) -> Any:
    """Groups whose names count from 0 on are lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(part) for name, part in value.items()}
    if inner and all(name.isascii() and name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
