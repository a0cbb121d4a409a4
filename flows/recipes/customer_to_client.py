"""From a shop's customer to a client of the books."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money
from connectors.canonical.party import Customer
from connectors.kit.errors import NothingToDo
from flows.recipes.contract import Change, Context, Link, LinkOf, Plan, Recipe, View
from flows.recipes.customers import ClientWanted, client_content, client_key, create_client, is_newer, restore_client, update_client
from flows.recipes.fields import filled
from flows.recipes.options import CUSTOMER_TO_CLIENT, several, text
from flows.recipes.plain import short_name


@dataclass(frozen=True, slots=True)
class DesiredClient:
    """The client wanted; follow in it says whether the shop's values win over what exists."""

    client: ClientWanted


def desire(customer: Customer, context: Context) -> DesiredClient:
    """The client as the shop knows it. A customer without name and e-mail is nobody to invoice."""
    if not customer.name:
        raise NothingToDo(f"Customer {customer.id} has neither a name nor an e-mail.", code="nameless")
    wanted = filled(customer, "client", context.mappings.fields, customer)
    key, shared = client_key(wanted, f"customer:{customer.id}")
    if not shared:
        wanted = replace(wanted, note=f"{short_name(context.source_key)}:{key}")  # what a client without e-mail is found by
    content = client_content(wanted, customer.updated_at or context.now)
    follow = text(context.options, "conflict", "shop") == "shop"
    return DesiredClient(ClientWanted(key, wanted, shared, several(context.options), "", content, follow))


def plan(desired: DesiredClient, view: View) -> Plan:
    """Create or adopt by e-mail, then follow later changes. An order may have brought newer details: those stay."""
    client = desired.client
    link = cast("Link | None", view(LinkOf(ObjectType.CUSTOMER, client.key)))
    if link is None:
        return Plan((create_client(client),))
    if not client.follow:
        return Plan((), ("The client exists and the flow leaves it as it is.",))
    changes: list[Change] = [restore_client(client, link)] if link.void else []
    if not link.content_hash or is_newer(client.content, link.content_hash):
        changes.append(update_client(client, link))
    return Plan(tuple(changes))


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
)
