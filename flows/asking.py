"""What a person asks the workers for from a page: a look now, a comparison of both sides."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from audit.models import Outcome
from audit.services import write
from connectors.kit.errors import SyncError
from flows.leases import periodic
from flows.models import Flow
from flows.reconcile import reconcile

logger = logging.getLogger(__name__)
LONGEST = 3600.0  # seconds that one comparison may take before another may begin


def ask_for_poll(flow: Flow) -> bool:
    """A worker polls the flow as soon as it can. False when the broker did not take the message."""
    from flows.tasks import poll

    return _send(poll, flow.pk)


def ask_for_reconciliation(flow: Flow, since: datetime, until: datetime, *, repair: bool, asked_by: str) -> bool:
    """A worker compares both sides; the report goes to the audit. False when the broker did not take the message."""
    from flows.tasks import reconcile_flow

    return _send(reconcile_flow, flow.pk, since.isoformat(), until.isoformat(), repair, asked_by)


def ask_for_check(check_id: int) -> bool:
    """A worker verifies the audit and fills this row. False when the broker did not take the message."""
    from flows.tasks import verify_audit

    return _send(verify_audit, check_id)


def _send(task: Any, *arguments: Any) -> bool:
    try:
        task.apply_async(args=arguments, ignore_result=True, retry=False)
    except Exception as problem:  # noqa: BLE001 - whatever a broker can do, the person is told
        logger.warning("%s could not be asked for (%s)", task.name, type(problem).__name__)
        return False
    return True


def reconcile_asked(flow_id: int, since: str, until: str, repair: bool, asked_by: str) -> None:
    """The worker's side of a comparison that a person asked for; what stopped it goes to the audit too."""
    flow = Flow.objects.select_related("source", "destination").get(pk=flow_id)
    with periodic(f"reconcile {flow_id}", LONGEST) as ours:
        if not ours:
            return
        try:
            reconcile(flow, datetime.fromisoformat(since), datetime.fromisoformat(until), repair=repair, asked_by=asked_by)
        except SyncError as problem:
            write(
                actor=asked_by,
                action="reconcile",
                outcome=Outcome.FAILED,
                organization_id=flow.organization_id,
                flow_id=flow.pk,
                message=f"{flow.label}: {problem.message}",
            )
