"""The alerts about jobs: one per flow, reason and subject, closed when nothing with that cause is left."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert
from flows.jobs.finish import Ending, same_object
from flows.models import Flow, SyncJob

State = SyncJob.State
STUCK = (State.ATTENTION, State.DEAD)
UNCHANGED, VANISHED_IN_DOUBT = "unchanged", "vanished_in_doubt"
_NOT_UNDERSTOOD = ("malformed", "not_json")  # what connectors/kit/tame.py says of an answer: a path, and what stands there
LONG_WAIT = timedelta(hours=1)
_LONG = "It has waited since {:%Y-%m-%d %H:%M} UTC. Look at that other record: connect its shop again, retry it, or settle it by hand."


def in_words(code: str, reason: str) -> str:
    """The reason as people can read it: of an answer that nobody understands, a job knows only the path to the odd place."""
    return f"One side answered what nobody here understands: {reason}" if code in _NOT_UNDERSTOOD else reason


def tell(job: SyncJob, ending: Ending, number: str) -> None:
    """Open what this end calls for, and close what earlier jobs of the object met and this one did not.

    A job that is done may leave a concern: then it has a reason code, too. One that has waited for another record for long says so.
    """
    stuck = ending.state in STUCK
    if stuck or (ending.state is State.DONE and ending.code):
        open_job_alert(job, ending.code, ending.subject, number, ending.reason, dead=ending.state is State.DEAD)
    elif ending.since and timezone.now() - ending.since > LONG_WAIT:
        open_job_alert(job, ending.code, ending.subject, number, f"{ending.reason} {_LONG.format(ending.since)}", dead=False)
    if ending.state is State.WAITING:
        return
    if job.had_trouble:
        _close_older(job, ending)
    if job.subject and (job.reason_code, job.subject) != (ending.code, ending.subject):
        close_if_over(job.flow, job.reason_code, job.subject)  # what this very job waited for


def open_job_alert(job: SyncJob, code: str, subject: str, number: str, reason: str, *, dead: bool) -> None:
    """number: what people call the job's object, if that is known."""
    severity = Alert.Severity.ERROR if dead else Alert.Severity.WARNING
    sentence = f"{job.flow.label}, {job.object_type} {number or f'with the id {job.source_id}'}: {in_words(code, reason)}"
    open_alert(job.flow.organization_id, _cause(job.flow, code, subject), sentence, severity, connection_id=job.flow.source_id)


def close_if_over(flow: Flow, code: str, subject: str) -> None:
    """Close the alert of this cause unless another job is still stuck with it."""
    if not SyncJob.objects.filter(flow=flow, reason_code=code, subject=subject, state__in=STUCK).exists():
        close_alert(flow.organization_id, _cause(flow, code, subject))


def _close_older(job: SyncJob, ending: Ending) -> None:
    """A job that found nothing changed says nothing new about a concern: that one still stands."""
    told = [State.SUPERSEDED] if ending.code == UNCHANGED else [State.SUPERSEDED, State.DONE]
    older = SyncJob.objects.filter(**same_object(job), state__in=told, pk__lt=job.pk).exclude(reason_code="")
    for code, subject in older.order_by().values_list("reason_code", "subject").distinct():
        if (code, subject) != (ending.code, ending.subject):
            close_if_over(job.flow, code, subject)


def _cause(flow: Flow, code: str, subject: str) -> str:
    return f"{flow.pk}:{code}:{subject}"[:150]
