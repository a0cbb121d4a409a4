"""What a plan may ask to see: our links, and what stands at the destination. Asked through the view, fetched by the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.canonical.identity import ObjectType


@dataclass(frozen=True, slots=True)
class Link:
    """What we hold about something that we wrote or adopted. fingerprint: what the destination showed right after it."""

    object_type: ObjectType
    key: str
    destination_id: str
    content_hash: str = ""
    fingerprint: str = ""
    void: bool = False


@dataclass(frozen=True, slots=True)
class LinkOf:
    """Look: our confirmed link of an object under its key (Link or None)."""

    object_type: ObjectType
    key: str


@dataclass(frozen=True, slots=True)
class LinksUnder:
    """Look: all our confirmed links whose key starts with the prefix (tuple of Link, by key)."""

    object_type: ObjectType
    prefix: str


@dataclass(frozen=True, slots=True)
class DoubtsUnder:
    """Look: the keys under this prefix whose creation we intended but never saw answered (tuple of str, sorted)."""

    object_type: ObjectType
    prefix: str


@dataclass(frozen=True, slots=True)
class OwnerOf:
    """Look, for the way back: the key under which another flow of these two connections wrote this source object
    (its id at the source of this flow), or None. Example: which order does this invoice belong to?
    """

    object_type: ObjectType
    source_id: str


@dataclass(frozen=True, slots=True)
class LinkBack:
    """Look, for two-way flows: the Link by which another flow wrote or adopted this source object, shared ones included, or None.
    Its key says what it was at our destination.
    """

    object_type: ObjectType
    source_id: str


@dataclass(frozen=True, slots=True)
class Matches:
    """Look: what the destination has under this value's marker or natural key (tuple of values, best first), whoever made it."""

    object_type: ObjectType
    value: Any


@dataclass(frozen=True, slots=True)
class Now:
    """Look: the canonical value of a destination object as it stands now (None when gone)."""

    object_type: ObjectType
    destination_id: str


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """Look: orders at the destination in these statuses that changed in the window (tuple of Order)."""

    since: datetime
    until: datetime
    statuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """Look: the destination's invoices with something outstanding, of one of its clients (by id, else by e-mail; tuple of Invoice)."""

    customer_id: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class WrittenBy:
    """Look: the label of the third connection whose flow wrote this source object, None when a person (or this pair) made it."""

    object_type: ObjectType
    source_id: str


@dataclass(frozen=True, slots=True)
class MadeAlong:
    """Look: what was created along with the record at hand and may serve others too, clients and items, also those that we have removed
    since (tuple of Along). invoice_id: the record's own invoice, which does not count as a use.
    """

    invoice_id: str


@dataclass(frozen=True, slots=True)
class Along:
    """Something that was created along with a record. what: as people call it ("client iris@vahl.example", "item TEA-100"). used: who else
    needs it ("it has 2 other invoices"), "" where nobody does.
    """

    link: Link
    what: str
    shared: bool
    used: str = ""


Look = LinkOf | LinksUnder | DoubtsUnder | OwnerOf | LinkBack | Matches | Now | OpenOrders | OpenInvoices | WrittenBy | MadeAlong


class More(Exception):
    """plan needs to see these first; the pipeline fetches them and plans again."""

    def __init__(self, *looks: Look) -> None:
        super().__init__(looks)
        self.looks = looks


@dataclass(frozen=True)
class View:
    """What is known of the destination and of our links. Asking for what is not there yet raises More.

    After a write the pipeline puts the new link and the answer in, and forgets the Now of what the write changed besides: a
    payment changes its invoice, which has to be read again.
    """

    seen: Mapping[Look, Any] = field(default_factory=dict)

    def __call__(self, look: Look) -> Any:
        if look not in self.seen:
            raise More(look)
        return self.seen[look]

    def ahead(self, *looks: Look) -> None:
        """Say what will be asked for, so that it is fetched together."""
        missing = [look for look in looks if look not in self.seen]
        if missing:
            raise More(*missing)
