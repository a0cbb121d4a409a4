"""Alerts about wrong signatures and unreadable webhooks end by themselves, and only when their cause has gone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.alerts import open_alert
from audit.models import Alert
from flows.alerting.delivering import tell_alerts
from flows.inbox.complaints import close_quiet_complaints
from flows.models import Flow, InboundEvent

NOW = timezone.now()


def complain(flow: Flow, cause: str, minutes_ago: int) -> Alert:
    open_alert(flow.organization_id, f"{cause}:{flow.source_id}", "It is wrong.", Alert.Severity.WARNING, connection_id=flow.source_id)
    Alert.objects.update(seen_at=NOW - timedelta(minutes=minutes_ago))
    return Alert.objects.get()


def deliver(connection_id: int, at: datetime, object_type: str = "order") -> None:
    InboundEvent.objects.create(
        connection_id=connection_id, dedupe_key=f"k{at}{object_type}", topic="t", body=b"{}", received_at=at, object_type=object_type
    )


@pytest.mark.parametrize("cause", ["signature", "webhook"])
def test_a_cause_that_has_gone_closes_its_alert(flow: Flow, cause: str) -> None:
    alert = complain(flow, cause, 61)
    deliver(flow.source_id, NOW)
    tell_alerts()
    alert.refresh_from_db()
    assert alert.closed_at is not None


@pytest.mark.parametrize("cause", ["signature", "webhook"])
@pytest.mark.parametrize("case", ["silence", "too early", "only before", "only unreadable", "another connection"])
def test_a_cause_that_may_still_be_there_keeps_it_open(flow: Flow, cause: str, case: str) -> None:
    complain(flow, cause, 59 if case == "too early" else 61)
    if case in ("too early", "only unreadable"):
        deliver(flow.source_id, NOW, "" if case == "only unreadable" else "order")
    if case == "only before":
        deliver(flow.source_id, NOW - timedelta(minutes=62))
    if case == "another connection":
        deliver(flow.destination_id, NOW)
    assert close_quiet_complaints(NOW) == 0
    assert Alert.objects.get().closed_at is None


def test_other_alerts_are_not_touched(flow: Flow) -> None:
    complain(flow, "authorise", 600)
    deliver(flow.source_id, NOW)
    assert close_quiet_complaints(NOW) == 0
