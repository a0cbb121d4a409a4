"""Walking a listing to its end without missing rows that move while we walk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.canonical.identity import Window
from connectors.kit.errors import Rejected
from connectors.kit.http import Api, Response
from connectors.kit.tame import Tame

PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which walk (a status, "any" first), which page of it, and how many rows there were when it was last told."""

    walk: str
    page: int = 1
    total: int = 0

    @classmethod
    def read(cls, text: str | None, first: str) -> Cursor:
        """The cursor as it was given out; None begins the first walk."""
        if text is None:
            return cls(first)
        match = re.fullmatch(r"([a-z]+):(\d+):(\d+)", text)
        if not match:
            raise Rejected(f"cursor: expected walk:page:total, got {text!r}", code="malformed")
        return cls(match[1], int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{self.walk}:{self.page}:{self.total}"


@dataclass(frozen=True, slots=True)
class Leaf:
    """The rows of one page and the cursor behind it within the same walk (None at its end)."""

    rows: tuple[Tame, ...]
    next: Cursor | None


def turn_page(api: Api, path: str, cursor: Cursor, params: Sequence[tuple[str, str]], name: str) -> Leaf:
    """One page in the order of ids, which unlike change times are unique: ties between pages are never shuffled.

    A row that leaves the listing while we walk (changed again, deleted) moves all later rows forward; then the total
    shrinks, and we step back so far that nothing slipped past the page border.
    """
    ordered = [("orderby", "id"), ("order", "asc"), ("per_page", str(PER_PAGE)), ("page", str(cursor.page))]
    response = api.get(path, [*params, *ordered])
    total = _count(response, "x-wp-total")
    missed = cursor.total - total if cursor.page > 1 else 0
    if missed > 0:
        back = max(1, cursor.page - -(-missed // PER_PAGE))
        return Leaf((), Cursor(cursor.walk, back, total))
    rows = tuple(response.json(name).items())
    more = _has_next(response, cursor.page, full=len(rows) >= PER_PAGE)
    return Leaf(rows, Cursor(cursor.walk, cursor.page + 1, total) if rows and more else None)


def changed_in(window: Window) -> list[tuple[str, str]]:
    """The filters for a closed window. Both bounds are exclusive and in whole seconds, so each moves out by one;
    GMT goes without a suffix plus the flag, for a suffix would be converted twice (observed with WooCommerce 11.0.1).
    """
    second = timedelta(seconds=1)
    return [
        ("modified_after", _bare_gmt(window.since - second)),
        ("modified_before", _bare_gmt(window.until + second)),
        ("dates_are_gmt", "true"),
    ]


def in_window(moment: datetime | None, window: Window) -> bool:
    """Whether a time of whole seconds may lie in the window; an unknown time counts as inside."""
    return moment is None or window.since.replace(microsecond=0) <= moment <= window.until


def _bare_gmt(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _count(response: Response, header: str) -> int:
    text = response.headers.get(header, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _has_next(response: Response, page: int, full: bool) -> bool:
    """By rel=next or the page count; where a proxy drops both headers, a full page has another one behind it."""
    link, pages = response.headers.get("link", ""), response.headers.get("x-wp-totalpages", "")
    if 'rel="next"' in link:
        return True
    return page < int(pages) if pages.isascii() and pages.isdigit() else full
