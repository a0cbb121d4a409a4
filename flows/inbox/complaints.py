"""What the inbox complained about is closed by itself, once it has stopped and good deliveries come in again."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from audit.alerts import close_alert
from audit.models import Alert
from flows.models import InboundEvent

QUIET = timedelta(hours=1)  # shorter, and a forger who tries now and then would have each try mailed anew


def close_quiet_complaints(now: datetime) -> int:
    """Close the alerts about wrong signatures and unreadable webhooks that have ended; how many."""
    inbox = Q(cause__startswith="signature:") | Q(cause__startswith="webhook:")
    quiet = Alert.objects.filter(inbox, closed_at=None, seen_at__lt=now - QUIET)
    over = [alert for alert in quiet if alert.connection_id and _good_since(alert.connection_id, alert.seen_at)]
    return sum(close_alert(alert.organization_id, alert.cause) for alert in over)


def _good_since(connection_id: int, moment: datetime) -> bool:
    """Whether the connection sent something that names an object since then: silence alone mends nothing."""
    since = InboundEvent.objects.filter(connection_id=connection_id, received_at__gt=moment)
    return since.exclude(object_type="").exists()
