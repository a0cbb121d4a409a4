"""Credit notes for refunds, one each; one whose refund is gone is voided."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.ledger import Credit
from connectors.kit.errors import NeedsAttention
from flows.recipes.contract import Change
from flows.recipes.desired_books import CreditWanted, DesiredBooks
from flows.recipes.looks import Link, LinksUnder, Now, View


def plan_credits(desired: DesiredBooks, customer_id: str, view: View) -> tuple[Change, ...]:
    """The missing credit notes, and voids of those that nobody wants any more."""
    links = cast("tuple[Link, ...]", view(LinksUnder(ObjectType.CREDIT, f"{desired.order_id}:")))
    held = {link.key: link for link in links}
    wanted = {credit.key: credit for credit in desired.credits}
    changes = [_create(desired, credit, customer_id) for key, credit in wanted.items() if key not in held]
    for key, link in held.items():
        change = _keep(wanted[key], link, view) if key in wanted else void_credit(link)
        if change is not None:
            changes.append(change)
    return tuple(changes)


def void_credit(link: Link) -> Change | None:
    """The void of a credit note, None when we voided it already."""
    if link.void:
        return None
    return Change(
        "act", ObjectType.CREDIT, link.key, "Void the credit note: its refund is gone", action="void", target_id=link.destination_id
    )


def _create(desired: DesiredBooks, wanted: CreditWanted, customer_id: str) -> Change:
    return Change(
        "create",
        ObjectType.CREDIT,
        wanted.key,
        f"Create credit note {wanted.credit.number} over {wanted.amount}",
        replace(wanted.credit, customer_id=customer_id),
        fill=() if customer_id else (("customer_id", (ObjectType.CUSTOMER, desired.client.key)),),
    )


def _keep(wanted: CreditWanted, link: Link, view: View) -> Change | None:
    """Nothing when it stands over the right amount; a credit note is a document and never changed by us."""
    now = cast("Credit | None", view(Now(ObjectType.CREDIT, link.destination_id)))
    if now is not None and now.void and link.void:
        return Change(
            "act",
            ObjectType.CREDIT,
            link.key,
            f"Restore credit note {wanted.credit.number}",
            action="restore",
            target_id=link.destination_id,
        )
    if now is None or now.void or now.amount != wanted.amount:
        shows = "deleted" if now is None or now.void else f"over {now.amount}"
        raise NeedsAttention(
            f"Credit note {wanted.credit.number} is {shows} in the books, but the refund is {wanted.amount}. Correct it there by hand.",
            code="credit_differs",
        )
    return None
