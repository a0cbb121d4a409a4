"""What probably stands for a SKU or a value at the destination, and why. Pure; explained, and never applied by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rapidfuzz import fuzz

from connectors.canonical.catalogue import Product

LEAST_LIKE = 70  # of 100: what is less alike is no suggestion
AT_MOST = 8

# Ways to pay as shops call them, and what ledgers call the same.
USUAL = (
    ("bacs", "bank transfer"), ("bank", "bank transfer"), ("wire", "bank transfer"), ("cod", "cash"), ("cash", "cash"),
    ("cheque", "check"), ("check", "check"), ("money order", "check"), ("paypal", "paypal"), ("card", "credit card"), ("ach", "ach"),
)  # fmt: skip


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
    alike = fuzz.token_sort_ratio(item.name.casefold(), name.casefold(), score_cutoff=LEAST_LIKE) if name else 0
    if alike:
        yield round(alike * 0.85), "a similar name"
    alike = fuzz.ratio(item.sku.casefold(), sku.casefold(), score_cutoff=LEAST_LIKE) if item.sku else 0
    if alike:
        yield round(alike * 0.75), "a similar SKU"


def matching(items: Iterable[Product], text: str, at_most: int = 50) -> list[Product]:
    """Items with all words of the text in their name, SKU or number, by name."""
    words = text.casefold().split()
    found = [item for item in items if all(word in f"{item.name} {item.sku} {item.id}".casefold() for word in words)]
    return sorted(found, key=lambda item: item.name)[:at_most]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a value may be called at the destination: its name as it is kept, what people call it, and a tax's percentage."""

    name: str
    label: str = ""
    rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ValueSuggestion:
    """confidence: of 100; 100 only for the same name. reason: as a person reads it."""

    target: Target
    confidence: int
    reason: str


def suggest_values(
    targets: Iterable[Target], names: Sequence[str], rate: Decimal | None = None, chosen: Mapping[str, str] | None = None
) -> list[ValueSuggestion]:
    """The likeliest first, each with its best reason. names: all that the source calls the value; rate: a tax's percentage there;
    chosen: by target, the flow of the organization that uses it for this value.
    """
    best = []
    for target in targets:
        reasons = sorted(_value_reasons(target, [name.casefold() for name in names if name], rate, chosen or {}), reverse=True)
        if reasons:
            best.append(ValueSuggestion(target, *reasons[0]))
    return sorted(best, key=lambda one: (-one.confidence, one.target.name))[:AT_MOST]


def _value_reasons(target: Target, names: Sequence[str], rate: Decimal | None, chosen: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    known = {target.name.casefold(), target.label.casefold()} - {""}
    if known & set(names):
        yield 100, "the same name"
    if target.name in chosen:
        yield 95, f"chosen for this in {chosen[target.name]}"
    if rate is not None and target.rate == rate:
        yield 85, f"the same rate, {rate.normalize():f} %"
    if any(usual in known and word in name for word, usual in USUAL for name in names):
        yield 80, "usual for this way to pay"
    alike = max((fuzz.token_set_ratio(one, name, score_cutoff=LEAST_LIKE) for one in known for name in names), default=0)
    if alike:
        yield round(alike * 0.75), "a similar name"
