"""The last objects that changed at a flow's source: what a person recognises when something is tried out on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.canonical.identity import Notice, Window
from connectors.kit.errors import NeedsAttention
from flows.notices import usable
from flows.pipeline.workbench import Workbench, calling

# Ever wider, so that a busy shop is asked about an hour and a quiet one about a year.
_LOOK_BACK = tuple(timedelta(hours=hours) for hours in (1, 24, 24 * 7, 24 * 30, 24 * 365))
_PAGES = 10  # of one window; who has more in it had enough of it in a narrower one


def latest(bench: Workbench, count: int, now: datetime) -> list[str]:
    """Their ids, the last change first. Raises SyncError when the source does not answer."""
    found: list[str] = []
    for span in _LOOK_BACK:
        found = _changed(bench, Window(now - span, now))
        if len(found) >= count:
            break
    return found[:count]


def _changed(bench: Workbench, window: Window) -> list[str]:
    page_of = bench.source.connector.reads[bench.recipe.source].page
    if page_of is None:
        raise NeedsAttention(f"{bench.source.connection.label} cannot list what changed.", code="no_listing")
    notices: list[Notice] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        with calling(bench.source) as api:
            listed = page_of(api, window, cursor)
        notices += usable(listed.notices)
        cursor = listed.next
        if cursor is None:
            break
    there = [notice for notice in reversed(notices) if not notice.deleted]  # of one second, the one listed last is the later one
    ordered = sorted(there, key=lambda notice: notice.version, reverse=True)
    return list(dict.fromkeys(notice.source_id for notice in ordered))
