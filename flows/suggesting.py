"""Which item of the books probably stands for a SKU, and why. Pure; suggestions are explained and never applied by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz

from connectors.canonical.catalogue import Product

LEAST_LIKE = 70  # of 100: what is less alike is no suggestion
AT_MOST = 8


@dataclass(frozen=True, slots=True)
class Suggestion:
    """confidence: of 100; 100 only for the same SKU. reason: as a person reads it."""

    item: Product
    confidence: int
    reason: str


def suggest(items: Iterable[Product], sku: str, name: str = "", chosen: Mapping[str, str] | None = None) -> list[Suggestion]:
    """The likeliest items first, each with its best reason. name: what the shop calls the product; chosen: by item id, the flow of the
    organization that uses the item for this SKU.
    """
    best = []
    for item in items:
        reasons = sorted(_reasons(item, sku, name, chosen or {}), reverse=True)
        if reasons:
            best.append(Suggestion(item, *reasons[0]))
    return sorted(best, key=lambda one: (-one.confidence, not one.item.active, one.item.name))[:AT_MOST]


def _reasons(item: Product, sku: str, name: str, chosen: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    if item.sku and item.sku.casefold() == sku.casefold():
        yield 100, "the same SKU"
    if item.id in chosen:
        yield 95, f"chosen for this SKU in {chosen[item.id]}"
    if name and item.name.casefold() == name.casefold():
        yield 90, "the same name"
    alike = fuzz.token_sort_ratio(item.name.casefold(), name.casefold()) if name else 0
    if alike >= LEAST_LIKE:
        yield round(alike * 0.85), "a similar name"
    alike = fuzz.ratio(item.sku.casefold(), sku.casefold()) if item.sku else 0
    if alike >= LEAST_LIKE:
        yield round(alike * 0.75), "a similar SKU"


def matching(items: Iterable[Product], text: str, at_most: int = 50) -> list[Product]:
    """Items with all words of the text in their name, SKU or number, by name."""
    words = text.casefold().split()
    found = [item for item in items if all(word in f"{item.name} {item.sku} {item.id}".casefold() for word in words)]
    return sorted(found, key=lambda item: item.name)[:at_most]
