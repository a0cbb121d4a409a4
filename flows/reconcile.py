"""Comparing both sides after the fact: missing, double, amount, payment and status drift; reported, and repaired on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, Outcome
from audit.services import write
from connectors.canonical.identity import Window
from connectors.kit.errors import SyncError
from flows.comparisons import runs
from flows.comparisons.drifts import Drift, compare
from flows.comparisons.repairing import repair
from flows.leases import periodic
from flows.models import Comparison, Flow
from flows.pipeline.workbench import Workbench, calling, open_workbench
from flows.preview import refuse_writes
from flows.recipes import RECIPES
from flows.recipes.options import flag

NIGHTLY = timedelta(days=7)
NIGHT = "reconcile"  # who asks every night


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found, also when it found nothing."""

    flow: str
    since: str
    until: str
    compared: int
    drifts: tuple[Drift, ...]
    repaired: int = 0

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def reconcile(
    flow: Flow,
    since: datetime,
    until: datetime,
    *,
    repair: bool = False,
    asked_by: str = NIGHT,
    told: Callable[[int], None] = lambda _done: None,
) -> Report:
    """Compare now, in this process. Raises SyncError when a side does not answer."""
    comparison = runs.ask(flow, since, until, asked_by=asked_by, repair=repair)
    report = run_comparison(comparison, told)
    return report or _report(comparison, 0, [], 0)  # a person stopped it meanwhile


def run_comparison(comparison: Comparison, told: Callable[[int], None] = lambda _done: None) -> Report | None:
    """Read every object of the window at the source, plan it against the destination, and keep what the plan would change. None when
    somebody else is at it, or a person stopped it.
    """
    if not runs.take(comparison):
        return None
    try:
        return _run(comparison, told)
    except runs.Stopped:
        return None
    except SyncError as problem:
        runs.fail(comparison, problem.message)
        raise


def _run(comparison: Comparison, told: Callable[[int], None]) -> Report:
    flow, tally, drifts = comparison.flow, runs.Tally(), list[Drift]()
    bench = open_workbench(flow, refuse_writes)
    wanted = list(dict.fromkeys([*_listed(bench, Window(comparison.since, comparison.until)), *_carried_over(comparison)]))
    comparison.listed, looked = len(wanted), set[str]()
    runs.note(comparison, tally)
    for source_id in wanted:
        found = compare(bench, source_id, looked)
        bench.take_evidence()  # thousands of answers are not kept
        if found is not None:
            tally.add(found)
            drifts += [found.drift] if found.drift else []
            told(tally.compared)
        runs.note(comparison, tally, found)
    repaired = repair(comparison, comparison.differences.all(), comparison.asked_by) if comparison.repair else 0
    report = _report(comparison, tally.compared, drifts, repaired)
    with transaction.atomic():  # a crash in between would leave a finished one that nobody hears of
        runs.finish(comparison, tally, repaired)
        _write_down(flow, report, comparison)
    return report


def _report(comparison: Comparison, compared: int, drifts: list[Drift], repaired: int) -> Report:
    period = comparison.since.isoformat(), comparison.until.isoformat()
    return Report(comparison.flow.label, *period, compared, tuple(drifts), repaired)


def _listed(bench: Workbench, window: Window) -> Iterator[str]:
    reads = bench.source.connector.reads[bench.recipe.source]
    cursor: str | None = None
    while reads.page is not None:
        with calling(bench.source) as api:
            page = reads.page(api, window, cursor)
        yield from (notice.source_id for notice in page.notices)
        cursor = page.next
        if cursor is None:
            return


def _write_down(flow: Flow, report: Report, comparison: Comparison) -> None:
    kinds = Counter(kind for drift in report.drifts for kind in drift.kinds)
    sentence = f"{report.compared} compared, {len(report.drifts)} different"
    oldest = max((drift.age_days or 0 for drift in report.drifts), default=0)
    age = f", the oldest for {oldest} days" if oldest else ""
    write(
        actor=comparison.asked_by,
        action="reconcile",
        outcome=Outcome.ATTENTION if report.drifts else Outcome.DONE,
        flow_id=flow.pk,
        organization_id=flow.organization_id,
        message=f"{flow.label}: {sentence}.",
        evidence={"comparison": comparison.pk, "kinds": dict(kinds), "drifts": [asdict(d) for d in report.drifts[:200]]},
    )
    if report.drifts:
        told = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        open_alert(
            flow.organization_id,
            f"reconcile:{flow.pk}",
            f"{flow.label}: {sentence} ({told}{age}). Open the latest comparison under Reconciliation and repair.",
            Alert.Severity.WARNING,
        )
    else:
        close_alert(flow.organization_id, f"reconcile:{flow.pk}")


def _carried_over(comparison: Comparison) -> list[str]:
    """What differed last night is looked at again until it is mended, however long ago it changed."""
    if comparison.asked_by != NIGHT:
        return []
    nights = Comparison.objects.filter(flow_id=comparison.flow_id, asked_by=NIGHT, finished_at__isnull=False, problem="", stopped_by="")
    last = nights.exclude(pk=comparison.pk).order_by("-pk").first()
    return list(last.differences.order_by("pk").values_list("source_id", flat=True)) if last else []


def compare_last_days(flow: Flow) -> None:
    """The night's comparison of one flow; what stops it is an alert."""
    now = timezone.now()
    try:
        reconcile(flow, now - NIGHTLY, now, repair=flag(flow.options, "repair"))
    except SyncError as problem:  # one shop that does not answer keeps nobody else's books from being compared
        open_alert(
            flow.organization_id,
            f"reconcile:{flow.pk}",
            f"{flow.label} could not be compared last night: {problem.message}",
            Alert.Severity.WARNING,
        )


def proven_flows() -> list[Flow]:
    """The enabled flows whose recipe keeps a proof, and whose two sides are connected."""
    active = Flow.objects.filter(enabled=True, source__status="active", destination__status="active")
    return [flow for flow in active.select_related("source", "destination") if RECIPES[flow.recipe].tie_out]


def reconcile_all() -> None:
    """The nightly comparison of every enabled flow whose recipe keeps a proof."""
    with periodic("reconcile", 3000) as ours:
        for flow in proven_flows() if ours else ():
            compare_last_days(flow)
