"""Watches, from the web process, that the sweep still runs; a dead worker or beat is told even if nobody looks."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

from django.db import connection as database
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert
from counting.tally import flush_sometimes
from credentials.models import Organization
from flows.models import PeriodicLease

logger = logging.getLogger(__name__)
SILENT = timedelta(seconds=60)
CAUSE = "sweep"
SENTENCE = (
    "The background worker has not run for a minute: orders are stored but not booked. "
    "Start worker and beat (`manage.py doctor` tells more)."
)


def start_watchdog() -> None:
    """One thread per web process."""
    threading.Thread(target=_watch, name="watchdog", daemon=True).start()


def _watch() -> None:
    started = timezone.now()
    while True:
        time.sleep(20)
        try:
            flush_sometimes()
            if timezone.now() - started > SILENT:
                look()
        except Exception:
            logger.exception("the watchdog could not look")
        finally:
            database.close()


def look() -> bool:
    """Open or close the alert; True when the sweep is alive."""
    ran_at = PeriodicLease.objects.filter(name="sweep").values_list("ran_at", flat=True).first()
    alive = ran_at is not None and timezone.now() - ran_at < SILENT
    for organization in Organization.objects.values_list("pk", flat=True):
        if alive:
            close_alert(organization, CAUSE)
        else:
            open_alert(organization, CAUSE, SENTENCE, Alert.Severity.ERROR)
    return alive
