"""Pages of big tables: counted only up to a bound, because nobody turns to page 4,000 and counting millions takes seconds."""

from __future__ import annotations

from typing import Any

from django.utils.functional import cached_property

from audit.console.generics import AnyPaginator

AT_MOST = 10_000


class BoundedPaginator(AnyPaginator):
    """Counts at most AT_MOST rows; is_cut says that there are more."""

    @cached_property
    def _seen(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: AT_MOST + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self._seen, AT_MOST)

    @property
    def is_cut(self) -> bool:
        return self._seen > AT_MOST
