"""What a comparison found, for people: in words, in sums, and each difference with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Max

from connectors.canonical.money import Money, exponent
from flows.comparisons.drifts import BY_A_PERSON
from flows.comparisons.repairing import is_mendable
from flows.jobs.telling import STUCK
from flows.models import Comparison, Difference, SyncJob, SyncRecord
from flows.recipes import RECIPES

KINDS = {
    "missing": "missing in the books",
    "double": "in the books twice",
    "amount": "amount differs",
    "payment": "payment differs",
    "status": "status differs",
    "fee": "fee missing",
    "note": "note missing",
    "extra": "should not be in the books",
    "attention": "a person decides",
    "unreadable": "could not be read",
}


def kind_in_words(kind: str) -> str:
    """As a bookkeeper says it."""
    return KINDS.get(kind, kind)


def kinds_in_words(row: Difference) -> str:
    """All that differs in the record."""
    return ", ".join(kind_in_words(kind) for kind in row.each_kind)


def in_words(comparison: Comparison) -> str:
    """The result in one sentence."""
    if comparison.finished_at is None:
        return "Still under way."
    if comparison.problem:
        return f"It could not be finished: {comparison.problem}"
    if comparison.stopped_by:
        return f"Stopped by {comparison.stopped_by} after {comparison.compared} of {comparison.listed}."
    if not comparison.kinds:
        return f"{comparison.compared} compared, all exact."
    told = ", ".join(f"{number} {kind_in_words(kind)}" for kind, number in sorted(comparison.kinds.items()))
    return f"{comparison.compared} compared, {comparison.differing} differ{'s' if comparison.differing == 1 else ''}: {told}."


@dataclass(frozen=True, slots=True)
class Sums:
    """What all compared records of one currency come to on both sides."""

    currency: str
    records: int
    sold: Money
    invoiced: Money
    captured: Money
    paid: Money

    @property
    def difference(self) -> Money:
        return self.invoiced - self.sold

    @property
    def payments_difference(self) -> Money:
        return self.paid - self.captured

    @property
    def exact(self) -> bool:
        return not self.difference.amount and not self.payments_difference.amount


def sums_of(comparison: Comparison) -> list[Sums]:
    """One for each currency."""
    return [
        Sums(row["currency"], int(Decimal(row["records"])), *(_money(Decimal(row[name]), row["currency"]) for name in _AMOUNTS))
        for row in comparison.sums
    ]


_AMOUNTS = ("sold", "invoiced", "captured", "paid")


def _money(amount: Decimal, currency: str) -> Money:
    """With as many decimals as the currency has, unless more are there."""
    rounded = Money(amount, currency).rounded()
    return rounded if rounded.amount == amount else Money(amount, currency)


@dataclass(frozen=True, slots=True)
class Shown:
    """A difference with what became of it. state: open, queued, exact, done, stuck; reason: why it is stuck; amounts as texts, of what
    stands now where a repair brought it there. by_a_person: some of it no sync mends; again: repairing it means trying once more.
    """

    row: Difference
    kind: str
    state: str
    sold: str
    invoiced: str
    captured: str
    paid: str
    reason: str = ""
    job_id: int | None = None
    record_id: int | None = None
    mendable: bool = True
    by_a_person: bool = False
    again: bool = False


def shown(comparison: Comparison, rows: Sequence[Difference]) -> list[Shown]:
    """Two queries for what became of them, however many there are."""
    kind, ids = RECIPES[comparison.flow.recipe].source.value, [row.source_id for row in rows]
    same = {"flow": comparison.flow_id, "object_type": kind, "source_id__in": ids}
    records = {record.source_id: record for record in SyncRecord.objects.filter(**same)}
    newest = SyncJob.objects.filter(**same).order_by().values("source_id").annotate(newest=Max("id")).values("newest")
    jobs = {job.source_id: job for job in SyncJob.objects.filter(pk__in=newest)}
    return [_shown(row, records.get(row.source_id), jobs.get(row.source_id)) for row in rows]


def _shown(row: Difference, record: SyncRecord | None, job: SyncJob | None) -> Shown:
    state, reason = _state(row, record, job)
    now = record if state == "exact" and record is not None else row
    sold = (record.total or Decimal(0)) - (record.refunded or Decimal(0)) if record is not None and now is record else row.sold
    return Shown(
        row,
        kinds_in_words(row),
        state,
        _text(sold, now.currency),
        _text(now.invoiced, now.currency),
        _text(now.captured, now.currency),
        _text(now.paid, now.currency),
        reason,
        job.pk if job else None,
        record.pk if record else None,
        state in ("open", "stuck") and is_mendable(row),
        any(kind in BY_A_PERSON for kind in row.each_kind),
        state == "stuck" or not {"attention", "unreadable"}.isdisjoint(row.each_kind),
    )


def _text(amount: Decimal | None, currency: str) -> str:
    return "-" if amount is None or len(currency) != 3 else str(_money(amount, currency))


def _state(row: Difference, record: SyncRecord | None, job: SyncJob | None) -> tuple[str, str]:
    """What the repair that was asked for has come to."""
    if row.repair_asked_at is None:
        return "open", ""
    if job is None or job.state in (SyncJob.State.WAITING, SyncJob.State.RUNNING):
        return "queued", job.reason if job else ""
    if job.state in STUCK:
        return "stuck", job.reason
    if record is not None and record.exact and record.job_id == job.pk:
        return "exact", ""
    return "done", job.reason


def decimals(amount: Decimal | None, currency: str) -> Decimal | None:
    """An amount for a sheet: a number with the currency's own decimals."""
    if amount is None or len(currency) != 3:
        return amount
    exact = amount.quantize(Decimal(1).scaleb(-exponent(currency)))
    return exact if exact == amount else amount
