"""The values that records carry and a mapping may name: taxes, ways to pay, charges and categories. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from connectors.canonical.collection import Collection
from connectors.canonical.order import Order
from flows.models.mapping import ValueMapping
from flows.recipes.contract import Mappings
from flows.recipes.settlement import receipts

TAX, GATEWAY, STATUS, ACCOUNT = (str(kind) for kind in ValueMapping.Kind.values)


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as the source names it. source: by what a mapping is looked up first; names: all that would find one, and what people
    read; rate: a tax's percentage; records: how many of those looked at carry it.
    """

    kind: str
    source: str
    names: tuple[str, ...]
    rate: Decimal | None = None
    records: int = 1

    @property
    def also(self) -> tuple[str, ...]:
        """What else it is called."""
        return tuple(name for name in self.names if name != self.source)


def seen_in(records: Iterable[Any], kinds: Iterable[str]) -> list[Seen]:
    """Every value of these kinds, once, the most frequent first."""
    found: dict[tuple[str, str], Seen] = {}
    for record in records:
        for one in dict.fromkeys(_values(record)):
            if one.kind in kinds and one.source:
                known = found.get((one.kind, one.source))
                found[one.kind, one.source] = replace(known, records=known.records + 1) if known else one
    return sorted(found.values(), key=lambda one: (one.kind, -one.records, one.source))


def unmapped_among(seen: Iterable[Seen], mappings: Mappings) -> list[Seen]:
    """Those that no mapping names in any of their ways."""
    return [one for one in seen if mappings.value(one.kind, one.source, *one.names) is None]


def _values(record: Any) -> Iterator[Seen]:
    if isinstance(record, Order):
        yield from _of_order(record)
    if isinstance(record, Collection):
        for payment in record.payments:
            yield Seen(GATEWAY, payment.method, (payment.method,))


def _of_order(order: Order) -> Iterator[Seen]:
    taxes = [tax for line in order.lines for tax in line.taxes] + [tax for charge in order.charges for tax in charge.taxes]
    for tax in taxes:
        if tax.amount:
            yield Seen(TAX, tax.code or tax.name, _told(tax.code, tax.name, tax.category), tax.rate)
    for receipt in receipts(order):
        tender = receipt.id.startswith("tender-")
        yield Seen(GATEWAY, receipt.gateway, _told(receipt.gateway, "" if tender else order.payment_method_title))
    for charge in order.charges:
        yield Seen(ACCOUNT, charge.name or charge.kind.value, _told(charge.code, charge.name, charge.kind.value))
    for line in order.lines:
        for category in line.categories:
            yield Seen(ACCOUNT, category, (category,))


def _told(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
