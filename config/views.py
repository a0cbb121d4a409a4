"""/healthz: this process is alive. /readyz: it can take webhooks, which needs the database and nothing else."""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse

from config.doctor.machine import sweep_age


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when a webhook could be stored. A late sweep is told, but does not take the process out of service: what comes in waits."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        age = sweep_age()
    except Error:
        return JsonResponse({"status": "not ready", "database": "does not answer"}, status=503)
    return JsonResponse({"status": "ready", "database": "answers", "sweep_age_seconds": None if age is None else round(age, 1)})
