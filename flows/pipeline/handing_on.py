"""Passing a job on: what is only part of another object is looked at there."""

from __future__ import annotations

from django.utils import timezone

from connectors.kit.errors import PartOf
from flows.jobs.queue import Wanted, enqueue
from flows.models import SyncJob
from flows.models.job import Priority
from flows.pipeline.workbench import Workbench


def look_there(bench: Workbench, job: SyncJob, problem: PartOf) -> None:
    """Ask for a job on the whole, as urgent as this one. That happens ahead of this job's end, so a crash loses nothing."""
    kind, urgency = bench.recipe.source, Priority(job.priority)
    wish = Wanted(job.flow_id, kind, problem.whole, urgency, job.trigger, job.event_id, job.asked_by, job.force)
    enqueue([wish], timezone.now())
