"""From a shop's customer to a client of the books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.canonical.party import Customer
from connectors.kit.errors import NothingToDo
from flows.recipes.agreement import Rules, judge, merged, rules_of, turned, unchanged
from flows.recipes.client_to_customer import PREFIX
from flows.recipes.contract import Context, Plan, Recipe
from flows.recipes.customers import ClientWanted, client_changes, client_content, client_key, create_client, is_newer, update_client
from flows.recipes.fields import filled
from flows.recipes.looks import Link, LinkBack, LinkOf, Now, View
from flows.recipes.options import CUSTOMER_TO_CLIENT, several, text
from flows.recipes.plain import short_name
from flows.recipes.updating import NEW, keeping, kept_by, without


@dataclass(frozen=True, slots=True)
class DesiredClient:
    """The client wanted; follow in it says whether the shop's values win over what exists. rules: who wins, field by field, where
    clients also flow back.
    """

    client: ClientWanted
    customer_id: str = ""
    rules: Rules = ()


def desire(customer: Customer, context: Context) -> DesiredClient:
    """The client as the shop knows it. A customer without name and e-mail is nobody to invoice."""
    if not customer.name:
        raise NothingToDo(f"Customer {customer.id} has neither a name nor an e-mail.", code="nameless")
    wanted = filled(customer, "client", context.mappings.fields, customer)
    key, shared = client_key(wanted, f"customer:{customer.id}")
    if not shared:
        wanted = replace(wanted, note=f"{short_name(context.source_key)}:{key}")  # what a client without e-mail is found by
    kept = kept_by("client", context.mappings.fields)
    content = client_content(without(wanted, kept, NEW), customer.updated_at or context.now)
    follow = text(context.options, "conflict", "shop") != "books"
    client = ClientWanted(key, wanted, shared, several(context.options), "", content, follow, kept)
    return DesiredClient(client, customer.id, rules_of(context.options, "shop"))


def plan(desired: DesiredClient, view: View) -> Plan:
    """Create or adopt by e-mail, then follow later changes. An order may have brought newer details: those stay."""
    client = desired.client
    back = cast("Link | None", view(LinkBack(ObjectType.CUSTOMER, desired.customer_id)))
    if back is not None and back.key.startswith(PREFIX):
        return _both_ways(desired, back, view)
    link = cast("Link | None", view(LinkOf(ObjectType.CUSTOMER, client.key)))
    if link is None:
        return Plan((create_client(client),))
    if not client.follow:
        return Plan((), ("The client exists and the flow leaves it as it is.",))
    due = not link.content_hash or is_newer(client.content, link.content_hash)
    return Plan(client_changes(client, link, view, update=due))


def _both_ways(desired: DesiredClient, back: Link, view: View) -> Plan:
    """The client that a flow in the other direction knows this customer by, whatever its e-mail is now. What that flow brought
    here comes back as an event and ends by its hash.
    """
    client, agreed = desired.client, turned(back.content_hash)
    if client.customer is None or unchanged(client.customer, agreed):
        return Plan()
    client_id = back.key.removeprefix(PREFIX)
    there = cast("Customer | None", view(Now(ObjectType.CUSTOMER, client_id)))
    if there is None:
        raise NothingToDo(f"The client of {client.customer.name} was deleted in the books; it is not made anew.", code="client_gone")
    verdict = judge(client.customer, there, agreed, desired.rules, "shop", f"customer:{desired.customer_id}")
    if not verdict.write:
        return Plan()
    wanted = keeping(merged(there, client.customer, verdict.write), there, client.kept)
    if wanted == there:
        return Plan((), ("What changed are fields that the flow leaves to the books.",))
    return Plan((update_client(replace(client, customer=wanted), Link(ObjectType.CUSTOMER, client.key, client_id)),))


def describe(customer: Customer) -> tuple[str, Money | None]:
    """For lists: the customer's name."""
    return customer.name or customer.id, None


RECIPE: Recipe[Customer, DesiredClient] = Recipe(
    name="customer_to_client",
    label="Customers become clients",
    source=ObjectType.CUSTOMER,
    writes=(ObjectType.CUSTOMER,),
    options=CUSTOMER_TO_CLIENT,
    desire=desire,
    plan=plan,
    describe=describe,
    fills=("client",),
    in_words="Each customer becomes a client of the books, and later changes follow. Clients are never merged or deleted.",
)
