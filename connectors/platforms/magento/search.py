"""Searching: Magento's criteria in the query, filters in groups that are ANDed, those of one group ORed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.kit.errors import Refused
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.magento.api import query

PAGE_SIZE = 100  # a shop may allow fewer (at least 1), and tells so
MOST_GROUPS = 10  # from the eleventh group on, 2.4.7 and 2.4.8 sort the parameters unlike the signature's rule (observed)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; kind is eq, in, gt, gteq, lteq ... An unknown kind is silently taken for eq (observed)."""

    field: str
    value: str
    kind: str = "eq"


Groups = Sequence[Sequence[Filter]]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a search, how many match altogether, and how many were asked for at a time."""

    rows: tuple[Tame, ...]
    total: int
    page_size: int


def search(
    api: Api, path: str, groups: Groups, sort: Sequence[str], *, fields: str = "", page: int = 1, page_size: int = PAGE_SIZE
) -> Found:
    """One page, in ascending order. fields is Magento's mask for a row ("entity_id,updated_at"); with one, no rows come as null."""
    if len(groups) > MOST_GROUPS:
        raise ValueError(f"at most {MOST_GROUPS} groups of filters can be signed")
    try:
        answer = api.get(f"{path}?{query(_criteria(groups, sort, fields, page, page_size))}").json(path.strip("/"))
    except Refused as refusal:
        most = int(refusal.field) if refusal.code == "page_size" and refusal.field.isdigit() else 0
        if not 0 < most < page_size:
            raise
        return search(api, path, groups, sort, fields=fields, page=page, page_size=most)
    return Found(tuple(answer["items"].items_or_none()), answer["total_count"].integer(), page_size)


def search_all(api: Api, path: str, filters: Sequence[Filter], id_field: str, fields: str = "") -> list[Any]:
    """All rows that match every filter, by id. Each page starts behind the last id seen: no page is repeated or skipped.

    Customers and products show their id as "id", and filter and sort by entity_id (observed).
    """
    found: dict[str, Any] = {}
    last, size, column = "", PAGE_SIZE, "entity_id" if id_field == "id" else id_field
    while True:
        behind = [[Filter(column, last, "gt")]] if last else []
        page = search(api, path, [*([each] for each in filters), *behind], [column], fields=fields, page_size=size)
        fresh = {key: row.value for row in page.rows if (key := row[id_field].known_identifier()) not in found}
        found.update(fresh)
        if not fresh or page.total <= len(page.rows):
            return list(found.values())
        last, size = list(fresh)[-1], page.page_size


def _criteria(groups: Groups, sort: Sequence[str], fields: str, page: int, page_size: int) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for g, group in enumerate(groups):
        for f, one in enumerate(group):
            place = f"searchCriteria[filterGroups][{g}][filters][{f}]"
            pairs += [(f"{place}[field]", one.field), (f"{place}[value]", one.value), (f"{place}[conditionType]", one.kind)]
    for s, name in enumerate(sort):
        place = f"searchCriteria[sortOrders][{s}]"
        pairs += [(f"{place}[field]", name), (f"{place}[direction]", "ASC")]
    pairs += [("searchCriteria[pageSize]", str(page_size)), ("searchCriteria[currentPage]", str(page))]
    return [*pairs, ("fields", f"items[{fields}],total_count")] if fields else pairs
