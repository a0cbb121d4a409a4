"""Pages of lists: by a cursor, so that no page is counted and none shifts while rows come in."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """next and previous are whole addresses; follow them until next is null."""

    ordering: str | tuple[str, ...] = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


class LatestFirst(NewestFirst):
    """The audit, by the time of what it tells: its index runs so."""

    ordering = ("-at", "-id")


class OldestFirst(NewestFirst):
    """Things that change seldom, in the order in which they were made."""

    ordering = "id"
