"""Who is to be told what: one row for each target and cause, one for its end if wanted, one digest a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from audit.models import Alert
from credentials.models import Organization
from flows.alerting.wording import about_alert, about_many
from flows.models import AlertDelivery, AlertTarget

Kind, State, When = AlertDelivery.Kind, AlertDelivery.State, AlertTarget.When
CONTACTS = "The organization's contacts"
FIELDS = {Alert.Severity.ERROR: "errors", Alert.Severity.WARNING: "warnings"}


def plan_deliveries(now: datetime) -> int:
    """Store what is to be told and is not stored yet; how many rows. Planned twice at the same time it is stored once."""
    ensure_contacts()
    targets = list(AlertTarget.objects.filter(enabled=True).select_related("organization"))
    planned = sum(_plan_opened(target, now) + _plan_digest(target, now) for target in targets)
    return planned + _plan_ended(now)


def ensure_contacts() -> None:
    """Every organization has a target that mails to its contacts, so that nobody has to think of it."""
    mailed = AlertTarget.objects.filter(organization=OuterRef("pk"), kind=AlertTarget.Kind.EMAIL)
    for organization in Organization.objects.filter(~Exists(mailed)):
        AlertTarget.objects.get_or_create(
            organization=organization, label=CONTACTS, defaults={"kind": AlertTarget.Kind.EMAIL, "since": organization.created_at}
        )


def trouble_cause(target: AlertTarget) -> str:
    """The cause of the alert that a target cannot be told of; that one goes to all the others."""
    return f"alert-target:{target.pk}"


def _wanted(target: AlertTarget, when: str) -> list[str]:
    return [severity.value for severity, field in FIELDS.items() if getattr(target, field) == when]


def _plan_opened(target: AlertTarget, now: datetime) -> int:
    told = AlertDelivery.objects.filter(target=target, alert=OuterRef("pk"), kind=Kind.OPENED)
    untold = Alert.objects.filter(
        ~Exists(told),
        organization_id=target.organization_id,
        closed_at=None,
        opened_at__gte=target.since,
        severity__in=_wanted(target, When.NOW),
    ).exclude(cause=trouble_cause(target))
    rows = [
        _row(target, Kind.OPENED, f"alert-{alert.pk}-opened-{target.pk}", about_alert(target, Kind.OPENED, alert), now, alert)
        for alert in untold
    ]
    return _store(rows)


def _plan_ended(now: datetime) -> int:
    """For alerts that were told, and whose target wants to hear of the end too."""
    watched = AlertDelivery.objects.filter(watch_end=True, alert__closed_at__isnull=False).select_related("alert", "target__organization")
    rows, done = [], []
    for told in watched:
        done.append(told.pk)
        if told.alert is not None and told.target.enabled and told.state in (State.SENT, State.UNCLEAR):
            content = about_alert(told.target, Kind.ENDED, told.alert)
            rows.append(_row(told.target, Kind.ENDED, f"alert-{told.alert_id}-ended-{told.target_id}", content, now, told.alert))
    stored = _store(rows)
    AlertDelivery.objects.filter(pk__in=done).exclude(state__in=[State.WAITING, State.SENDING]).update(watch_end=False)
    return stored


def _plan_digest(target: AlertTarget, now: datetime) -> int:
    """Once a day at its hour; nothing is sent when there is nothing to tell."""
    severities, due = _wanted(target, When.DAILY), now.replace(hour=target.digest_hour % 24, minute=0, second=0, microsecond=0)
    last = target.digested_at or target.since
    if not severities or now < due or last >= due:
        return 0
    if not AlertTarget.objects.filter(pk=target.pk, digested_at=target.digested_at).update(digested_at=now):
        return 0
    alerts = Alert.objects.filter(organization_id=target.organization_id, severity__in=severities).exclude(cause=trouble_cause(target))
    still_open, ended = (
        list(_newest(alerts.filter(closed_at=None))),
        list(_newest(alerts.filter(closed_at__gte=max(last, now - timedelta(days=7))))),
    )
    if not still_open and not ended:
        return 0
    content = about_many(target, still_open, ended)
    return _store([_row(target, Kind.DIGEST, f"digest-{due:%Y-%m-%d}-{target.pk}", content, now)])


def _newest(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    return alerts.order_by("-id")[:500]


def _row(target: AlertTarget, kind: str, key: str, content: dict[str, Any], now: datetime, alert: Alert | None = None) -> AlertDelivery:
    watch = kind == Kind.OPENED and target.tell_end
    return AlertDelivery(target=target, alert=alert, kind=kind, key=key, content=content, next_at=now, created_at=now, watch_end=watch)


def _store(rows: Iterable[AlertDelivery]) -> int:
    return len(AlertDelivery.objects.bulk_create(list(rows), ignore_conflicts=True))
