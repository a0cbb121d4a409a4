"""A claimed job with its flow and both connections, in one statement: every run begins with it."""

from __future__ import annotations

from functools import lru_cache

from django.db import connection as database

from audit.models import Outcome
from audit.plain_rows import columns, instance
from credentials.models import Connection
from flows.models import Flow, SyncJob


def fetch_job(job_id: int) -> SyncJob:
    """The job; its flow, source and destination are there without another query, whether there was trouble with its object before, and
    to what the destination was last brought for it, and what a person decided about it. Raises SyncJob.DoesNotExist.
    """
    with database.cursor() as cursor:
        cursor.execute(_statement(database.vendor), [job_id])
        row = cursor.fetchone()
    if row is None:
        raise SyncJob.DoesNotExist(f"There is no job {job_id}.")
    values = iter(row)
    job = instance(SyncJob, values)
    job.flow = instance(Flow, values)
    job.flow.source, job.flow.destination = instance(Connection, values), instance(Connection, values)
    job.had_trouble, job.last_hash, outcome = bool(next(values)), next(values) or "", next(values)
    job.last_well = outcome == Outcome.DONE
    job.hold, job.hold_reason, job.hold_by = (next(values) or "" for _ in range(3))
    job.known_as = (next(values) or "", next(values) or "")
    job.hold_along = bool(next(values))
    return job


_TROUBLE = (
    "EXISTS (SELECT 1 FROM flows_syncjob o WHERE o.flow_id = j.flow_id AND o.object_type = j.object_type "
    "AND o.source_id = j.source_id AND o.id < j.id AND (o.reason_code <> '' OR o.state IN ('attention', 'dead')))"
)

_KNOWN = "r.desired_hash, r.outcome, r.hold, r.hold_reason, r.hold_by, r.number, r.currency, r.hold_along"


@lru_cache
def _statement(vendor: str) -> str:
    """Per database, because both quote names their own way."""
    parts = (columns(SyncJob, "j"), columns(Flow, "f"), columns(Connection, "s"), columns(Connection, "d"))
    return (
        f"SELECT {', '.join(parts)}, {_TROUBLE}, {_KNOWN} FROM flows_syncjob j "  # noqa: S608 - our own columns
        "JOIN flows_flow f ON f.id = j.flow_id JOIN credentials_connection s ON s.id = f.source_id "
        "JOIN credentials_connection d ON d.id = f.destination_id "
        "LEFT JOIN flows_syncrecord r ON r.flow_id = j.flow_id AND r.object_type = j.object_type AND r.source_id = j.source_id "
        "WHERE j.id = %s"
    )
