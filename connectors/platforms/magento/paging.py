"""Walking a window of changes: every page starts behind the last row of the one before, so nothing slips past a page border."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.canonical.identity import Notice, ObjectType, Window
from connectors.kit.contract import Page
from connectors.kit.errors import Rejected
from connectors.kit.http import Api
from connectors.kit.tame import Tame
from connectors.platforms.magento.search import Filter, search

_CURSOR = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})\|(\d{1,18})\|(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Walk:
    """What is listed. id_field is the row's own name of its id; filters and sorting call it entity_id everywhere."""

    path: str
    kind: ObjectType
    id_field: str = "entity_id"


@dataclass(frozen=True, slots=True)
class Place:
    """The last row seen: its change time as Magento writes it, its id, and the page size that the shop allows."""

    changed: str
    last_id: int
    page_size: int

    @classmethod
    def read(cls, text: str) -> Place:
        match = _CURSOR.fullmatch(text)
        if not match:
            raise Rejected(f"cursor: expected time|id|size, got {text!r}", code="malformed")
        return cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.changed}|{self.last_id}|{self.page_size}"


def turn_page(api: Api, walk: Walk, window: Window, cursor: str | None, extra: Sequence[Filter] = ()) -> Page:
    """Rows changed in the window behind the cursor, by change time and, within a second, by id.

    Times are UTC in whole seconds whatever the shop's zone (observed). Counting pages instead would repeat or skip rows that
    change while we walk; releases before 2.4 repeated the last page for ever.
    """
    place = Place.read(cursor) if cursor else None
    groups: list[list[Filter]] = [[Filter("updated_at", plain(window.until), "lteq")]]
    if place is None:
        groups.append([Filter("updated_at", plain(window.since), "gteq")])
    else:
        groups.append([Filter("updated_at", place.changed, "gteq")])
        groups.append([Filter("updated_at", place.changed, "gt"), Filter("entity_id", str(place.last_id), "gt")])
    groups += [[one] for one in extra]
    fields, size = f"{walk.id_field},updated_at", place.page_size if place else 100
    found = search(api, walk.path, groups, ("updated_at", "entity_id"), fields=fields, page_size=size)
    rows = [row for row in found.rows if place is None or _key(row, walk) > (place.changed, place.last_id)]
    notices = tuple(Notice(walk.kind, row[walk.id_field].known_identifier(), version=row["updated_at"].text()) for row in rows)
    if not rows or found.total <= len(found.rows):
        return Page(notices)
    return Page(notices, str(Place(*_key(rows[-1], walk), found.page_size)))


def plain(moment: datetime) -> str:
    """The form that filters take: UTC without a zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _key(row: Tame, walk: Walk) -> tuple[str, int]:
    return row["updated_at"].text(), row[walk.id_field].integer()
