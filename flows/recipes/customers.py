"""Which client of the books a customer is, and when the books' client follows the shop's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.party import Customer
from flows.recipes.contract import Change
from flows.recipes.looks import Link, Now, View
from flows.recipes.plain import digest, link_key
from flows.recipes.updating import Kept, keeping

_STAMP = 14  # characters of the time before the digest in a client's content hash


@dataclass(frozen=True, slots=True)
class ClientWanted:
    """A client by its link key. client_id names a fixed one instead (the default client), which is never written.

    as_of: since when the shop's details hold; older details never overwrite newer ones. shared: known to all shops by e-mail.
    kept: fields that an update leaves to the books.
    """

    key: str = ""
    customer: Customer | None = None
    shared: bool = False
    several: Literal["first", "attention"] = "first"
    client_id: str = ""
    content: str = ""
    follow: bool = True
    kept: Kept = ()


def client_key(customer: Customer, otherwise: str) -> tuple[str, bool]:
    """The link's key and whether all shops share it: by e-mail, else the shop's own customer, else what is given."""
    if customer.email_key:
        return link_key("email", customer.email_key), True
    return (f"customer:{customer.id}", False) if customer.id else (otherwise, False)


def client_content(customer: Customer, as_of: datetime) -> str:
    """A content hash that starts with its time (20260731120000), so that the later of two details can be told."""
    details = (
        customer.email_key,
        customer.given_name,
        customer.family_name,
        customer.company,
        customer.phone,
        customer.billing,
        customer.tax_number,
    )
    return as_of.astimezone(UTC).strftime("%Y%m%d%H%M%S") + digest(details)


def is_newer(content: str, held: str) -> bool:
    """Whether this content differs from the one held and is of a later time."""
    return content[_STAMP:] != held[_STAMP:] and content[:_STAMP] > held[:_STAMP]


def create_client(client: ClientWanted) -> Change:
    """Find or create the client: an existing one with this e-mail is adopted."""
    change = _change("create", client, "Find or create client {}")
    return replace(change, value=client.customer, several=client.several, content_hash=client.content)


def client_changes(client: ClientWanted, link: Link, view: View, *, update: bool) -> tuple[Change, ...]:
    """Bring a known client back if it was deleted, and up to date. Where fields are kept, a deleted one shows them once it is back."""
    back = (restore_client(client, link),) if link.void else ()
    if not update or (back and client.kept):
        return back
    if client.kept and client.customer:
        now = cast("Customer | None", view(Now(ObjectType.CUSTOMER, link.destination_id)))
        client = replace(client, customer=keeping(client.customer, now, client.kept))
    return (*back, update_client(client, link))


def update_client(client: ClientWanted, link: Link) -> Change:
    """Bring the client's details up to date."""
    change = _change("update", client, "Update client {}")
    return replace(change, value=client.customer, target_id=link.destination_id, content_hash=client.content)


def restore_client(client: ClientWanted, link: Link) -> Change:
    """FreshBooks does not invoice deleted clients; bringing one back loses nothing and is on record."""
    change = _change("act", client, "Restore client {}, deleted in the books")
    return replace(change, action="restore", target_id=link.destination_id)


def _change(verb: Literal["create", "update", "act"], client: ClientWanted, title: str) -> Change:
    name = client.customer.name if client.customer else ""
    return Change(verb, ObjectType.CUSTOMER, client.key, title.format(name or client.key), shared=client.shared)
