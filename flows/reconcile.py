"""Comparing both sides after the fact: missing, double, amount drift, payment drift; reported, and repaired on request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert, AuditRecord, Outcome
from audit.services import write
from connectors.canonical.identity import ObjectType, Window
from connectors.canonical.ledger import Invoice
from connectors.kit.errors import SyncError
from flows.jobs.queue import Wanted, enqueue
from flows.leases import periodic
from flows.models import ExternalLink, Flow
from flows.models.job import Priority
from flows.pipeline.workbench import Workbench, calling, open_workbench
from flows.preview import VANISHED, Preview, preview_whole, refuse_writes
from flows.recipes import RECIPES
from flows.recipes.contract import Change
from flows.recipes.options import flag

NIGHTLY = timedelta(days=7)
NIGHT = "reconcile"  # who asks every night


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. kind: missing, double, amount, payment, fee, note, extra, attention, unreadable.

    age_days: since the source last changed.
    """

    kind: str
    source_id: str
    number: str
    sentence: str
    age_days: int | None = None


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
    also: Iterable[str] = (),
    told: Callable[[int], None] = lambda _done: None,
) -> Report:
    """Read every object of the window at the source, plan it against the destination, and report what the plan would change.

    also: ids to look at whenever they changed.
    """
    bench = open_workbench(flow, refuse_writes)
    looked: set[str] = set()
    compared, drifts = 0, []
    for source_id in chain(_listed(bench, Window(since, until)), also):
        found = _compare(bench, source_id, looked)
        bench.take_evidence()  # thousands of answers are not kept
        if found is not None:
            compared += 1
            drifts += found
            told(compared)
    repaired = _repair(flow, drifts, asked_by) if repair else 0
    report = Report(flow.label, since.isoformat(), until.isoformat(), compared, tuple(drifts), repaired)
    _write_down(flow, report, asked_by)
    return report


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


def _compare(bench: Workbench, source_id: str, looked: set[str]) -> list[Drift] | None:
    """What differs; None for what was looked at already, itself or the whole that it is part of."""
    try:
        found = preview_whole(bench, source_id, looked)
        if found is None:
            return None
        source_id, seen = found
        age = None if seen.changed_at is None else max(0, (timezone.now() - seen.changed_at).days)
        drifts = [_drift(source_id, seen, change) for change in seen.plan.changes if _kind(change)]
        if seen.sentence.startswith("Stopped") and seen.code != VANISHED:
            drifts.append(Drift("attention", source_id, seen.number, seen.sentence))
        if (seen.sentence.startswith("Nothing to do: ") and seen.code) or seen.code == VANISHED:
            drifts += _extra(bench, source_id, seen)
        return [replace(drift, age_days=age) for drift in _strongest(drifts) + _doubles(bench, source_id, seen)]
    except SyncError as problem:
        return [Drift("unreadable", source_id, source_id, problem.message)]


_KINDS = {
    ("create", ObjectType.INVOICE): "missing",
    ("update", ObjectType.INVOICE): "amount",
    ("act", ObjectType.INVOICE): "amount",
    ("create", ObjectType.PAYMENT): "payment",
    ("adopt", ObjectType.PAYMENT): "payment",
    ("update", ObjectType.PAYMENT): "payment",
    ("act", ObjectType.PAYMENT): "payment",
    ("create", ObjectType.CREDIT): "amount",
    ("create", ObjectType.EXPENSE): "fee",
    ("create", ObjectType.INVOICE_NOTE): "note",
}


def _kind(change: Change) -> str:
    """ "" for what calls nobody."""
    if change.verb == "remember":
        return ""
    return _KINDS.get((change.verb, change.object_type), "missing" if change.verb == "create" else "amount")


def _drift(source_id: str, seen: Preview, change: Change) -> Drift:
    return Drift(_kind(change), source_id, seen.number, change.title)


def _strongest(drifts: list[Drift]) -> list[Drift]:
    """A missing invoice also lacks its payments: one line says it. Else one line for each kind."""
    missing = [drift for drift in drifts if drift.kind == "missing"]
    kinds = {drift.kind: drift for drift in drifts}
    told = {kind: "; ".join(drift.sentence for drift in drifts if drift.kind == kind) for kind in kinds}
    return missing[-1:] or [replace(drift, sentence=told[kind]) for kind, drift in kinds.items()]


