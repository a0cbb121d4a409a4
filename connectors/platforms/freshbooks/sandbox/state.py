"""What the FreshBooks sandbox holds: accounts with tables that keep their own indexes, and a clock."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from connectors.platforms.freshbooks.sandbox.fields import Row
from connectors.platforms.freshbooks.sandbox.switches import Switches

EASTERN = ZoneInfo("America/New_York")
MAIN_ACCOUNT = "Tb7Qx1"
SECOND_ACCOUNT = "Tb9Kz4"
Index = Callable[[Row], Any]


def index_key(value: Any) -> str:
    """Equal filters compare text without regard to case, as the vendor's database does."""
    return str(value).casefold()


class Table:
    """Rows by id, with named indexes, the active ones in creation order and all of them in order of change."""

    def __init__(self, first_id: int, indexes: Mapping[str, Index] | None = None) -> None:
        self.rows: dict[int, Row] = {}
        self.active: dict[int, None] = {}
        self.recent: dict[int, None] = {}
        self._next = first_id
        self._indexes: dict[str, Index] = {"vis_state": lambda row: row.get("vis_state", 0), **(indexes or {})}
        self._found: dict[str, dict[str, dict[int, None]]] = {name: {} for name in self._indexes}
        self._keys: dict[int, dict[str, str]] = {}

    def new_id(self) -> int:
        self._next += 1
        return self._next - 1

    def save(self, row_id: int, row: Row) -> None:
        """Add the row or take note that it changed."""
        known = row_id in self.rows
        self.rows[row_id] = row
        self.recent.pop(row_id, None)
        self.recent[row_id] = None
        self._reindex(row_id, row)
        if row.get("vis_state", 0) == 1:
            self.active.pop(row_id, None)
        elif row_id not in self.active:
            self.active[row_id] = None
            if known:  # restored: back to its place in creation order
                self.active = dict.fromkeys(sorted(self.active))

    def _reindex(self, row_id: int, row: Row) -> None:
        old, new = self._keys.get(row_id, {}), {name: index_key(read(row)) for name, read in self._indexes.items()}
        for name, key in new.items():
            if old.get(name) != key:
                self._forget(name, old.get(name), row_id)
                self._found[name].setdefault(key, {})[row_id] = None
        self._keys[row_id] = new

    def _forget(self, name: str, key: str | None, row_id: int) -> None:
        if key is not None:
            self._found[name][key].pop(row_id)
            if not self._found[name][key]:
                del self._found[name][key]

    def drop(self, row_id: int) -> None:
        """Remove the row for good."""
        for name, key in self._keys.pop(row_id).items():
            self._forget(name, key, row_id)
        del self.rows[row_id], self.recent[row_id]
        self.active.pop(row_id, None)

    def has_index(self, name: str) -> bool:
        return name in self._indexes

    def ids_by(self, name: str, value: Any) -> Iterable[int]:
        """Ids of the rows whose index has this value."""
        return self._found[name].get(index_key(value), {})

    def by(self, name: str, value: Any) -> list[Row]:
        """The rows whose index has this value, deleted ones included, by id."""
        return [self.rows[row_id] for row_id in sorted(self.ids_by(name, value))]

    def changed_since(self, day: str) -> Iterator[int]:
        """Ids of rows whose `updated` is of this day or later, newest first, without looking at the others."""
        for row_id in reversed(self.recent):
            if str(self.rows[row_id].get("updated", ""))[:10] < day:
                return
            yield row_id


@dataclass
class Books:
    """One accounting account. Its tables are by the plural name of the resource."""

    world: World
    account_id: str
    business_id: int
    business_uuid: str
    system_id: int
    name: str
    tables: dict[str, Table] = field(default_factory=dict)
    last_number: str = "0000000"
    last_credit_number: str = "0000000"
    usernames: dict[str, int] = field(default_factory=dict)
    mails: list[Row] = field(default_factory=list)

    @property
    def switches(self) -> Switches:
        return self.world.switches

    def tell(self, event: str, object_id: int) -> None:
        """Fire the webhooks of an event."""
        self.world.announce(self, event, object_id)

    def stamp(self) -> str:
        return self.world.eastern().strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> date:
        return self.world.eastern().date()


@dataclass
class World:
    """All accounts of the sandbox. announce is set by the webhooks; clock answers seconds since 1970."""

    url: str
    switches: Switches
    random: Random
    accounts: dict[str, Books] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    announce: Callable[[Books, str, int], None] = lambda _books, _event, _object_id: None

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def eastern(self) -> datetime:
        """Accounting times are Eastern and say so nowhere (recorded: 12:52:44 in the body at 16:52:44 GMT)."""
        return datetime.fromtimestamp(self.clock(), EASTERN)

    def new_uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    @property
    def main(self) -> Books:
        return self.accounts[MAIN_ACCOUNT]
