"""Alerts: once, counted, closed."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from audit.alerts import close_alert, open_alert
from audit.models import Alert


@pytest.mark.django_db
def test_a_cause_has_one_open_alert_that_counts() -> None:
    assert open_alert(1, "down:4", "The shop is down.", "warning", connection_id=4)
    assert not open_alert(1, "down:4", "The shop is still down.", "error", connection_id=4)
    assert open_alert(2, "down:4", "Another organization.", "error")
    alert = Alert.objects.get(organization_id=1)
    assert (alert.count, alert.message, alert.severity, alert.connection_id) == (2, "The shop is still down.", "error", 4)
    assert alert.seen_at > alert.opened_at
    assert alert.opened_at.tzinfo is not None


@pytest.mark.django_db
def test_closing_and_opening_again() -> None:
    open_alert(1, "c", "m", "error")
    assert close_alert(1, "c")
    assert not close_alert(1, "c")
    assert open_alert(1, "c", "m", "error")
    assert Alert.objects.filter(cause="c").count() == 2
    assert Alert.objects.get(cause="c", closed_at=None).count == 1


@pytest.mark.django_db(transaction=True)
def test_eight_threads_open_one_alert() -> None:
    def see() -> None:
        for _ in range(5):
            opened.append(open_alert(1, "same", "m", "error"))
        connection.close()

    opened: list[bool] = []
    threads = [threading.Thread(target=see) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == [False] * 39 + [True]
    assert Alert.objects.get().count == 40
