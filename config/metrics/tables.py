"""Metrics of how things stand: each a query that an index answers, however large the tables are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from audit.models import Alert, AuditRecord, AuditSeal
from config.metrics.counted import PREFIX
from credentials.models import Connection
from flows.jobs.telling import STUCK
from flows.models import AlertDelivery, Flow, InboundEvent, PeriodicLease, Subscription, SyncJob

State = SyncJob.State


def table_metrics(now: datetime) -> Iterator[Metric]:
    """All of them."""
    yield from _names()
    yield from _queue(now)
    yield from _inbox(now)
    yield from _audit(now)
    yield from _people(now)


def _gauge(name: str, told: str, labels: Iterable[str] = (), rows: Iterable[tuple[Iterable[object], float]] = ()) -> Metric:
    made = GaugeMetricFamily(PREFIX + name, told, labels=list(labels))
    for values, number in rows:
        made.add_metric([str(value) for value in values], number)
    return made


def _age(now: datetime, at: datetime | None) -> float:
    return 0.0 if at is None else max((now - at).total_seconds(), 0.0)


def _names() -> Iterator[Metric]:
    """What the ids in other metrics stand for, to be joined with them."""
    flows = Flow.objects.order_by("pk").values_list("pk", "label", "recipe", "organization_id", "enabled")
    told = ("flow", "label", "recipe", "organization")
    yield _gauge("flow_enabled", "Flows, and whether they are on.", told, ((row[:4], float(row[4])) for row in flows))
    known = Connection.objects.order_by("pk").values_list("key", "pk", "label", "platform", "organization_id", "status")
    active = ((row[:5], float(row[5] == Connection.Status.ACTIVE)) for row in known)
    labels = ("connection", "id", "label", "platform", "organization")
    yield _gauge("connection_active", "Connections, and whether they can be used.", labels, active)


def _queue(now: datetime) -> Iterator[Metric]:
    waiting = SyncJob.objects.filter(state=State.WAITING, not_before__lte=now).order_by().values_list("flow_id")
    due = list(waiting.annotate(number=Count("pk"), since=Min("not_before")))
    yield _gauge("jobs_due", "Jobs that could run now, by flow.", ["flow"], (((flow,), number) for flow, number, _ in due))
    ages = (((flow,), _age(now, at)) for flow, _, at in due)
    yield _gauge("jobs_due_age_seconds", "How long the oldest of them has been due, by flow.", ["flow"], ages)
    yield _by_flow("jobs_running", "Jobs that a worker holds, by flow.", SyncJob.objects.filter(state=State.RUNNING))
    stopped = SyncJob.objects.filter(state__in=STUCK)
    yield _by_flow("jobs_stopped", "Jobs that a person has to look at, by flow and state (dead: dead letters).", stopped, "state")


def _by_flow(name: str, told: str, jobs: Any, *more: str) -> Metric:
    rows = jobs.order_by().values_list("flow_id", *more).annotate(number=Count("pk"))
    return _gauge(name, told, ["flow", *more], ((row[:-1], row[-1]) for row in rows))


def _inbox(now: datetime) -> Iterator[Metric]:
    received = InboundEvent.objects.filter(state=InboundEvent.State.RECEIVED)
    first = received.order_by("id").values_list("received_at", flat=True).first()
    yield _gauge("inbox_waiting", "Deliveries that were not passed on yet.", rows=[((), received.count())])
    yield _gauge("inbox_waiting_age_seconds", "How long the oldest of them has waited.", rows=[((), _age(now, first))])
    hooks = Subscription.objects.order_by().values_list("status").annotate(number=Count("pk"))
    yield _gauge("subscriptions", "Webhook registrations by status.", ["status"], ((row[:1], row[1]) for row in hooks))


def _audit(now: datetime) -> Iterator[Metric]:
    sealed = AuditSeal.objects.order_by("-id").values_list("sealed_at", flat=True).first()
    unsealed = AuditRecord.objects.filter(seal=None)
    oldest = unsealed.order_by("id").values_list("at", flat=True).first()
    yield _gauge("audit_unsealed", "Audit records without a seal.", rows=[((), unsealed.count())])
    yield _gauge("audit_unsealed_age_seconds", "How old the oldest of them is.", rows=[((), _age(now, oldest))])
    yield _gauge("audit_seal_age_seconds", "Seconds since the last seal was made; 0 before the first.", rows=[((), _age(now, sealed))])
    ran_at = PeriodicLease.objects.filter(name="sweep").values_list("ran_at", flat=True).first()
    since = _age(now, ran_at) if ran_at else -1.0
    yield _gauge("sweep_age_seconds", "Seconds since the sweep last ran; -1 when it never did.", rows=[((), since)])


def _people(now: datetime) -> Iterator[Metric]:
    alerts = Alert.objects.filter(closed_at=None).order_by().values_list("organization_id", "severity").annotate(number=Count("pk"))
    labels = ("organization", "severity")
    yield _gauge("alerts_open", "Open alerts by organization and severity.", labels, ((row[:2], row[2]) for row in alerts))
    waiting = AlertDelivery.objects.filter(state__in=["waiting", "sending"])
    yield _gauge("alert_deliveries_waiting", "Messages about alerts that did not arrive yet.", rows=[((), waiting.count())])
