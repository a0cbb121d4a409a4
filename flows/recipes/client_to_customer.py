"""From a client of the books to a customer of a shop or of a payment service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.canonical.party import Customer
from connectors.kit.errors import NothingToDo
from flows.recipes.agreement import Rules, Verdict, agreement, as_found, judge, merged, rules_of, unchanged
from flows.recipes.contract import Change, Context, Plan, Recipe
from flows.recipes.looks import Link, LinkBack, LinkOf, Matches, Now, View
from flows.recipes.options import CLIENT_TO_CUSTOMER, text

PREFIX = "client:"


@dataclass(frozen=True, slots=True)
class DesiredCustomer:
    """The client as the books show it, and what the flow decided about it. rules: who wins, field by field."""

    key: str
    client: Customer
    rules: Rules
    several: Literal["first", "attention"]
    make_new: bool
    make_guests: bool


def client_link(client_id: str) -> str:
    """The key under which a client's customer is linked: it stays when the e-mail changes."""
    return f"{PREFIX}{client_id}"


def desire(client: Customer, context: Context) -> DesiredCustomer:
    """What to look for. A client without name and e-mail is nobody."""
    if not client.name:
        raise NothingToDo(f"Client {client.id} has neither a name nor an e-mail.", code="nameless")
    options = context.options
    return DesiredCustomer(
        client_link(client.id),
        client,
        rules_of(options, "newest"),
        "first" if text(options, "several_customers", "attention") == "first" else "attention",
        make_new=text(options, "new_customers", "create") == "create",
        make_guests=text(options, "guests", "skip") == "create",
    )


def plan(desired: DesiredCustomer, view: View) -> Plan:
    """By link, then by e-mail; then bring over what changed in the books and only that."""
    link = cast("Link | None", view(LinkOf(ObjectType.CUSTOMER, desired.key)))
    if link is None:
        return _first_contact(desired, view)
    if unchanged(desired.client, link.content_hash):
        return Plan()  # an echo of our own write, or nothing of interest
    there = cast("Customer | None", view(Now(ObjectType.CUSTOMER, link.destination_id)))
    if there is None:
        raise NothingToDo(f"The customer of {desired.client.name} is gone there; it is not made anew.", code="customer_gone")
    verdict = _verdict(desired, link, there, view)
    if verdict.write:
        return Plan((_update(desired, link, there, verdict),))
    if verdict.agreed != link.content_hash:
        title = f"{desired.client.name}: both sides agree"
        return Plan((Change("remember", ObjectType.CUSTOMER, desired.key, title, content_hash=verdict.agreed),))
    return Plan()


def _first_contact(desired: DesiredCustomer, view: View) -> Plan:
    """Adopt the customer with this e-mail, or make one; guests stay guests unless the flow says so."""
    client = desired.client
    if not client.email_key:
        raise NothingToDo(f"{client.name} has no e-mail, by which customers are known there.", code="no_email")
    if not view(Matches(ObjectType.CUSTOMER, client)):
        if not desired.make_new:
            raise NothingToDo(f"{client.name} is no customer there, and the flow makes none.", code="unknown_client")
        if not desired.make_guests and view(LinkBack(ObjectType.CUSTOMER, client.id)) is not None:
            raise NothingToDo(f"{client.name} ordered as a guest and stays one.", code="guest")
    title = f"Find or create customer {client.name}"
    content = agreement(client)
    change = Change("create", ObjectType.CUSTOMER, desired.key, title, client, several=desired.several, content_hash=content)
    return Plan((change,))


def _verdict(desired: DesiredCustomer, link: Link, there: Customer, view: View) -> Verdict:
    """What differs. A customer that we adopted just now and whose client we wrote ourselves, from its orders, is taken as it is: the
    echo of an order must not rewrite the account that it came from.
    """
    client = desired.client
    if not link.content_hash and view(LinkBack(ObjectType.CUSTOMER, client.id)) is not None:
        return Verdict((), as_found(client, there))
    return judge(client, there, link.content_hash, desired.rules, "books", desired.key)


def _update(desired: DesiredCustomer, link: Link, there: Customer, verdict: Verdict) -> Change:
    return Change(
        "update",
        ObjectType.CUSTOMER,
        desired.key,
        f"Update customer {desired.client.name} ({', '.join(verdict.write)})",
        merged(there, desired.client, verdict.write),
        target_id=link.destination_id,
        content_hash=verdict.agreed,
    )


def describe(client: Customer) -> tuple[str, Money | None]:
    """For lists: the client's name."""
    return client.name or client.id, None


RECIPE: Recipe[Customer, DesiredCustomer] = Recipe(
    name="client_to_customer",
    label="Clients of the books become customers",
    source=ObjectType.CUSTOMER,
    writes=(ObjectType.CUSTOMER,),
    options=CLIENT_TO_CUSTOMER,
    desire=desire,
    plan=plan,
    describe=describe,
    from_books=True,
    in_words="Each client of the books becomes a customer with the same billing details, and later changes follow."
    " Customers are never deleted.",
)
