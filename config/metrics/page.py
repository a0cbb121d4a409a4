"""/metrics: for whoever knows the token; without a token there is no such page."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config.metrics.counted import counted_metrics
from config.metrics.tables import table_metrics
from counting.tally import flush


class Everything(Collector):
    """Prometheus' own form of asking."""

    def collect(self) -> Iterator[Metric]:
        yield from counted_metrics()
        yield from table_metrics(timezone.now())


def metrics(request: HttpRequest) -> HttpResponse:
    """404 without METRICS_TOKEN, 401 without it in the request, 503 when the database does not answer."""
    if not settings.METRICS_TOKEN:
        return HttpResponse(status=404)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Everything())
    flush()
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except Error:
        return HttpResponse("The database does not answer.", status=503, content_type="text/plain")
