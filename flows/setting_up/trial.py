"""A dry run over the last records of a flow that is not on yet: what would be created, whether it ties out, and what is missing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connectors.canonical.ledger import InvoiceLine
from connectors.canonical.money import Money
from connectors.kit.errors import SyncError
from flows.models import Flow
from flows.pipeline.workbench import Workbench, open_workbench
from flows.preview import Preview, preview_on, refuse_writes
from flows.recipes.arithmetic import predict
from flows.recipes.desired_books import DesiredBooks
from flows.setting_up.latest import latest

SECONDS = 20.0  # a person waits for the page
Verdict = Literal["exact", "differs", "ready", "left out", "in order", "missing"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One record. exact, differs: an order that would be booked; ready: another record with changes to make; left out: on purpose;
    missing: something has to be mended first, which subject names where a mapping does it ("sku:MUG-XL").
    """

    source_id: str
    number: str
    verdict: Verdict
    sentence: str = ""
    code: str = ""
    subject: str = ""
    steps: tuple[str, ...] = ()
    client: str = ""
    lines: tuple[InvoiceLine, ...] = ()
    total: Money | None = None
    refunded: Money | None = None
    invoiced: Money | None = None
    captured: Money | None = None
    payments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """unread: records that there was no time for; problem: why none could be read."""

    tried: tuple[Tried, ...] = ()
    unread: int = 0
    problem: str = ""


def try_out(flow: Flow, count: int, now: datetime) -> Trial:
    """Plan the last records without writing anything."""
    try:
        bench = open_workbench(flow, refuse_writes)
        ids = latest(bench, count, now)
    except SyncError as problem:
        return Trial(problem=problem.message)
    return _plan_all(bench, ids)


def _plan_all(bench: Workbench, ids: Sequence[str]) -> Trial:
    until, tried = time.monotonic() + SECONDS, []
    for source_id in ids:
        if time.monotonic() > until:
            break
        try:
            found = preview_on(bench, source_id)
        except SyncError as problem:
            tried.append(Tried(source_id, source_id, "missing", problem.message, problem.code))
            continue
        finally:
            bench.take_evidence()
        wanted = found.desired if isinstance(found.desired, DesiredBooks) and not found.code else None
        tried.append(_booked(source_id, found, wanted) if wanted else _other(source_id, found))
    return Trial(tuple(tried), len(ids) - len(tried))


def _other(source_id: str, found: Preview) -> Tried:
    """What is no order, or an order that comes to nothing."""
    steps = tuple(change.title for change in found.plan.changes)
    stopped: Verdict = "left out" if found.sentence.startswith("Nothing to do: ") and found.code else "missing"
    verdict: Verdict = "ready" if steps else stopped if found.code else "in order"
    return Tried(source_id, found.number, verdict, found.sentence, found.code, found.subject, steps)


def _booked(source_id: str, found: Preview, desired: DesiredBooks) -> Tried:
    """An order with what the books would show for it."""
    if desired.invoice is None:
        return _other(source_id, found)
    amount = predict(desired.invoice.lines, desired.currency)
    paid = [wanted.payment for wanted in desired.payments if wanted.payment.amount]
    ties_out = amount == desired.source_total - desired.refunded
    return Tried(
        source_id,
        found.number,
        ("exact" if ties_out else "differs") if found.plan.changes else "in order",
        " ".join(found.plan.said),
        steps=tuple(change.title for change in found.plan.changes),
        client=desired.client.customer.name if desired.client.customer else "the default client",
        lines=tuple(desired.invoice.lines),
        total=desired.source_total,
        refunded=desired.refunded,
        invoiced=amount,
        captured=desired.captured,
        payments=tuple(f"{payment.amount} by {payment.method}" for payment in paid),
    )
