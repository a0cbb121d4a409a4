"""Records of a flow's source, read to show what they carry: names of products, taxes, ways to pay. Read-only, kept for two minutes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.cache import cache

from connectors.kit.errors import SyncError, Unauthorised
from flows.models import Flow, SyncRecord
from flows.pipeline.extract import extract
from flows.pipeline.workbench import Workbench, open_workbench
from flows.preview import refuse_writes
from flows.recipes import RECIPES

FRESH = 120  # seconds
LATEST = 10  # records that tell what a shop uses


def read_record(flow: Flow, source_id: str) -> Any:
    """The record's canonical value. Raises SyncError when it cannot be read."""
    known = cache.get(_key(flow, source_id))
    return _read(open_workbench(flow, refuse_writes), source_id) if known is None else known


def read_records(flow: Flow, source_ids: Iterable[str]) -> list[Any]:
    """Those that can be read, each once, in their order. Raises SyncError only where the source cannot be asked at all."""
    ids = list(dict.fromkeys(source_ids))
    known: dict[str, Any] = cache.get_many([_key(flow, source_id) for source_id in ids])
    bench: Workbench | None = None
    found = []
    for source_id in ids:
        value = known.get(_key(flow, source_id))
        try:
            if value is None:
                bench = bench or open_workbench(flow, refuse_writes)
                value = _read(bench, source_id)
            found.append(value)
        except Unauthorised:
            raise
        except SyncError:
            continue
    return found


def latest(flow: Flow, count: int = LATEST) -> list[str]:
    """The source ids of the records that came last."""
    mine = SyncRecord.objects.filter(flow=flow, object_type=RECIPES[flow.recipe].source.value)
    return list(mine.order_by("-id").values_list("source_id", flat=True)[:count])


def _read(bench: Workbench, source_id: str) -> Any:
    value = extract(bench, source_id).value
    cache.set(_key(bench.flow, source_id), value, FRESH)
    return value


def _key(flow: Flow, source_id: str) -> str:
    return f"record-{flow.pk}-{source_id}"
