"""The fields of our canonical records as a person may choose them for a rule: "customer.billing.city", "lines[].name"."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

from connectors.canonical.catalogue import Product
from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.canonical.order import Order
from connectors.canonical.party import Customer

DEEPEST = 3  # steps from the record: order.customer.billing.city
RECORDS: dict[ObjectType, type] = {
    ObjectType.ORDER: Order,
    ObjectType.CUSTOMER: Customer,
    ObjectType.PRODUCT: Product,
}
_LEFT_OUT = ("refunds",)  # what nobody writes into a field, and would only lengthen the list


def fields_of(kind: ObjectType) -> frozenset[str]:
    """The names of the record's own fields."""
    return frozenset(field.name for field in dataclasses.fields(RECORDS[kind]))


@cache
def catalogue(kind: ObjectType) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The paths of a record in groups (the record itself, then one per part), in the order that the record has them."""
    groups: dict[str, list[str]] = {}
    for part, path in _paths(RECORDS[kind], "", DEEPEST):
        groups.setdefault(part or kind.value, []).append(path)
    return tuple((name, tuple(paths)) for name, paths in groups.items())


def all_paths(kind: ObjectType) -> frozenset[str]:
    """Every path of the catalogue."""
    return frozenset(path for _, paths in catalogue(kind) for path in paths)


def _paths(record: type, before: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each path with the part that it belongs to, as a person reads it ("customer, billing")."""
    hints, part = typing.get_type_hints(record), before.strip(".").replace("[]", "").replace(".", ", ")
    for field in dataclasses.fields(record):
        found, many = _inner(hints[field.name])
        path = f"{before}{field.name}{'[]' if many else ''}"
        if found is Money:
            yield part, f"{path}.amount"
        elif not dataclasses.is_dataclass(found):
            yield part, path
        elif depth > 1 and field.name not in _LEFT_OUT:
            yield from _paths(found, f"{path}.", depth - 1)


@cache
def sample(kind: ObjectType) -> Any:
    """A record with everything filled in, in plain JSON as rules see it: to try what could never work on any."""
    return _filled(RECORDS[kind])


def _filled(hint: Any) -> Any:
    found, many = _inner(hint)
    if many:
        return [_filled(found)]
    if dataclasses.is_dataclass(found):
        hints = typing.get_type_hints(found)
        return {field.name: _filled(hints[field.name]) for field in dataclasses.fields(found)}
    return found(1) if found in (bool, int) else "1"  # amounts and times are texts there


def _inner(hint: Any) -> tuple[type, bool]:
    """What a field holds, and whether it holds several."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is tuple:
        return _inner(typing.get_args(hint)[0])[0], True
    return hint, False
