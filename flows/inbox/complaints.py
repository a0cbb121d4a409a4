"""What nobody takes back is closed by itself once it has stopped: complaints of the inbox, and what platforms warn of."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from audit.alerts import close_alert
from audit.models import Alert
from flows.models import InboundEvent, SyncCursor

QUIET = timedelta(hours=1)  # shorter, and a forger who tries now and then would have each try mailed anew
HEEDED = timedelta(days=1)  # a warning is repeated about every hour while its connection is used


def close_quiet_complaints(now: datetime) -> int:
    """Close the alerts about wrong signatures, unreadable webhooks and platforms' warnings that have ended; how many."""
    inbox = Q(cause__startswith="signature:") | Q(cause__startswith="webhook:")
    quiet = Alert.objects.filter(inbox, closed_at=None, seen_at__lt=now - QUIET)
    over = [alert for alert in quiet if alert.connection_id and _good_since(alert.connection_id, alert.seen_at)]
    warned = Alert.objects.filter(cause__startswith="platform:", closed_at=None, seen_at__lt=now - HEEDED)
    over += [alert for alert in warned if alert.connection_id and _read_since(alert.connection_id, alert.seen_at + HEEDED)]
    return sum(close_alert(alert.organization_id, alert.cause) for alert in over)


def _good_since(connection_id: int, moment: datetime) -> bool:
    """Whether the connection sent something that names an object since then: silence alone mends nothing."""
    since = InboundEvent.objects.filter(connection_id=connection_id, received_at__gt=moment)
    return since.exclude(object_type="").exists()


def _read_since(connection_id: int, moment: datetime) -> bool:
    """Whether the connection was read since then, without another warning."""
    return SyncCursor.objects.filter(flow__source_id=connection_id, polled_at__gt=moment).exists()
