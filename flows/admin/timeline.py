"""The way of a job or record as its page tells it: the event, each audit record in order with its calls, the links and the tie-out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString

from audit.console.showing import badge, outside
from audit.models import AuditRecord
from flows.admin.parts import TRIGGERS, web_address
from flows.models import ExternalLink, Flow, SyncJob, SyncRecord

STEPS_AT_MOST = 300
JOBS_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a platform, redacted when it was stored."""

    head: str
    status: str
    sent: str
    received: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline."""

    at: datetime
    title: str
    text: str = ""
    state: SafeString | str = ""
    url: str = ""
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link with the address of its thing."""

    what: str
    where: SafeString | str
    state: SafeString
    url: str


def _planned(job: SyncJob, records: Sequence[AuditRecord]) -> Iterator[Step]:
    """What the job found missing: the changes that it then made, in order."""
    changes = [record for record in reversed(records) if record.job_id == job.pk and record.object_type != job.object_type]
    if changes and job.started_at:
        titles = list(dict.fromkeys(record.message.partition(":")[0] for record in changes))
        text = f"{len(titles)} change{'s' if len(titles) > 1 else ''}: {'; '.join(titles)}."
        yield Step(min(changes[0].at, job.started_at), "Plan: what was missing at the destination", text)


def timeline_of(jobs: Sequence[SyncJob], *, evidence: bool) -> list[Step]:
    """Everything that is known to have happened in these jobs, oldest first. evidence: with each call, for those who may read the
    audit.
    """
    records = _records(jobs, evidence)
    steps = [step for job in jobs for step in (*_beginning(job), *_planned(job, records))]
    steps += [_recorded(record, evidence) for record in records]
    steps += [
        Step(job.not_before, "Will be tried again", job.reason, badge("waiting"))
        for job in jobs
        if job.state == SyncJob.State.WAITING and job.attempts
    ]
    return sorted(steps, key=lambda step: step.at)


def _beginning(job: SyncJob) -> Iterator[Step]:
    event = job.event
    if event is not None:
        text = "It came out of order." if event.out_of_order else event.note
        url = reverse("admin:flows_inboundevent_change", args=[event.pk])
        yield Step(
            event.received_at,
            f"{job.flow.source} told us of a change: {event.topic}",
            text,
            badge(event.state, event.get_state_display()),
            url,
        )
    who = f"by {job.asked_by}" if job.asked_by else f"because of {TRIGGERS.get(job.trigger, job.trigger)}"
    url = reverse("admin:flows_syncjob_change", args=[job.pk])
    yield Step(job.created_at, f"Queued {who}", f"Flow {job.flow}, {job.object_type} {job.source_id}", url=url)


def _records(jobs: Sequence[SyncJob], evidence: bool) -> list[AuditRecord]:
    rows = AuditRecord.objects.filter(job_id__in=[job.pk for job in jobs]).order_by("-id")
    return list((rows if evidence else rows.defer("evidence", "mapping"))[:STEPS_AT_MOST])


def _recorded(record: AuditRecord, evidence: bool, *, who: bool = False) -> Step:
    took = "" if record.duration_ms is None else f" ({record.duration_ms} ms)"
    target = f" {record.target_id}" if record.target_id else ""
    return Step(
        record.at,
        f"{record.action.replace('_', ' ').capitalize()}{target}{f' by {record.actor}' if who else ''}",
        f"{record.message}{took}",
        badge(record.outcome, record.get_outcome_display()),
        reverse("admin:audit_auditrecord_change", args=[record.pk]) if evidence else "",
        tuple(_calls(record.evidence)) if evidence else (),
    )


def acts_on(record: SyncRecord, *, evidence: bool) -> list[Step]:
    """What people did with the record itself: skipped it, voided it, looked at it."""
    by_object = Q(object_type=record.object_type, source_id=record.source_id) | Q(object_type="syncrecord", source_id=str(record.pk))
    rows = AuditRecord.objects.filter(by_object, flow_id=record.flow_id, job_id=None).order_by("-id")
    return [_recorded(row, evidence, who=True) for row in (rows if evidence else rows.defer("evidence", "mapping"))[:STEPS_AT_MOST]]


def _calls(evidence: Any) -> Iterator[Call]:
    """Evidence may have been cut or blanked: what is no call is left out."""
    calls = evidence.get("calls") if isinstance(evidence, dict) else None
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            head = f"{call.get('method', '')} {call.get('url', '')}"
            status = str(call.get("error") or call.get("status") or "no answer")
            took = f", {call['ms']} ms" if call.get("ms") is not None else ""
            yield Call(head, status + took, str(call.get("sent") or ""), str(call.get("received") or ""))


def links_of(flow: Flow, source_id: str, jobs: Sequence[SyncJob]) -> list[ShownLink]:
    """What stands for the object on the other side, and what the jobs wrote besides (its client, its items)."""
    own = Q(scope=str(flow.source.key)) & (Q(key=source_id) | Q(key__startswith=f"{source_id}:"))
    rows = ExternalLink.objects.filter(Q(destination=flow.destination), own | Q(scope="", job_id__in=[job.pk for job in jobs]))
    return [_shown(link, flow) for link in rows.order_by("id")[:STEPS_AT_MOST]]


def _shown(link: ExternalLink, flow: Flow) -> ShownLink:
    address = web_address(flow.destination, link.object_type, link.remote_id)
    state = badge("void") if link.void else badge(link.state)
    what = f"{link.object_type.replace('_', ' ')} {link.key}"
    return ShownLink(what, outside(address, link.remote_id or "-"), state, reverse("admin:flows_externallink_change", args=[link.pk]))


def record_of(job: SyncJob) -> SyncRecord | None:
    """What is known of the job's object now."""
    return SyncRecord.objects.filter(flow=job.flow_id, object_type=job.object_type, source_id=job.source_id).first()


def jobs_of(record: SyncRecord) -> list[SyncJob]:
    """The latest jobs of the record's object, newest first."""
    same = {"flow": record.flow_id, "object_type": record.object_type, "source_id": record.source_id}
    rows = SyncJob.objects.filter(**same).select_related("event", "flow__source", "flow__destination")
    return list(rows.order_by("-id")[:JOBS_AT_MOST])
