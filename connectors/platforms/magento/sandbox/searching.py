"""Search criteria from a raw query, and what they find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_plus

from connectors.platforms.magento.sandbox.wire import Json, Refusal, masked, required

_FILTER = re.compile(r"(?:searchCriteria|search_criteria)\[(?:filterGroups|filter_groups)\]\[(\d+)\]\[filters\]\[(\d+)\]\[(\w+)\]")
_SORT = re.compile(r"(?:searchCriteria|search_criteria)\[(?:sortOrders|sort_orders)\]\[(\d+)\]\[(\w+)\]")
_PAGE = re.compile(r"(?:searchCriteria|search_criteria)\[(pageSize|page_size|currentPage|current_page)\]")


@dataclass
class Criteria:
    """Groups of filters, sort orders, page."""

    groups: dict[str, dict[str, Json]] = field(default_factory=dict)
    sorts: dict[str, Json] = field(default_factory=dict)
    page_size: int = 0
    page: int = 1
    fields: str = ""
    given: bool = False


def parse_criteria(url: str) -> Criteria:
    """The criteria of a target such as /rest/V1/orders?searchCriteria=..."""
    found = Criteria()
    for part in filter(None, url.partition("?")[2].split("&")):
        name, _, value = (unquote_plus(piece) for piece in part.partition("="))
        found.given |= name.startswith(("searchCriteria", "search_criteria"))
        if match := _FILTER.fullmatch(name):
            found.groups.setdefault(match[1], {}).setdefault(match[2], {})[match[3]] = value
        elif match := _SORT.fullmatch(name):
            found.sorts.setdefault(match[1], {})[match[2]] = value
        elif match := _PAGE.fullmatch(name):
            number = int(value) if value.lstrip("-").isdigit() else 0
            if match[1] in ("pageSize", "page_size"):
                found.page_size = number
            else:
                found.page = max(number, 1)
        elif name == "fields":
            found.fields = value
    return found


def listing(
    rows: Iterable[Json], criteria: Criteria, columns: Mapping[str, str], show: Callable[[Json], Json], limit: int, unknown: Refusal
) -> Any:
    """The answer to a search. columns: filter name -> the row's key; unknown: what a strange field answers."""
    if not criteria.given:
        raise required("searchCriteria")
    if limit and criteria.page_size > limit:
        raise Refusal(400, "Maximum SearchCriteria pageSize is %max", {"max": limit})
    found = [row for row in rows if _fits(row, criteria, columns, unknown)]
    for _, order in sorted(criteria.sorts.items(), reverse=True):
        name = columns.get(order.get("field", ""))
        if name is None:
            raise unknown
        if order.get("direction", "ASC") not in ("ASC", "DESC"):
            raise Refusal(400, "The sort order has to be specified as ASC for ascending order or DESC for descending order.")
        found.sort(key=lambda row, name=name: _comparable(row.get(name)), reverse=order.get("direction") == "DESC")  # type: ignore[misc]
    size = criteria.page_size if criteria.page_size > 0 else max(len(found), 1)
    start = (criteria.page - 1) * size
    shown = {
        "items": [show(row) for row in found[start : start + size]],
        "search_criteria": {"filter_groups": [], "page_size": size, "current_page": criteria.page},
        "total_count": len(found),
    }
    return masked(shown, criteria.fields) if criteria.fields else shown


def _fits(row: Json, criteria: Criteria, columns: Mapping[str, str], unknown: Refusal) -> bool:
    """Groups are ANDed, the filters within one ORed."""
    for group in criteria.groups.values():
        results = []
        for one in group.values():
            if one.get("field", "") not in columns:
                raise unknown
            kind = one.get("conditionType", one.get("condition_type", "eq"))
            results.append(_matches(row.get(columns[one["field"]]), str(one.get("value") or ""), str(kind)))
        if results and not any(results):
            return False
    return True


def _comparable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    try:
        return (1, Decimal(str(value)))
    except InvalidOperation:
        return (2, str(value).casefold())


def _matches(value: Any, wanted: str, kind: str) -> bool:
    """One condition; an unknown one behaves like eq (observed)."""
    mine, theirs = _comparable(value), _comparable(wanted)
    tests: dict[str, Callable[[], bool]] = {
        "neq": lambda: mine != theirs,
        "gt": lambda: value is not None and mine > theirs,
        "gteq": lambda: value is not None and mine >= theirs,
        "from": lambda: value is not None and mine >= theirs,
        "lt": lambda: value is not None and mine < theirs,
        "lteq": lambda: value is not None and mine <= theirs,
        "to": lambda: value is not None and mine <= theirs,
        "in": lambda: mine in [_comparable(part) for part in wanted.split(",")],
        "nin": lambda: mine not in [_comparable(part) for part in wanted.split(",")],
        "null": lambda: value is None,
        "notnull": lambda: value is not None,
        "like": lambda: bool(re.fullmatch(re.escape(wanted).replace("%", ".*"), str(value or ""), re.IGNORECASE)),
    }
    return tests.get(kind, lambda: mine == theirs)()
