"""Waits until what the demo set going has come to rest: no job open, no event unread, no webhook on its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from config.demo.platforms import Miniature
from config.demo.stage import DemoStopped
from flows.models import Flow, InboundEvent, SyncJob

OPEN = (SyncJob.State.WAITING, SyncJob.State.RUNNING)
STALL_SECONDS = 60.0


def open_jobs(flows: Sequence[Flow]) -> int:
    """Jobs that are not finished, and stored events that are not jobs yet."""
    sources = {flow.source_id for flow in flows}
    unread = InboundEvent.objects.filter(connection__in=sources, state=InboundEvent.State.RECEIVED).count()
    return unread + SyncJob.objects.filter(flow__in=[flow.pk for flow in flows], state__in=OPEN).count()


def wait_for_rest(
    flows: Sequence[Flow], senders: Sequence[Miniature], reached: Callable[[], int], goal: int, stopping: threading.Event
) -> bool:
    """True once the goal is reached and everything rests; False when nothing has moved for a minute. Raises DemoStopped."""
    seen, moved = (-1, -1), time.monotonic()
    while True:
        now = (reached(), open_jobs(flows))
        if now == (goal, 0) and not any(sender.command("settled")["pending"] for sender in senders):
            return True
        if now != seen:
            seen, moved = now, time.monotonic()
        if time.monotonic() - moved > STALL_SECONDS:
            return False
        if stopping.wait(0.2):
            raise DemoStopped
