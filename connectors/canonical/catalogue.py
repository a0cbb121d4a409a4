"""Things that are sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connectors.canonical.money import Money


@dataclass(frozen=True, slots=True)
class Product:
    """A sellable thing (a shop's product or variation, a ledger's item); sku is "" when it has none."""

    id: str
    sku: str
    name: str
    description: str = ""
    unit_price: Money | None = None
    active: bool = True
    updated_at: datetime | None = None
