"""Which of the two currencies of an order we read: every amount of Shopify comes in the shop's and in the buyer's."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.canonical.money import Money, total
from connectors.kit.account import Account
from connectors.kit.contract import Setting
from connectors.kit.tame import Tame

SHOP, BUYER = "shop", "presentment"
OPTION = Setting(
    "order_currency",
    "Currency of the books",
    help="Shop: what you are paid in. Buyer: what the buyer saw and paid. Do not change it once orders are booked.",
    kind="choice",
    choices=((SHOP, "The shop's currency"), (BUYER, "The buyer's currency")),
    default=SHOP,
)


@dataclass(frozen=True, slots=True)
class Purse:
    """The only way to an amount: always the same side, always in the order's currency on that side."""

    side: str
    currency: str

    def read(self, bag: Tame) -> Money:
        """One side of a money bag. Raises Rejected when it is in a currency that the order is not in."""
        money = bag[self.side]
        if money["currencyCode"].currency() != self.currency:
            raise money["currencyCode"].fail(self.currency)
        return money["amount"].money(self.currency)

    def read_or_zero(self, bag: Tame) -> Money:
        return self.zero if bag.is_null else self.read(bag)

    @property
    def zero(self) -> Money:
        return Money.zero(self.currency)

    def sum(self, *amounts: Money) -> Money:
        return total(amounts, self.currency)


def purse_of(order: Tame, account: Account) -> Purse:
    """The side that the flow chose."""
    if account.settings.get(OPTION.name, SHOP) == BUYER:
        return Purse("presentmentMoney", order["presentmentCurrencyCode"].currency())
    return Purse("shopMoney", order["currencyCode"].currency())
