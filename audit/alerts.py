"""Alerts: opened once per cause, counted, closed by whoever sees that the cause is gone. Who is told of them: flows/alerting/."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from audit.models import Alert
from audit.redaction import redact_text

# One statement, so that two workers that see the same cause open one alert (the partial unique index decides).
_OPEN = """
INSERT INTO audit_alert (organization_id, connection_id, cause, severity, message, count, opened_at, seen_at)
VALUES (%s, %s, %s, %s, %s, 1, %s, %s)
ON CONFLICT (organization_id, cause) WHERE closed_at IS NULL
DO UPDATE SET count = audit_alert.count + 1, seen_at = EXCLUDED.seen_at, message = EXCLUDED.message, severity = EXCLUDED.severity
RETURNING count
"""


def open_alert(organization_id: int, cause: str, message: str, severity: str, connection_id: int | None = None) -> bool:
    """Open the alert of this cause, or count it again; True when it is new."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    values = [organization_id, connection_id, cause[:150], severity, redact_text(message), now, now]
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, values)
        return bool(cursor.fetchone()[0] == 1)


def close_alert(organization_id: int, cause: str) -> bool:
    """The cause is gone; True when an alert was open."""
    still_open = Alert.objects.filter(organization_id=organization_id, cause=cause[:150], closed_at=None)
    return bool(still_open.update(closed_at=timezone.now()))