def _extra(bench: Workbench, source_id: str, seen: Preview) -> list[Drift]:
    posted = ExternalLink.objects.filter(
        destination=bench.flow.destination,
        scope=bench.scope,
        key=source_id,
        object_type=ObjectType.INVOICE.value,
        state=ExternalLink.State.CONFIRMED,
        void=False,
    )
    return [Drift("extra", source_id, seen.number, f"It is in the books, though: {seen.sentence}")] if posted.exists() else []


def _doubles(bench: Workbench, source_id: str, seen: Preview) -> list[Drift]:
    """More than one invoice that carries this order's marker."""
    writes = bench.destination.connector.writes.get(ObjectType.INVOICE)
    link = ExternalLink.objects.filter(
        destination=bench.flow.destination,
        scope=bench.scope,
        object_type=ObjectType.INVOICE.value,
        key=source_id,
        state=ExternalLink.State.CONFIRMED,
        void=False,
    ).first()
    if writes is None or link is None or writes.get is None:
        return []
    with calling(bench.destination) as api:
        ours = writes.get(api, link.remote_id)
        if not isinstance(ours, Invoice):
            return []
        twins = [found for found in writes.find(api, ours) if found.id != ours.id and writes.owns(found, ours)]
    return [Drift("double", source_id, seen.number, f"{len(twins) + 1} invoices carry this number.")] if twins else []


def _repair(flow: Flow, drifts: list[Drift], asked_by: str) -> int:
    """Queue what a sync can mend; doubles and extras are a person's decision."""
    kind = open_workbench(flow, refuse_writes).recipe.source
    mendable = {drift.source_id for drift in drifts if drift.kind not in ("double", "extra")}
    return enqueue(
        [Wanted(flow.pk, kind, source_id, Priority.PERSON, "reconcile", None, asked_by, force=True) for source_id in mendable],
        timezone.now(),
    )


def _write_down(flow: Flow, report: Report, asked_by: str) -> None:
    kinds = {kind: sum(d.kind == kind for d in report.drifts) for kind in {d.kind for d in report.drifts}}
    sentence = f"{report.compared} compared, {len(report.drifts)} different"
    oldest = max((drift.age_days or 0 for drift in report.drifts), default=0)
    age = f", the oldest for {oldest} days" if oldest else ""
    write(
        actor=asked_by,
        action="reconcile",
        outcome=Outcome.ATTENTION if report.drifts else Outcome.DONE,
        flow_id=flow.pk,
        organization_id=flow.organization_id,
        message=f"{flow.label}: {sentence}.",
        evidence={"kinds": kinds, "drifts": [asdict(d) for d in report.drifts[:200]]},
    )
    if report.drifts:
        open_alert(
            flow.organization_id,
            f"reconcile:{flow.pk}",
            f"{flow.label}: {sentence} ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}{age}). Open the "
            "reconciliation in the audit and repair.",
            Alert.Severity.WARNING,
        )
    else:
        close_alert(flow.organization_id, f"reconcile:{flow.pk}")


def _still_open(flow: Flow) -> list[str]:
    """What differed last night is looked at again until it is mended, however long ago it changed."""
    last = AuditRecord.objects.filter(flow_id=flow.pk, action="reconcile", actor=NIGHT).order_by("-pk").first()
    return [drift["source_id"] for drift in last.evidence.get("drifts", ())] if last else []


def reconcile_all() -> None:
    """The nightly comparison of every enabled flow whose recipe keeps a proof."""
    with periodic("reconcile", 3000) as ours:
        if not ours:
            return
        now = timezone.now()
        for flow in Flow.objects.filter(enabled=True, source__status="active", destination__status="active").select_related(
            "source", "destination"
        ):
            if not RECIPES[flow.recipe].tie_out:
                continue
            try:
                reconcile(flow, now - NIGHTLY, now, repair=flag(flow.options, "repair"), also=_still_open(flow))
            except SyncError as problem:  # one shop that does not answer keeps nobody else's books from being compared
                open_alert(
                    flow.organization_id,
                    f"reconcile:{flow.pk}",
                    f"{flow.label} could not be compared last night: {problem.message}",
                    Alert.Severity.WARNING,
                )
