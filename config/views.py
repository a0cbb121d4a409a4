"""/healthz: this process is alive. /readyz: it can take webhooks, which needs the database as this version wants it, and nothing else."""

from __future__ import annotations

import time

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from kombu import Connection as BrokerConnection

from config.doctor.machine import missing_migrations, sweep_age

LOOKED_EVERY = 10.0  # seconds for which what was found out about the broker holds: every proxy asks
_broker: tuple[float, bool] = (float("-inf"), False)
_migrated = False


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when a webhook could be stored. A late sweep and a broker that is away are told, but do not take the process out of service:
    what comes in waits.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        missing = _missing()
        age = sweep_age()
    except Error:
        return JsonResponse({"status": "not ready", "database": "does not answer"}, status=503)
    if missing:
        return JsonResponse({"status": "not ready", "database": "answers", "migrations": f"{missing} to be applied"}, status=503)
    broker = "answers" if _broker_answers() else "does not answer"
    told = {"status": "ready", "database": "answers", "migrations": "applied", "broker": broker}
    return JsonResponse({**told, "sweep_age_seconds": None if age is None else round(age, 1)})


def _missing() -> int:
    """How many migrations are to be applied. Once there are none it stays so while this process runs: its code does not change."""
    global _migrated
    missing = 0 if _migrated else len(missing_migrations())
    _migrated = not missing
    return missing


def _broker_answers() -> bool:
    """Whether a connection can be made, within a second."""
    global _broker
    at, well = _broker
    if time.monotonic() - at > LOOKED_EVERY:
        well = _reaches_broker()
        _broker = time.monotonic(), well
    return well


def _reaches_broker() -> bool:
    bounds = {"socket_timeout": 1, "socket_connect_timeout": 1} if settings.BROKER_URL.startswith("redis") else {}
    try:
        with BrokerConnection(settings.BROKER_URL, connect_timeout=1, transport_options=bounds) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=1)
    except Exception:  # noqa: BLE001 - each kind of broker fails in its own classes
        return False
    return True
