"""Booking what a backfill queued in this very process, for a machine without workers, or to see what it costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import connection as database
from django.db.models import QuerySet
from django.utils import timezone

from flows.drain import drain_jobs
from flows.models import Flow, SyncJob

GLANCE = 0.5  # seconds between looks at how much is left
SOON = timedelta(minutes=5)  # what waits for longer is left to the workers
State = SyncJob.State


def work_off(flow: Flow, threads: int, told: Callable[[int], None] = lambda _left: None) -> int:
    """Run due jobs with so many threads until the flow has none that is due soon; told(n) hears how many are left. How many remain."""
    done = threading.Event()
    worker = threading.Thread(target=_work, args=(done, threads), name="work")
    worker.start()
    try:
        while left := _soon(flow).count():
            told(left)
            time.sleep(GLANCE)
    finally:
        done.set()
        worker.join()
    told(0)
    return SyncJob.objects.filter(flow=flow, state=State.WAITING).count()


def _soon(flow: Flow) -> QuerySet[SyncJob]:
    now = timezone.now()
    return SyncJob.objects.filter(flow=flow, state__in=[State.WAITING, State.RUNNING], not_before__lt=now + SOON)


def _work(done: threading.Event, threads: int) -> None:
    try:
        while not done.is_set():
            if not drain_jobs(threads):
                done.wait(GLANCE / 5)
    finally:
        database.close()
