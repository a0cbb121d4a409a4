"""The tie-out in sums: what the shops sold against what the books show, per flow and currency, for a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from connectors.canonical.money import Money
from flows.home.days import BOOKED
from flows.home.sums import summed
from flows.models import Flow, SyncRecord

_SUMS = ("total", "refunded", "invoiced", "captured", "paid")


@dataclass(frozen=True, slots=True)
class Balance:
    """Sums of the records that were brought up to date in the period. sold: less refunds; differing: records that do not tie out."""

    flow: Flow
    currency: str
    records: int
    sold: Money
    invoiced: Money
    captured: Money
    paid: Money
    differing: int

    @property
    def exact(self) -> bool:
        return self.sold == self.invoiced and not self.differing


def balances_of(flows: Sequence[Flow], since: datetime) -> list[Balance]:
    """One for each flow and currency, in the flows' order; one query."""
    by_id = {flow.pk: place for place, flow in enumerate(flows)}
    proven = SyncRecord.objects.filter(flow__in=list(by_id), outcome__in=BOOKED, updated_at__gte=since, exact__isnull=False)
    rows = proven.order_by().values("flow_id", "currency").annotate(
        records=Count("pk"), differing=Count("pk", filter=Q(exact=False)), **{f"sum_{name}": Sum(name) for name in _SUMS}
    )  # fmt: skip
    ordered = sorted(rows, key=lambda row: (by_id[row["flow_id"]], row["currency"]))
    return [_balance(flows[by_id[row["flow_id"]]], row) for row in ordered if row["currency"]]


def _balance(flow: Flow, row: Mapping[str, Any]) -> Balance:
    total, refunded, invoiced, captured, paid = (summed(row[f"sum_{name}"], row["currency"]) for name in _SUMS)
    return Balance(flow, row["currency"], row["records"], total - refunded, invoiced, captured, paid, row["differing"])
