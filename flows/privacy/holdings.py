"""What we hold of a person, or of a whole connection: events, jobs, records, what was compared and asked for, links, alerts, audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from audit.models import Alert, AuditRecord
from connectors.canonical.identity import ObjectType
from flows.known_by import digest_of
from flows.models import (
    BulkItem,
    BulkRun,
    Difference,
    ExternalLink,
    Flow,
    InboundEvent,
    PrivacyCase,
    RecordName,
    SyncJob,
    SyncRecord,
)
from flows.privacy.person import Person, any_contains, is_one_of, person_of
from flows.recipes import RECIPES

CHUNK = 200


@dataclass(frozen=True)
class Holdings:
    """Queries for all of it; events by id, since their bodies can only be searched one by one."""

    events: tuple[int, ...]
    jobs: QuerySet[SyncJob]
    names: QuerySet[RecordName]
    items: QuerySet[BulkItem]
    runs: QuerySet[BulkRun]
    differences: QuerySet[Difference]
    records: QuerySet[SyncRecord]
    links: QuerySet[ExternalLink]
    alerts: QuerySet[Alert]
    audit: QuerySet[Any]


def holdings(case: PrivacyCase) -> Holdings:
    """All that came from, or went by, the connection of the request and is about its person."""
    flows = list(Flow.objects.filter(Q(source=case.connection) | Q(destination=case.connection)))
    if case.kind == PrivacyCase.Kind.REDACT_ACCOUNT:
        return _of_connection(case, flows)
    return _of_person(case, flows, person_of(case))


def _of_connection(case: PrivacyCase, flows: list[Flow]) -> Holdings:
    jobs = SyncJob.objects.filter(flow__in=flows)
    ours = Q(source=case.connection) | Q(scope=str(case.connection.key)) | Q(job_id__in=jobs.values("pk"))
    runs = BulkRun.objects.filter(pk__in=BulkItem.objects.filter(flow__in=flows).values("run"))
    of_runs = Q(object_type="bulkrun", source_id__in=[str(pk) for pk in runs.values_list("pk", flat=True)])
    return Holdings(
        events=tuple(InboundEvent.objects.filter(connection=case.connection).values_list("pk", flat=True)),
        jobs=jobs,
        names=RecordName.objects.filter(record__flow__in=flows),
        items=BulkItem.objects.filter(flow__in=flows),
        runs=runs,
        differences=Difference.objects.filter(comparison__flow__in=flows),
        records=SyncRecord.objects.filter(flow__in=flows),
        links=_personal_links().filter(ours),
        alerts=_alerts(case, flows),
        audit=_audit(case, flows, of_runs),
    )


def _of_person(case: PrivacyCase, flows: list[Flow], person: Person) -> Holdings:
    events = _events(case, person)
    told = InboundEvent.objects.filter(pk__in=events).exclude(source_id="")
    objects = person.objects | frozenset(told.values_list("object_type", "source_id"))
    theirs = is_one_of(objects)
    jobs = SyncJob.objects.filter(theirs | any_contains(person.texts, "reason", "subject"), flow__in=flows)
    named = any_contains(person.texts, "message", "source_id", "target_id", "told")
    stuck = jobs.filter(state__in=[SyncJob.State.ATTENTION, SyncJob.State.DEAD, SyncJob.State.SUPERSEDED]).exclude(reason="")
    reasons = list(stuck.values_list("reason", flat=True).distinct())  # alerts repeat them
    alerts = any_contains((*person.texts, *reasons), "message")
    destinations = [flow.destination_id for flow in flows]
    asked = Q(object_type__in=["bulkrun", "auditrecord"], flow_id=None)  # what people searched for stands there
    return Holdings(
        events=events,
        jobs=jobs,
        names=_names(person, SyncRecord.objects.filter(theirs, flow__in=flows), flows),
        items=_items().filter(theirs | any_contains(person.texts, "note", "told"), flow__in=flows),
        runs=BulkRun.objects.filter(any_contains(person.texts, "about"), organization=case.connection.organization_id),
        differences=_differences(person, objects, flows),
        records=SyncRecord.objects.filter(theirs | any_contains(person.texts, "reason", "number", "hold_reason"), flow__in=flows),
        links=_personal_links().filter(any_contains(person.texts, "key"), destination__in=destinations),
        alerts=_alerts(case, flows).filter(alerts),
        audit=_audit(case, flows, asked).filter(named | theirs | Q(job_id__in=list(jobs.values_list("pk", flat=True)))),
    )


def _items() -> QuerySet[BulkItem]:
    """What time travels showed; told is what would change, as text."""
    return BulkItem.objects.annotate(told=Cast("changes", TextField()))


def _differences(person: Person, objects: frozenset[tuple[str, str]], flows: list[Flow]) -> QuerySet[Difference]:
    """What comparisons found about their objects, or said of them by name."""
    found = any_contains(person.texts, "sentence", "number")
    for flow in flows:
        kind = RECIPES[flow.recipe].source.value
        found |= Q(comparison__flow=flow, source_id__in=[source_id for object_type, source_id in objects if object_type == kind])
    return Difference.objects.filter(found, comparison__flow__in=flows)


def _names(person: Person, theirs: QuerySet[SyncRecord], flows: list[Flow]) -> QuerySet[RecordName]:
    """All that their own records are searched by, and their address on any other."""
    digests = [digest_of(text) for text in person.texts]
    return RecordName.objects.filter(Q(record__in=theirs) | Q(digest__in=digests), record__flow__in=flows)


def _events(case: PrivacyCase, person: Person) -> tuple[int, ...]:
    """Those about the person's objects, those whose body names the person, and the request itself."""
    rows = InboundEvent.objects.filter(connection=case.connection).exclude(body=b"")
    found = [case.event_id] if case.event_id else []
    for pk, kind, source_id, body in rows.values_list("pk", "object_type", "source_id", "body").iterator(chunk_size=CHUNK):
        if (kind, source_id) in person.objects or person.is_in(bytes(body).decode("utf-8", "replace")):
            found.append(pk)
    return tuple(dict.fromkeys(found))


def _personal_links() -> QuerySet[ExternalLink]:
    """Links whose key is an e-mail address. One in doubt keeps it: by that it is searched before anything is created twice."""
    return ExternalLink.objects.filter(object_type=ObjectType.CUSTOMER, key__startswith="email:", state=ExternalLink.State.CONFIRMED)


def _alerts(case: PrivacyCase, flows: list[Flow]) -> QuerySet[Alert]:
    of_flows = any_startswith("cause", [f"{flow.pk}:" for flow in flows])
    return Alert.objects.filter(of_flows | Q(connection_id=case.connection_id), organization_id=case.connection.organization_id)


def any_startswith(column: str, beginnings: list[str]) -> Q:
    """Rows of which the column begins with one of these."""
    found = Q(pk__in=())
    for beginning in beginnings:
        found |= Q(**{f"{column}__startswith": beginning})
    return found


def _audit(case: PrivacyCase, flows: list[Flow], more: Q) -> QuerySet[Any]:
    """Records of the connection and its flows, and more of the organization; told is their evidence as text."""
    ours = Q(flow_id__in=[flow.pk for flow in flows]) | Q(connection_id=case.connection_id) | more
    jobs = SyncJob.objects.filter(flow__in=flows).values("pk")
    rows = AuditRecord.objects.filter(ours | Q(job_id__in=jobs), organization_id=case.connection.organization_id)
    return rows.annotate(told=Cast("evidence", TextField())).order_by("id")
