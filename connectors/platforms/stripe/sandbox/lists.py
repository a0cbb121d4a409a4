"""Lists: newest first, pages by the id of a neighbour, a few filters by equality and by time of creation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from connectors.platforms.stripe.sandbox.reading import only, whole
from connectors.platforms.stripe.sandbox.state import Refusal, Row

PAGING = ("limit", "starting_after", "ending_before", "created")
_BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda at, bound: at > bound,
    "gte": lambda at, bound: at >= bound,
    "lt": lambda at, bound: at < bound,
    "lte": lambda at, bound: at <= bound,
}


def listed(rows: Iterable[Row], query: Row, url: str, filters: dict[str, Callable[[Row, Any], bool]]) -> Row:
    """One page of a list object. Rows come in the order of their creation."""
    only(query, (*PAGING, *filters))
    found = [row for row in rows if _created(row, query.get("created"))]
    for name, test in filters.items():
        if name in query:
            found = [row for row in found if test(row, query[name])]
    page, more = _page(found[::-1], query)
    return {"object": "list", "data": page, "has_more": more, "url": url}


def equals(name: str) -> Callable[[Row, Any], bool]:
    return lambda row, value: row.get(name) == value


def _created(row: Row, wanted: Any) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return bool(row["created"] == whole("created", wanted))
    only(wanted, tuple(_BOUNDS))
    return all(_BOUNDS[name](row["created"], whole(f"created[{name}]", bound)) for name, bound in wanted.items())


def _page(rows: list[Row], query: Row) -> tuple[list[Row], bool]:
    limit = whole("limit", query.get("limit", "10"))
    if not 1 <= limit <= 100:
        raise Refusal(400, "Invalid integer: limit must be between 1 and 100.", param="limit")
    ids = [row["id"] for row in rows]
    if "starting_after" in query:
        start = _place(ids, query["starting_after"], "starting_after") + 1
        return rows[start : start + limit], start + limit < len(rows)
    if "ending_before" in query:
        end = _place(ids, query["ending_before"], "ending_before")
        return rows[max(0, end - limit) : end], end - limit > 0
    return rows[:limit], limit < len(rows)


def _place(ids: list[str], id: str, param: str) -> int:
    if id not in ids:
        raise Refusal(400, f"No such object: '{id}'", code="resource_missing", param=param)
    return ids.index(id)
