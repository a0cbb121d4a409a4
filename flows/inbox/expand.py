"""From stored events to waiting jobs, in batches, in one transaction each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection as database
from django.db import transaction
from django.db.models import Q

from audit.models import Outcome
from audit.services import AuditEntry, write_many
from connectors.canonical.identity import ObjectType
from flows.echoes import echoes_among
from flows.jobs.queue import Wanted, enqueue
from flows.models import Flow, InboundEvent, Subscription, SyncRecord
from flows.models.job import Priority
from flows.selectors import flows_reading

State = InboundEvent.State
BATCH = 200
FRESH = timedelta(seconds=10)  # a sign of life need not be newer than this
_PASSED = (State.EXPANDED, "")
_ECHO = (State.IGNORED, "We wrote this ourselves; there is nothing to tell the other side.")
_UNREAD = (State.IGNORED, "No enabled flow reads such objects.")
Reading = Mapping[int, Mapping[str, list[Flow]]]  # by connection, then by object type


def expand_events(now: datetime, batch: int = BATCH) -> int:
    """Turn received events into jobs of every enabled flow that reads such objects. Returns how many events were taken."""
    with transaction.atomic():
        rows = InboundEvent.objects.filter(state=State.RECEIVED).order_by("id")
        if database.vendor == "postgresql":
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        events = list(rows.defer("body", "headers")[:batch])
        if events:
            _expand(events, now)
    return len(events)


def _expand(events: list[InboundEvent], now: datetime) -> None:
    reading = {connection: flows_reading(connection) for connection in {event.connection_id for event in events}}
    concerned = {event.pk: _concerned(event, reading) for event in events}
    echoes = echoes_among(wish for wishes in concerned.values() for wish in wishes)
    wanted: list[Wanted] = []
    ends: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        wishes = concerned[event.pk]
        jobs = [
            Wanted(flow.pk, ObjectType(object_type), source_id, Priority.WEBHOOK, "webhook", event.pk)
            for flow, object_type, source_id in wishes
            if (flow.pk, source_id) not in echoes
        ]
        ends[_PASSED if jobs else _ECHO if wishes else _UNREAD].append(event.pk)
        wanted += jobs
    _note_versions([event for event in events if event.pk not in ends[_ECHO]], reading, now)
    enqueue(wanted, now)
    for (state, note), passed in ends.items():
        if passed:
            InboundEvent.objects.filter(pk__in=passed).update(state=state, **({"note": note} if note else {}))
    _note_deliveries(events)


def _concerned(event: InboundEvent, reading: Reading) -> list[tuple[Flow, str, str]]:
    """The flows that read what an event tells of, with object type and source id."""
    return [
        (flow, notice["object_type"], notice["source_id"])
        for notice in event.notices
        for flow in reading[event.connection_id].get(notice["object_type"], ())
    ]


def _note_deliveries(events: list[InboundEvent]) -> None:
    """The last sign of life of each subscription; a topic may also be registered by its noun alone, or by a wildcard."""
    newest = {(event.connection_id, topic): event.received_at for event in events for topic in registered_as(event.topic)}
    for (connection_id, topic), received_at in sorted(newest.items()):  # one order for all writers: no deadlock
        row = Subscription.objects.filter(connection_id=connection_id, topic=topic)
        row.filter(Q(delivered_at=None) | Q(delivered_at__lt=received_at - FRESH)).update(delivered_at=received_at)


def registered_as(topic: str) -> tuple[str, ...]:
    """order.created may be registered as order, store/order/created as store/order/*."""
    parents = [topic[:place] for place, mark in enumerate(topic) if mark == "/"]
    return (topic, topic.partition(".")[0], *(f"{parent}/*" for parent in parents))


def _note_versions(events: list[InboundEvent], reading: Reading, now: datetime) -> None:
    """Keep the newest change time per object; an event older than that came out of order: harmless, but logged."""
    late: dict[int, tuple[InboundEvent, str, str]] = {}
    seen: dict[tuple[int, str, str], str] = {}
    newest = _records(events, reading)
    for event in events:
        for notice in event.notices:
            for flow in reading[event.connection_id].get(notice["object_type"], ()):
                key = (flow.pk, notice["object_type"], notice["source_id"])
                known = seen.get(key, newest.get(key, ""))
                if notice["version"] and known and notice["version"] < known:
                    late.setdefault(event.pk, (event, notice["version"], known))
                seen[key] = max(known, notice["version"])
    SyncRecord.objects.bulk_create(
        [SyncRecord(flow_id=f, object_type=o, source_id=s, version=v, updated_at=now) for (f, o, s), v in sorted(seen.items())],
        update_conflicts=True,
        unique_fields=["flow", "object_type", "source_id"],
        update_fields=["version"],
    )
    if late:
        InboundEvent.objects.filter(pk__in=list(late)).update(out_of_order=True)
        write_many([_late_entry(*entry) for entry in late.values()])


def _records(events: list[InboundEvent], reading: Reading) -> dict[tuple[int, str, str], str]:
    flows = {flow.pk for wanted in reading.values() for group in wanted.values() for flow in group}
    ids = {notice["source_id"] for event in events for notice in event.notices}
    rows = SyncRecord.objects.filter(flow_id__in=flows, source_id__in=ids)
    return {(f, o, s): v for f, o, s, v in rows.values_list("flow_id", "object_type", "source_id", "version")}


def _late_entry(event: InboundEvent, version: str, known: str) -> AuditEntry:
    return AuditEntry(
        actor="inbox",
        action=f"receive {event.topic}",
        outcome=Outcome.NOTED,
        connection=event.connection,
        event_id=event.pk,
        object_type=event.object_type,
        source_id=event.source_id,
        organization_id=event.connection.organization_id,
        message="This event came after a newer one. The present state was read from the source instead.",
        evidence={"changed at": version, "newest known": known},
    )
