"""What the books should hold for one order: the answer of order_to_invoice's desire, the question of its plan."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.canonical.catalogue import Product
from connectors.canonical.ledger import Credit, Invoice, InvoiceTax, Payment
from connectors.canonical.money import Money
from connectors.kit.errors import NeedsAttention
from flows.recipes.customers import ClientWanted
from flows.recipes.fitting import RoundingPolicy
from flows.recipes.proof import Concern
from flows.recipes.updating import Kept

NO_CLIENT = ClientWanted()


@dataclass(frozen=True, slots=True)
class ItemWanted:
    """An item that should exist for a SKU; must_exist: it is not ours to create, a person maps it."""

    key: str
    product: Product
    must_exist: bool = False


@dataclass(frozen=True, slots=True)
class PaymentWanted:
    """A payment under its link key; its amount is what is left after refunds and may be zero.

    assumed: what the order comes to, where the shop says that it was paid but not how much; seen: what its link remembers of that.
    """

    key: str
    payment: Payment
    assumed: Money | None = None
    seen: str = ""


@dataclass(frozen=True, slots=True)
class CreditWanted:
    """A credit note under its link key and what it must come to."""

    key: str
    credit: Credit
    amount: Money


@dataclass(frozen=True, slots=True)
class DesiredBooks:
    """The whole aggregate. target is the invoice's amount, captured what must be recorded as paid.

    skip: why the order is not booked, unless it is in the books already. void: why what is in the books has to go; by_hand: a person
    wants that, so nothing that was paid goes; along: nor stays what was created along with it, where nothing else uses it.
    invoice_number: what its invoice is or would be called.
    concern: money that the books will not show, though they are as they should be.
    problem: what kept us from working out a skipped order (it matters only if it is booked). content: hash of the invoice. marker: what
    the notes of all our payments of this order start with. taxes: what the books must know at these rates; make_taxes: missing ones are
    created. kept: fields of the invoice that an update leaves to the books.
    """

    order_id: str
    number: str
    source_total: Money
    refunded: Money
    target: Money
    captured: Money
    skip: str = ""
    void: str = ""
    problem: NeedsAttention | None = None
    client: ClientWanted = NO_CLIENT
    items: tuple[ItemWanted, ...] = ()
    invoice: Invoice | None = None
    content: str = ""
    rounding: RoundingPolicy | None = None
    payments: tuple[PaymentWanted, ...] = ()
    credits: tuple[CreditWanted, ...] = ()
    invoice_number: str = ""
    concern: Concern | None = None
    marker: str = ""
    taxes: tuple[InvoiceTax, ...] = ()
    make_taxes: bool = False
    kept: Kept = ()
    by_hand: bool = False
    along: bool = False

    @property
    def currency(self) -> str:
        return self.target.currency
