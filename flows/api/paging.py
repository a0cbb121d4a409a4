"""Pages of lists: by a cursor, so that no page is counted and none shifts while rows come in."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """next and previous are whole addresses; follow them until next is null."""

    ordering: str | tuple[str, ...] = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Any) -> Any:
        """The package's; a place in it that no row could have is as wrong as a cursor that cannot be read."""
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_place(self.ordering[0], str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


class LatestFirst(NewestFirst):
    """The audit, by the time of what it tells: its index runs so."""

    ordering = ("-at", "-id")


class OldestFirst(NewestFirst):
    """Things that change seldom, in the order in which they were made."""

    ordering = "id"


def _is_place(order: str, position: str) -> bool:
    """A moment where rows are ordered by time, else an id."""
    if not order.endswith("at"):
        return position.isascii() and position.isdecimal() and len(position) < 19
    try:
        at = parse_datetime(position)
        return at is not None and at.tzinfo is not None and at.astimezone(UTC).year > 0
    except (ValueError, OverflowError):
        return False
