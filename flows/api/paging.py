"""Pages of lists: by a cursor, so that no page is counted and none shifts while rows come in."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """next and previous are whole addresses; follow them until next is null."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


class OldestFirst(NewestFirst):
    """Things that change seldom, in the order in which they were made."""

    ordering = "id"
