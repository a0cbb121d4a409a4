"""What the accounting endpoint needs to know of one resource."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.platforms.freshbooks.sandbox.fields import Refusal, Row
from connectors.platforms.freshbooks.sandbox.search import Filter
from connectors.platforms.freshbooks.sandbox.state import Books, Table

Includes = frozenset[str]


def show_all(_books: Books, row: Row, _includes: Includes) -> Row:
    return row


@dataclass(frozen=True)
class Resource:
    """path is what follows the account; id_field and label word the "not found" error; noun names its webhooks.

    create(books, body) and update(books, row, body) do their own webhooks. A body with vis_state changes nothing else (documented quirk):
    hide is called then, and by HTTP DELETE where deletes says so. make_table builds the empty table of an account.
    """

    path: str
    single: str
    plural: str
    label: str
    scopes: tuple[str, ...]
    make_table: Callable[[int], Table]
    id_field: str = "id"
    show: Callable[[Books, Row, Includes], Row] = show_all
    create: Callable[[Books, Row], Row] | None = None
    update: Callable[[Books, Row, Row], None] | None = None
    hide: Callable[[Books, Row, Any], None] | None = None
    remove: Callable[[Books, Row], None] | None = None
    filters: Mapping[str, Filter] = field(default_factory=dict)
    sorts: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict)
    list_key: str = ""

    def table(self, books: Books) -> Table:
        return books.tables[self.plural]

    def row(self, books: Books, row_id: str) -> Row:
        """The row, deleted or not; a wrong id is 404 with errno 1012."""
        found = self.table(books).rows.get(int(row_id)) if row_id.isascii() and row_id.isdigit() and len(row_id) < 16 else None
        if found is None:
            raise Refusal(404, 1012, f"{self.label} not found.", field=self.id_field, value=row_id, thing=self.single)
        return found


def usable(books: Books, plural: str, field_name: str, row_id: int, label: str) -> Row:
    """A row that a new object may refer to: it exists (else 1012) and is not deleted (else 1011)."""
    row = books.tables[plural].rows.get(row_id)
    if row is None:
        raise Refusal(422, 1012, f"{label} not found.", field=field_name, value=row_id)
    if row.get("vis_state", 0) == 1:
        raise Refusal(422, 1011, f"{label} has been deleted.", field=field_name, value=row_id)
    return row
