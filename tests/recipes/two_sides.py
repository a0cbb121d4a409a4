"""A shop and books in memory that both hold customers, and the two flows between them, with links and events as in the pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.canonical.identity import ObjectType
from connectors.canonical.party import Customer
from connectors.kit.errors import NothingToDo
from flows.recipes.client_to_customer import RECIPE as CLIENTS
from flows.recipes.contract import Change, Context, Mappings, Plan, Recipe
from flows.recipes.customer_to_client import RECIPE as CUSTOMERS
from flows.recipes.looks import Link, LinkBack, LinkOf, Look, Matches, More, Now, View

START = datetime(2026, 7, 1, 9, tzinfo=UTC)


@dataclass
class Side:
    """One side's customers, and the links of the flow that writes here. lossy: what this side cannot store is dropped."""

    name: str
    people: dict[str, Customer] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    writes: list[Change] = field(default_factory=list)
    loses: tuple[str, ...] = ()

    def store(self, id: str, value: Customer, at: datetime) -> Customer:
        stored = replace(value, id=id, updated_at=at, **dict.fromkeys(self.loses, ""))
        self.people[id] = stored
        return stored


@dataclass
class Pair:
    """Both sides and a clock that moves with every change."""

    shop: Side = field(default_factory=lambda: Side("shop"))
    books: Side = field(default_factory=lambda: Side("books"))
    to_shop: dict[str, Any] = field(default_factory=dict)
    to_books: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    now: datetime = START
    looks: int = 0

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def edit(self, side: Side, id: str, **fields: Any) -> None:
        """A person edits on one side; that side tells of it."""
        side.store(id, replace(side.people[id], **fields), self.tick())
        self.events.append((side.name, id))

    def add(self, side: Side, customer: Customer) -> str:
        id = f"{side.name[0]}{len(side.people) + 1}"
        side.store(id, customer, self.tick())
        self.events.append((side.name, id))
        return id

    def settle(self) -> int:
        """Work off all events, those that our own writes cause included; how many rounds it took."""
        rounds = 0
        while self.events:
            rounds += 1
            assert rounds < 8, "ping-pong"
            due, self.events = self.events, []
            for name, id in dict.fromkeys(due):
                try:
                    self.sync(name, id)
                except NothingToDo:
                    continue
        return rounds

    def sync(self, name: str, id: str) -> list[Plan]:
        """One job of the flow that reads this side."""
        here, there = (self.books, self.shop) if name == "books" else (self.shop, self.books)
        recipe: Recipe[Any, Any] = CLIENTS if name == "books" else CUSTOMERS
        options = {setting.name: setting.default for setting in recipe.options}
        options |= self.to_shop if name == "books" else self.to_books
        desired = recipe.desire(here.people[id], Context(options, Mappings(), name, name, "CAD", self.now))
        seen: dict[Look, Any] = {}
        plans: list[Plan] = []
        for _ in range(8):
            plans.append(self._plan(recipe, desired, here, there, seen))
            if not plans[-1].changes:
                return plans
            for change in plans[-1]:
                self._load(change, there, seen)
        raise AssertionError(f"unsettled: {[change.title for change in plans[-1]]}")

    def _plan(self, recipe: Recipe[Any, Any], desired: Any, here: Side, there: Side, seen: dict[Look, Any]) -> Plan:
        for _ in range(40):
            try:
                return recipe.plan(desired, View(seen))
            except More as more:
                seen.update({look: self._look(look, here, there) for look in more.looks})
        raise AssertionError("a plan asked for too much")

    def _look(self, look: Look, here: Side, there: Side) -> Any:
        match look:
            case LinkOf():
                return there.links.get(look.key)
            case LinkBack():
                return next((link for link in here.links.values() if link.destination_id == look.source_id), None)
            case Matches():
                return self._found(there, look.value)
            case Now():
                self.looks += 1
                return there.people.get(look.destination_id)
        raise AssertionError(f"an unexpected look: {look}")

    def _found(self, there: Side, value: Customer) -> tuple[Customer, ...]:
        return tuple(person for person in there.people.values() if value.email_key and person.email_key == value.email_key)

    def _load(self, change: Change, there: Side, seen: dict[Look, Any]) -> None:
        for look in [look for look in seen if isinstance(look, LinkOf)]:
            del seen[look]
        kind = ObjectType.CUSTOMER
        if change.verb == "remember":
            there.links[change.key] = replace(there.links[change.key], content_hash=change.content_hash)
            return
        if change.verb == "create" and (found := self._found(there, change.value)):
            there.links[change.key] = Link(kind, change.key, found[0].id)
            seen[Now(kind, found[0].id)] = found[0]
            return
        there.writes.append(change)
        id = change.target_id or f"{there.name[0]}{len(there.people) + 1}"
        seen[Now(kind, id)] = there.store(id, change.value, self.tick())
        self.events.append((there.name, id))
        if change.verb == "create":
            there.links[change.key] = Link(kind, change.key, id, change.content_hash)
        elif change.key in there.links:
            there.links[change.key] = replace(there.links[change.key], content_hash=change.content_hash)

    @property
    def written(self) -> list[str]:
        return [f"{change.verb} at {side.name}" for side in (self.shop, self.books) for change in side.writes]

    def forget(self) -> None:
        self.shop.writes.clear()
        self.books.writes.clear()
        self.looks = 0
