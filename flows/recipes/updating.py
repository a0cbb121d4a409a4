"""What an update may do with a field that an operator's rule fills: write it, fill it only where it is empty, or leave it to the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from connectors.canonical.party import Customer
from flows.recipes.contract import FieldRule

T = TypeVar("T")

OVERWRITE, EMPTY, NEW = "overwrite", "empty", "new"
MODES: Mapping[str, str] = {
    OVERWRITE: "Overwrite: the books follow the source",
    EMPTY: "Only if empty: what stands in the books stays",
    NEW: "Only when new: written once, then it belongs to the books",
}
Kept = tuple[tuple[str, str], ...]


def kept_by(group: str, rules: Sequence[FieldRule]) -> Kept:
    """The fields of the group that an update does not simply overwrite, with their modes."""
    places = ((rule.target.partition("."), rule.mode) for rule in rules if rule.mode in (EMPTY, NEW))
    return tuple((name, mode) for (head, _, name), mode in places if head == group)


def keeping(wanted: T, now: T | None, kept: Kept) -> T:
    """What to write over `now`: the wanted value, with what stands there in the fields that are to stay."""
    if now is None or not kept:
        return wanted
    stays: dict[str, Any] = {name: there for name, mode in kept if (there := getattr(now, name)) or mode == NEW}
    if isinstance(wanted, Customer) and "phone" in stays:  # some books know one number only, and take it from the address
        stays["billing"] = replace(wanted.billing, phone=stays["phone"])
    return replace(wanted, **stays)  # type: ignore[type-var]


def without(value: T, kept: Kept, *modes: str) -> T:
    """The value without the fields of these modes: what a hash covers that shall not call for an update because of them."""
    blank: dict[str, Any] = {name: "" for name, mode in kept if mode in modes}
    return replace(value, **blank) if blank else value  # type: ignore[type-var]


def fills(wanted: Any, now: Any, kept: Kept) -> bool:
    """Whether something that is empty there would be filled."""
    return any(mode == EMPTY and not str(getattr(now, name)).strip() and str(getattr(wanted, name)).strip() for name, mode in kept)
