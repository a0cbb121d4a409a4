"""The doorbell: tells the workers that there is work. Never waits, never fails; the sweep is the guarantee."""

from __future__ import annotations

import logging
import threading
import time

from celery import current_app

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.2
_wanted = threading.Event()
_started = threading.Lock()
_thread: threading.Thread | None = None


def ring() -> None:
    """Ask for one bell message, sent by a background thread; more rings meanwhile are the same ring."""
    global _thread
    if _thread is None or not _thread.is_alive():
        with _started:
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_ring_for_ever, name="bell", daemon=True)
                _thread.start()
    _wanted.set()


def ring_later(seconds: float) -> None:
    """Ring after a short wait, so that a job due in half a second does not lie until the next sweep."""
    alarm = threading.Timer(seconds, ring)
    alarm.daemon = True
    alarm.start()


def _ring_for_ever() -> None:
    while True:
        _wanted.wait()
        _wanted.clear()
        ring_now()
        time.sleep(QUIET_SECONDS)


def ring_now() -> None:
    """Send the message; a broker that is down or frozen costs this thread its socket time-out and nobody else anything."""
    try:
        current_app.send_task("flows.tasks.drain", expires=60, ignore_result=True, retry=False)
    except Exception as problem:  # noqa: BLE001 - whatever a broker can do, the sweep finds the work
        logger.warning("the bell could not be rung (%s); the sweep will find the work", type(problem).__name__)
