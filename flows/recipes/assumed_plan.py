"""A shop that says that an order was paid, but not how much: it was paid what the order came to when that was first recorded."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import cast

from connectors.canonical.identity import ObjectType
from connectors.canonical.money import Money, total
from flows.recipes.desired_books import DesiredBooks, PaymentWanted
from flows.recipes.looks import Link, LinksUnder, View
from flows.recipes.proof import Concern
from flows.recipes.settlement import money_held

GREW = "grew_after_payment"


def as_first_paid(desired: DesiredBooks, view: View) -> DesiredBooks:
    """What the books should hold when an order that was edited since has not been paid again: nobody said that it was."""
    if not any(wanted.assumed for wanted in desired.payments):
        return desired
    links = cast("tuple[Link, ...]", view(LinksUnder(ObjectType.PAYMENT, f"{desired.order_id}:")))
    seen = {link.key: link.content_hash for link in links}
    more = total((_more(wanted, seen.get(wanted.key, "")) for wanted in desired.payments), desired.currency)
    if not more:
        return desired
    payments = tuple(_less(wanted, seen.get(wanted.key, "")) for wanted in desired.payments)
    captured = total((wanted.payment.amount for wanted in payments), desired.currency)
    return replace(desired, payments=payments, captured=captured, concern=desired.concern or _concern(desired, more))


def unsettled(desired: DesiredBooks, paid: Money) -> Concern | None:
    """The concern that is left: once a person has recorded the rest, what grew after its payment is paid."""
    concern = desired.concern
    return None if concern and concern.code == GREW and paid >= desired.target else concern


def _more(wanted: PaymentWanted, seen: str) -> Money:
    """How much more than when it was recorded the order comes to, less than zero where it shrank. Another moment or reference of the
    payment is another payment: of what the order comes to by then.
    """
    then, _, which = seen.partition(" ")
    if wanted.assumed is None or not which or which != wanted.seen.partition(" ")[2]:
        return Money.zero(wanted.payment.amount.currency)
    return wanted.assumed - Money(Decimal(then), wanted.assumed.currency)


def _less(wanted: PaymentWanted, seen: str) -> PaymentWanted:
    """Without what the order grew by. What it shrank by cannot be recorded: the invoice is not worth that much any more."""
    more, zero = _more(wanted, seen), Money.zero(wanted.payment.amount.currency)
    if not more:
        return wanted
    amount = max(zero, wanted.payment.amount - max(zero, more))
    return replace(wanted, payment=replace(wanted.payment, amount=amount), seen=seen)


def _concern(desired: DesiredBooks, more: Money) -> Concern:
    if more.amount < 0:
        return money_held(
            desired.order_id,
            f"Order {desired.number} comes to {-more} less than when it was paid, and the shop shows no refund of that. "
            "Refund it there, or record by hand what becomes of it.",
        )
    return Concern(
        GREW,
        f"order:{desired.order_id}",
        f"Order {desired.number} comes to {more} more than when it was paid, and the shop does not say whether that was paid, too: "
        "the books show it as outstanding. When it is paid, record it on the invoice there, then retry this order.",
    )
