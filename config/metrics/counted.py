"""Metrics made of the totals that all processes count together (counting/)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from counting.models import Count
from counting.tally import BOUNDS, BUCKET, SUM

PREFIX = "tillbridge_"


@dataclass(frozen=True, slots=True)
class Told:
    """How a total is shown; labels in the order in which they were counted."""

    help: str
    labels: tuple[str, ...]


COUNTERS = {
    "jobs_ended": Told("Jobs that came to an end, by flow and by how they ended.", ("flow", "state")),
    "jobs_put_off": Told("Attempts after which a job waits for the next one, by flow.", ("flow",)),
    "calls": Told("Calls to platforms by connection and class of answer (failed: none came).", ("connection", "answer")),
    "call_seconds": Told("Seconds that calls to platforms took, by connection.", ("connection",)),
    "throttles": Told("Calls that were put off, by connection and by whom (limit: our own).", ("connection", "by")),
}
HISTOGRAMS = {
    "ack_seconds": Told("Seconds from a delivery to our answer, by platform.", ("platform",)),
    "job_seconds": Told("Seconds from a job's making to its end, by flow.", ("flow",)),
}


def counted_metrics() -> Iterator[Metric]:
    """One query for all."""
    totals: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for name, labels, value in Count.objects.values_list("name", "labels", "value").order_by("name", "labels"):
        totals[name][tuple(json.loads(labels))] = value
    for name, told in COUNTERS.items():
        counter = CounterMetricFamily(PREFIX + name, told.help, labels=told.labels)
        for values, total in totals[name].items():
            counter.add_metric(values, total)
        yield counter
    for name, told in HISTOGRAMS.items():
        yield _histogram(name, told, totals[name + BUCKET], totals[name + SUM])


def _histogram(name: str, told: Told, buckets: dict[tuple[str, ...], float], sums: dict[tuple[str, ...], float]) -> Metric:
    """Prometheus wants each bucket with all that is below it."""
    made = HistogramMetricFamily(PREFIX + name, told.help, labels=told.labels)
    for labels, total in sums.items():
        below, rising = 0.0, []
        for bound in (*map(str, BOUNDS[name]), "+Inf"):
            below += buckets.get((*labels, bound), 0.0)
            rising.append((bound, below))
        made.add_metric(labels, rising, total)
    return made
