"""What a recipe is: two pure functions, desire and plan, and the words they speak. No Django, no network.

`desire` turns the source's canonical value, the flow's options and the operator's mappings into what the destination should look
like. `plan` compares that with what is there (the view) and returns the changes that are still missing. The pipeline loads the
changes, remembers the answers in the view and plans again until nothing is left: the last, empty plan is the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.kit.contract import Setting
from flows.recipes.looks import View
from flows.recipes.proof import Concern, TieOut

S = TypeVar("S")
D = TypeVar("D")


# ---- what the operator decided -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ItemChoice:
    """The ledger item that a SKU is mapped to: its id and the name that stands on the invoice line."""

    item_id: str
    name: str


@dataclass(frozen=True, slots=True)
class FieldRule:
    """A field mapping: target path, JMESPath expression over the source value, transform name, default, and what an update may do with
    the field ("overwrite", "empty", "new"; see updating.py).
    """

    target: str
    expression: str
    transform: str = ""
    default: str = ""
    mode: str = "overwrite"


@dataclass(frozen=True, slots=True)
class Mappings:
    """One flow's mappings. values: (kind, source value) -> target; kinds: "tax", "gateway", "status" and "account" (what a charge is called
    on the invoice: by its code, its name or "shipping", "fee", "tip", ...; what a product is called: by its category).
    """

    items: Mapping[str, ItemChoice] = field(default_factory=dict)
    values: Mapping[tuple[str, str], str] = field(default_factory=dict)
    fields: tuple[FieldRule, ...] = ()

    def value(self, kind: str, *sources: str) -> str | None:
        """The first mapped target among several ways to name the source (code, then name); None when unmapped."""
        return next((self.values[kind, s] for s in sources if s and (kind, s) in self.values), None)


@dataclass(frozen=True, slots=True)
class Context:
    """All that desire may know besides the source value. options have the defaults filled in.

    learned holds what the destination taught us ("negative_lines": "refused"); now is aware UTC.
    """

    options: Mapping[str, Any]
    mappings: Mappings
    source_key: str
    source_label: str
    destination_currency: str
    now: datetime
    learned: Mapping[str, str] = field(default_factory=dict)
    destination_key: str = ""


# ---- what to do --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One write. verb "create" searches first (unless find_first is off because it cannot exist) and adopts what is ours; "adopt"
    only searches: it settles a doubt by adopting what is there, or by forgetting the intent; "update" and "act" go to target_id; ""
    means the object of the same type and key that an earlier change of this plan creates. "remember" calls nobody: it keeps the
    content_hash on the link, for what both sides turned out to agree on, and with the action "void" that it is gone.
    find_first off holds only if that creation really created: after an adoption, plan again before going on. A link's void follows
    the actions "void", "remove" and "restore".

    key: the link's key. shared: the link belongs to the destination, not to the source connection (clients by e-mail,
    items by SKU). fill: fields of the value that are ids of links, filled in just before the write
    {"customer_id": (CUSTOMER, "email:a@b.c")}. several: what to do when the search finds more than one. content_hash is kept on
    the link. title says it for people.
    """

    verb: Literal["create", "adopt", "update", "act", "remember"]
    object_type: ObjectType
    key: str
    title: str
    value: Any = None
    action: str = ""
    target_id: str = ""
    shared: bool = False
    fill: tuple[tuple[str, tuple[ObjectType, str]], ...] = ()
    find_first: bool = True
    several: Literal["first", "attention"] = "attention"
    content_hash: str = ""

    @property
    def does(self) -> str:
        """What it is called in the audit and in plans: "void" only where something is voided."""
        return self.action if self.action and self.verb != "remember" else self.verb


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that are missing, in order; none means that the destination is as desired."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    tie_out: TieOut | None = None
    concern: Concern | None = None

    @property
    def said(self) -> tuple[str, ...]:
        """All sentences for people."""
        return (*self.notes, self.concern.message) if self.concern else self.notes

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)


@dataclass(frozen=True, slots=True)
class Unbooking:
    """A person wants what was posted for a record to go: what the record is known by (the source need not have it any more), and why.

    along: what was created along with it goes too, where nothing else uses it.
    """

    source_id: str
    number: str
    currency: str
    why: str
    along: bool = False


@dataclass(frozen=True)
class Recipe(Generic[S, D]):
    """One thing we can sync, into the books or from_books. source: the object type read; writes: those that the destination must write.

    options become the flow's form. desire and plan are pure; desire raises NothingToDo, NeedsAttention or Rejected; plan may raise
    NeedsAttention, NothingToDo and More. describe(source value) -> (number, amount or None) for lists. own_is_echo: a source object that
    the flow in the other direction wrote, or one that read orders, concerns nobody; it is recognised by its link, without a call.
    echo_unless: (option, value) by which a flow wants those all the same. fills: groups of fields that the operator's rules may fill
    ("invoice", "client", "item"); maps: the kinds of values that it looks up among the mappings. unbook: the desired state in which nothing
    of a record stands; None where what was written cannot be taken back. in_words: what it does, for people.
    """

    name: str
    label: str
    source: ObjectType
    writes: tuple[ObjectType, ...]
    options: tuple[Setting, ...]
    desire: Callable[[S, Context], D]
    plan: Callable[[D, View], Plan]
    describe: Callable[[S], tuple[str, Money | None]]
    tie_out: bool = False
    own_is_echo: bool = False
    echo_unless: tuple[str, str] = ("", "")
    fills: tuple[str, ...] = ()
    in_words: str = ""
    maps: tuple[str, ...] = ()
    unbook: Callable[[Unbooking, Context], D] | None = None
    from_books: bool = False
