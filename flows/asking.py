"""What a person asks the workers for from a page: a look now, a comparison of both sides."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from celery import current_app

from audit.models import Outcome
from audit.services import write
from connectors.kit.errors import SyncError
from flows.comparisons import runs
from flows.models import Comparison, Flow
from flows.reconcile import run_comparison

logger = logging.getLogger(__name__)


def ask_for_poll(flow: Flow) -> bool:
    """A worker polls the flow as soon as it can. False when the broker did not take the message."""
    return _send("poll", flow.pk)


def ask_for_comparison(flow: Flow, since: datetime, until: datetime, asked_by: str) -> Comparison:
    """A worker compares both sides: at once, or with the next beat when the broker did not take the message."""
    comparison = runs.ask(flow, since, until, asked_by=asked_by)
    _send("walk_comparisons")
    return comparison


def ask_for_check(check_id: int) -> bool:
    """A worker verifies the audit and fills this row. False when the broker did not take the message."""
    return _send("verify_audit", check_id)


def ask_for_walk() -> bool:
    """A worker goes on with backfills and time travels as soon as it can; beat asks for it anyway. False when the broker did not take the
    message.
    """
    return _send("walk_backfills")


def _send(task: str, *arguments: Any) -> bool:
    """Ask for a task of flows/tasks.py by its name."""
    try:
        current_app.send_task(f"flows.tasks.{task}", arguments, ignore_result=True, retry=False)
    except Exception as problem:  # noqa: BLE001 - whatever a broker can do, the person is told
        logger.warning("%s could not be asked for (%s)", task, type(problem).__name__)
        return False
    return True


def walk_comparisons() -> None:
    """The worker's side: every comparison that was asked for and that nobody is at."""
    for comparison in runs.unfinished():
        try:
            run_comparison(comparison)
        except SyncError as problem:
            write(
                actor=comparison.asked_by,
                action="reconcile",
                outcome=Outcome.FAILED,
                organization_id=comparison.flow.organization_id,
                flow_id=comparison.flow_id,
                message=f"{comparison.flow.label}: {problem.message}",
            )
