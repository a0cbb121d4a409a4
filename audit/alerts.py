"""Alerts: opened once per cause, counted, closed by whoever sees that the cause is gone, mailed once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from smtplib import SMTPException

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.utils import timezone

from audit.models import Alert
from audit.redaction import redact_text

log = logging.getLogger(__name__)

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


def mail_alerts(contacts: Callable[[int], list[str]], *, at_most: int = 100) -> int:
    """Mail open alerts that were not mailed yet to contacts(organization_id); returns how many went out.

    Each is marked before it is sent, so a crash or an unclear answer of the mail server never mails it twice; when the server cannot
    be reached at all nothing is marked, and the next call tries again. Without contacts it stays unmailed.
    """
    waiting = list(Alert.objects.filter(closed_at=None, mailed_at=None).order_by("id")[:at_most])
    addressed = [(alert, to) for alert in waiting if (to := contacts(alert.organization_id))]
    if not addressed:
        return 0
    server = mail.get_connection()
    try:
        server.open()
    except (OSError, SMTPException) as error:
        log.warning("The mail server cannot be reached (%s); alerts will be mailed later.", type(error).__name__)
        return 0
    try:
        return sum(_mail(alert, to, server) for alert, to in addressed)
    finally:
        server.close()


def _mail(alert: Alert, to: list[str], server: BaseEmailBackend) -> int:
    if not Alert.objects.filter(pk=alert.pk, mailed_at=None, closed_at=None).update(mailed_at=timezone.now()):
        return 0  # another worker was faster, or the cause is gone
    subject = " ".join(f"Tillbridge: {alert.message}".split())[:140]
    body = f"{alert.message}\n\nSeen {alert.count} times since {alert.opened_at:%Y-%m-%d %H:%M} UTC."
    try:
        mail.EmailMessage(subject, body, to=to, connection=server).send()
    except (OSError, SMTPException, ValueError):
        log.exception("Alert %s could not be mailed.", alert.pk)
        return 0
    return 1
