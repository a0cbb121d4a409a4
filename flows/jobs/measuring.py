"""What a run's end adds to the totals for the host's metrics."""

from __future__ import annotations

from django.utils import timezone

from counting.tally import count, observe
from flows.jobs.finish import Ending
from flows.models import SyncJob


def measure_end(job: SyncJob, ending: Ending) -> None:
    """How the job ended and how long it took since it was made; or that it waits once more."""
    flow = str(job.flow_id)
    if ending.state is SyncJob.State.WAITING:
        count("jobs_put_off", flow)
        return
    count("jobs_ended", flow, ending.state.value)
    observe("job_seconds", flow, seconds=(timezone.now() - job.created_at).total_seconds())
