"""Lists: filters, sorting and pages. Unknown filters and sorts are ignored without a word, as observed live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.platforms.freshbooks.sandbox.fields import Refusal, Row, day, number
from connectors.platforms.freshbooks.sandbox.state import Books, Table, index_key

_SEARCH = re.compile(r"search\[(\w+)\](\[\])?")
PAGE_SIZE, LARGEST_PAGE = 15, 100
Query = tuple[tuple[str, str], ...]
RECENT = "by change"


@dataclass(frozen=True)
class Filter:
    """A filter that works. test(row, value, books); index: the table's index that answers it; many: takes a list of values."""

    test: Callable[[Row, Any, Books], bool]
    index: str = ""
    many: bool = False
    read: Callable[[str, str], Any] = lambda _field, value: value


def equals(name: str) -> Filter:
    """The field equals the value; through the index of that name where the table has one."""
    return Filter(lambda row, value, _books: index_key(row.get(name)) == index_key(value), name)


def one_of(name: str) -> Filter:
    return Filter(equals(name).test, name, many=True)


def like(*names: str) -> Filter:
    """Any of the fields contains the value."""
    return Filter(lambda row, value, _books: any(value.casefold() in str(row.get(name) or "").casefold() for name in names))


def _day_of(field: str, value: str) -> str:
    return day(field, value[:10])


def between_days(key: str, name: str) -> dict[str, Filter]:
    """key_min and key_max over a date or time field, by whole days: from the first day on, before the last."""
    index = RECENT if name == "updated" else ""
    return {
        f"{key}_min": Filter(lambda row, value, _books: str(row[name])[:10] >= value, index, read=_day_of),
        f"{key}_max": Filter(lambda row, value, _books: str(row[name])[:10] < value, read=_day_of),
    }


def between_amounts(key: str, name: str) -> dict[str, Filter]:
    return {
        f"{key}_min": Filter(lambda row, value, _books: Decimal(row[name]["amount"]) >= value, read=number),
        f"{key}_max": Filter(lambda row, value, _books: Decimal(row[name]["amount"]) < value, read=number),
    }


def _wanted(query: Query, filters: Mapping[str, Filter]) -> list[tuple[str, Filter, list[Any]]]:
    """The known filters of a query with their values read."""
    values: dict[str, list[str]] = {}
    for key, value in query:
        match = _SEARCH.fullmatch(key)
        if match and match[1] in filters:
            values.setdefault(match[1], []).append(value)
    return [
        (key, filters[key], [filters[key].read(key, value) for value in (found if filters[key].many else found[-1:])])
        for key, found in values.items()
    ]


def _visible(query: Query) -> str | None:
    states = [value for key, value in query if key == "search[vis_state]"]
    return states[-1] if states else None


def _candidates(table: Table, wanted: list[tuple[str, Filter, list[Any]]], state: str | None) -> Iterable[int]:
    """The fewest rows that an index can promise to contain all hits."""
    for _, each, values in wanted:
        if each.index and each.index != RECENT and table.has_index(each.index):
            return sorted({row_id for value in values for row_id in table.ids_by(each.index, value)})
    for _, each, values in wanted:
        if each.index == RECENT:
            return sorted(table.changed_since(values[-1]))
    return table.active if state is None else sorted(table.ids_by("vis_state", state))


def find_rows(table: Table, query: Query, filters: Mapping[str, Filter], books: Books) -> list[int]:
    """Ids of the rows that match, in creation order; without search[vis_state] deleted ones are left out."""
    wanted, state = _wanted(query, filters), _visible(query)
    candidates = _candidates(table, wanted, state)
    if candidates is table.active and not wanted:
        return list(candidates)

    def hit(row: Row) -> bool:
        seen = row.get("vis_state", 0)
        if (seen == 1) if state is None else (str(seen) != state):
            return False
        return all(any(each.test(row, value, books) for value in values) for _, each, values in wanted)

    return [row_id for row_id in candidates if hit(table.rows[row_id])]


def _page_number(query: Query, name: str, default: int, errno: int) -> int:
    values = [value for key, value in query if key == name]
    if not values:
        return default
    if not (values[-1].isascii() and values[-1].isdigit() and len(values[-1]) < 10):
        raise Refusal(422, errno, f"{name} must be a positive integer.", field=name, value=values[-1])
    return int(values[-1])


@dataclass(frozen=True)
class PageOfRows:
    rows: list[Row]
    figures: dict[str, int]


def page_of(table: Table, ids: list[int], query: Query, sorts: Mapping[str, Callable[[Row], Any]], extra: int) -> PageOfRows:
    """One page, sorted where the sort is a known one. per_page is capped silently, page 0 is page 1."""
    page = _page_number(query, "page", 1, 1014) or 1
    size = min(_page_number(query, "per_page", PAGE_SIZE, 1013), LARGEST_PAGE)
    if size == 0:
        raise Refusal(422, 1013, "per_page must be a positive integer.", field="per_page", value="0")
    key, _, direction = dict(query).get("sort", "").rpartition("_")
    if key in sorts and direction in ("asc", "desc"):
        ids = sorted(ids, key=lambda row_id: sorts[key](table.rows[row_id]), reverse=direction == "desc")
    total = len(ids) + extra
    shown = [table.rows[row_id] for row_id in ids[(page - 1) * size : page * size]]
    return PageOfRows(shown, {"page": page, "pages": -(-total // size), "per_page": size, "total": total})
