"""What a target is told, fixed when it is planned: the same words and the same bytes at every try."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from audit.models import Alert
from flows.models import AlertDelivery, AlertTarget

Kind = AlertDelivery.Kind
LONGEST_SUBJECT = 140
MOST = 50  # alerts in one digest


def about_alert(target: AlertTarget, kind: str, alert: Alert) -> dict[str, Any]:
    """One alert, opened or ended."""
    ended = "Ended: " if kind == Kind.ENDED else ""
    lines = [alert.message, "", _seen(alert), _address(alert)]
    return _content(target, kind, f"{ended}{alert.message}", lines, {"alert": _facts(alert)})


def about_many(target: AlertTarget, still_open: Sequence[Alert], ended: Sequence[Alert]) -> dict[str, Any]:
    """A digest: what is open, and what ended since the last one."""
    title = f"{len(still_open)} open alert{'' if len(still_open) == 1 else 's'}, {len(ended)} ended"
    lines = [f"{alert.severity.capitalize()}: {alert.message} {_seen(alert)} {_address(alert)}" for alert in still_open[:MOST]]
    lines += [f"Ended: {alert.message}" for alert in ended[:MOST]]
    left = max(0, len(still_open) - MOST) + max(0, len(ended) - MOST)
    lines += [f"And {left} more."] if left else []
    facts = {"open": [_facts(alert) for alert in still_open[:MOST]], "ended": [_facts(alert) for alert in ended[:MOST]]}
    return _content(target, Kind.DIGEST, title, lines, facts)


def about_nothing(target: AlertTarget, person: str) -> dict[str, Any]:
    """A test."""
    lines = [f"{person} pressed the test button. Alerts of {target.organization} will come here."]
    return _content(target, Kind.TEST, "Test of an alert recipient", lines, {})


def _content(target: AlertTarget, kind: str, title: str, lines: list[str], facts: dict[str, Any]) -> dict[str, Any]:
    name = target.organization.name
    return {
        "subject": " ".join(f"Tillbridge: {title}".split())[:LONGEST_SUBJECT],
        "text": "\n".join([*lines, "", f"{name}, Tillbridge"]),
        "event": f"alert.{kind}",
        "organization": {"id": target.organization_id, "name": name},
        **facts,
    }


def _facts(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "severity": alert.severity,
        "cause": alert.cause,
        "message": alert.message,
        "count": alert.count,
        "connection_id": alert.connection_id,
        "opened_at": _moment(alert.opened_at),
        "closed_at": _moment(alert.closed_at),
        "url": _address(alert),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _seen(alert: Alert) -> str:
    times = "once" if alert.count == 1 else f"{alert.count} times"
    ended = f" It ended at {alert.closed_at:%Y-%m-%d %H:%M} UTC." if alert.closed_at else ""
    return f"Seen {times} since {alert.opened_at:%Y-%m-%d %H:%M} UTC.{ended}"


def _address(alert: Alert) -> str:
    return str(settings.PUBLIC_URL) + reverse("admin:audit_alert_change", args=[alert.pk])
